package org.mohawk4j.train.distributed;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.stream.Collectors;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.BackendProvider;
import org.mohawk4j.backend.BackendProvider.Availability;
import org.mohawk4j.backend.Collectives;

/** Each rank needs a device of its own, unless the collective operations let ranks share one, and all the same backend. */
public final class RankDevices {
    private static final String SEPARATOR = "\n";

    private RankDevices() {}

    /**
     * Checks it.
     *
     * @param options that the backend was opened with
     * @throws RefusedRanksException on all ranks, if a backend has no collective operations, backends differ, or two ranks
     *     have the same device
     */
    public static void require(ProcessGroup group, Backend backend, BackendOptions options) {
        Optional<Collectives> collectives = backend.collectives();
        String problem = collectives.isPresent()
                ? ""
                : "expected a GPU for each of " + group.size() + " ranks, found backend " + backend.name()
                        + reasons(options);
        boolean shared = collectives.map(Collectives::sharesDevices).orElse(false);
        require(group, shared ? "" : backend.deviceId().orElse(""), backend.name(), problem);
    }

    /**
     * Checks it.
     *
     * @param device tells it from all others; empty if nothing does, or if ranks may share it
     * @param problem why this rank cannot join; empty if it can
     */
    public static void require(ProcessGroup group, String device, String backend, String problem) {
        String own = String.join(SEPARATOR, backend, device, problem);
        List<String[]> ranks = group.exchange(own.getBytes(StandardCharsets.UTF_8)).stream()
                .map(bytes -> new String(bytes, StandardCharsets.UTF_8).split(SEPARATOR, 3))
                .toList();
        for (int rank = 0; rank < ranks.size(); rank++) {
            String[] one = ranks.get(rank);
            if (!one[2].isEmpty()) {
                throw refused(group, rank, one[2]);
            }
            if (!one[0].equals(ranks.get(0)[0])) {
                throw refused(group, rank, "backend: expected " + ranks.get(0)[0] + " as of rank 0, found " + one[0]);
            }
            for (int other = 0; other < rank; other++) {
                if (!one[1].isEmpty() && one[1].equals(ranks.get(other)[1])) {
                    throw refused(
                            group,
                            rank,
                            "expected a GPU of its own, found " + one[1] + ", which rank " + other + " has");
                }
            }
        }
    }

    private static RefusedRanksException refused(ProcessGroup group, int rank, String what) {
        return new RefusedRanksException("rank " + rank + " on " + group.host(rank) + ": " + what);
    }

    /** Why other backends cannot be used. */
    private static String reasons(BackendOptions options) {
        String reasons = ServiceLoader.load(BackendProvider.class).stream()
                .map(ServiceLoader.Provider::get)
                .flatMap(provider -> reason(provider, options).stream())
                .collect(Collectors.joining("; "));
        return reasons.isEmpty() ? "" : " (" + reasons + ")";
    }

    private static Optional<String> reason(BackendProvider provider, BackendOptions options) {
        Availability found = provider.availability(options);
        return found.usable() ? Optional.empty() : Optional.of(provider.name() + ": " + found.reason());
    }
}
