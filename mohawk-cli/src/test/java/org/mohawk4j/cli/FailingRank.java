package org.mohawk4j.cli;

import java.nio.file.Path;
import java.time.Duration;
import org.mohawk4j.train.Distillation;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.MachineConfig.Precision;
import org.mohawk4j.train.distributed.ProcessGroup;
import org.mohawk4j.train.distributed.RankEnvironment;
import org.mohawk4j.train.distributed.tcp.TcpProcessGroup;
import org.mohawk4j.train.distributed.tcp.TcpSettings;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.metrics.StepMetrics;

/** One of two ranks of a program, the first of which fails after some steps. Arguments: teacher, text and run folder. */
final class FailingRank {
    static final String REASON = "simulated failure";

    private static final int STEP = 5;

    private FailingRank() {}

    public static void main(String[] arguments) {
        RankEnvironment rank = RankEnvironment.of(System.getenv()).orElseThrow();
        DistillConfig config = DistillConfig.builder()
                .teacher(Path.of(arguments[0]))
                .text(arguments[1])
                .out(Path.of(arguments[2]))
                .backend("cuda")
                .dtype(Precision.BFLOAT16)
                .device(rank.device())
                .context(64)
                .batch(4)
                .tokens(10_000)
                .report(false)
                .build();
        TcpSettings settings = TcpSettings.defaults()
                .withRank(Duration.ofSeconds(60))
                .withStuck(failure -> {
                    System.err.println("stuck: " + failure.getMessage());
                    Runtime.getRuntime().halt(3);
                });
        try (ProcessGroup group = TcpProcessGroup.join(rank, settings)) {
            Distillation.of(config)
                    .group(group)
                    .listener(new TrainingListener() {
                        @Override
                        public void iterationDone(StepMetrics metrics) {
                            if (metrics.step() == STEP) {
                                System.err.println("fails at " + System.currentTimeMillis());
                                throw new IllegalStateException(REASON);
                            }
                        }
                    })
                    .run();
        } catch (RuntimeException e) {
            System.err.println("ends at " + System.currentTimeMillis());
            System.err.println(e.getClass().getSimpleName() + ": " + e.getMessage());
            System.exit(1);
        }
    }
}
