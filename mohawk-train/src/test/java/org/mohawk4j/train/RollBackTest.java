package org.mohawk4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.train.loop.StopSignal;
import org.mohawk4j.train.loop.TrainingException;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.metrics.SkippedStep;
import org.mohawk4j.train.metrics.StepMetrics;

/** Spikes in a run that learns so little, and whose threshold is so low, that some of its losses count as such. */
class RollBackTest {
    private static final int STEPS = 40;

    @TempDir
    private Path folder;

    private final List<SkippedStep> faults = new ArrayList<>();

    private TinyRun run(String name, String onSpike, int every) {
        return new TinyRun(
                folder.resolve(name),
                Map.of(
                        "split",
                        List.of(0.0, 0.0, 1.0),
                        "tokens",
                        STEPS * 64,
                        "checkpoint.every",
                        every,
                        "lr",
                        List.of(1e-7, 1e-7, 1e-7),
                        "student.init",
                        "attention",
                        "faults.spike-threshold",
                        1,
                        "faults.on-spike",
                        onSpike));
    }

    private final class Listener implements TrainingListener {
        private int left;

        Listener(int steps) {
            left = steps;
        }

        @Override
        public void iterationDone(StepMetrics metrics) {
            if (--left == 0) {
                throw new IllegalStateException("ended");
            }
        }

        @Override
        public void onFault(SkippedStep fault) {
            faults.add(fault);
        }
    }

    private static List<String> faults(TinyRun run) throws IOException {
        return Files.readAllLines(run.folder().resolve("faults.jsonl"));
    }

    private static List<Integer> stepsInOrder() {
        return IntStream.rangeClosed(1, STEPS).boxed().toList();
    }

    @Test
    void aSpikeGoesBackToTheLastCheckpointAndOnWithOtherDataInterruptedOrNot() throws IOException {
        TinyRun undisturbed = run("undisturbed", "roll-back", 5);
        undisturbed.start(new Listener(0), new StopSignal());
        assertThat(faults)
                .isNotEmpty()
                .allSatisfy(fault -> assertThat(fault.action())
                        .isEqualTo("rolled back to stage 3, step " + (fault.step() - 1) / 5 * 5));
        assertThat(faults(undisturbed)).hasSameSizeAs(faults);
        assertThat(undisturbed.losses()).extracting(StepMetrics::step).containsExactlyElementsOf(stepsInOrder());
        TinyRun run = run("run", "roll-back", 5);
        assertThatThrownBy(() -> run.start(new Listener(36), new StopSignal())).hasMessage("ended");
        assertThatThrownBy(() -> run.resume(new Listener(4), new StopSignal())).hasMessage("ended");

        run.resume();

        assertThat(run.losses()).isEqualTo(undisturbed.losses());
        assertThat(run.student()).isEqualTo(undisturbed.student());
        assertThat(faults(run)).isEqualTo(faults(undisturbed)).isNotEmpty();
    }

    @Test
    void theSpikeThatEndsTheRunIsToldAsTheOthersAre() throws IOException {
        TinyRun run = run("run", "roll-back", 33);

        assertThatThrownBy(() -> run.start(new Listener(0), new StopSignal()))
                .isInstanceOf(TrainingException.class)
                .hasMessageContaining("the loss spikes again after 3 times back to stage 3, step 33");

        assertThat(faults).hasSizeGreaterThan(3);
        SkippedStep last = faults.get(faults.size() - 1);
        assertThat(last.action()).isEqualTo("stopped");
        assertThat(last.batch()).startsWith("random, windows [");
        assertThat(faults(run)).hasSameSizeAs(faults);
    }

    @Test
    void withoutACheckpointASpikeIsPassedOver() throws IOException {
        TinyRun run = run("run", "roll-back", 0);

        run.start(new Listener(0), new StopSignal());

        assertThat(faults).isNotEmpty().extracting(SkippedStep::action).containsOnly("skipped");
    }
}
