package org.mohawk4j.backend.cuda.driver;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.backend.EventTimer;
import org.mohawk4j.backend.KernelProfiler;

/** Two events around each launch, while somebody wants to know; else nothing. */
public final class CudaProfiler implements KernelProfiler {
    private final EventTimer timer;
    private @Nullable List<Launch> launches;
    private EventTimer.@Nullable Mark start;

    CudaProfiler(CudaContext context) {
        this.timer = new CudaEventTimer(context);
    }

    private record Launch(Object kernel, EventTimer.Mark start, EventTimer.Mark end) {
        double seconds() {
            return end.secondsSince(start);
        }

        void close() {
            start.close();
            end.close();
        }
    }

    /** Before each launch. */
    public void begin() {
        if (launches != null) {
            start = timer.mark();
        }
    }

    /**
     * After it.
     *
     * @param kernel whose text is the name of what was launched
     */
    public void end(Object kernel) {
        List<Launch> open = launches;
        EventTimer.Mark from = start;
        if (open != null && from != null) {
            open.add(new Launch(kernel, from, timer.mark()));
            start = null;
        }
    }

    @Override
    public List<Total> profile(Runnable work) {
        if (launches != null) {
            throw new IllegalStateException("work is profiled inside of work that is profiled");
        }
        List<Launch> all = new ArrayList<>();
        launches = all;
        try {
            work.run();
            return totals(all);
        } finally {
            launches = null;
            all.forEach(Launch::close);
        }
    }

    private static List<Total> totals(List<Launch> launches) {
        Map<String, Total> totals = new LinkedHashMap<>();
        for (Launch launch : launches) {
            String name = launch.kernel().toString();
            totals.merge(
                    name,
                    new Total(name, 1, launch.seconds()),
                    (a, b) -> new Total(name, a.calls() + b.calls(), a.seconds() + b.seconds()));
        }
        return totals.values().stream()
                .sorted(Comparator.comparingDouble(Total::seconds).reversed())
                .toList();
    }
}
