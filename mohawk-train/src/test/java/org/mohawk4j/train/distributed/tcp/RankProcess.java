package org.mohawk4j.train.distributed.tcp;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.mohawk4j.train.distributed.RankEnvironment;

/** A rank that takes steps until its input ends, and ends with the line of whatever fails. */
final class RankProcess {
    private RankProcess() {}

    /** @param arguments rank, ranks, port, patience in milliseconds, and {@code hang} for one that stops taking steps */
    public static void main(String[] arguments) throws Exception {
        PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
        int rank = Integer.parseInt(arguments[0]);
        TcpSettings settings = TcpSettings.defaults()
                .withHost("here")
                .withRank(Duration.ofMillis(Long.parseLong(arguments[3])))
                .withLeave(Duration.ofSeconds(1))
                .withStuck(failure -> {
                    out.println("halted: " + failure.getMessage());
                    Runtime.getRuntime().halt(3);
                });
        RankEnvironment environment = new RankEnvironment(
                rank, Integer.parseInt(arguments[1]), rank, "127.0.0.1", Integer.parseInt(arguments[2]));
        AtomicBoolean done = new AtomicBoolean();
        try (TcpProcessGroup group = TcpProcessGroup.join(environment, settings)) {
            Thread input = new Thread(() -> {
                try {
                    System.in.read();
                    done.set(true);
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            });
            input.setDaemon(true);
            input.start();
            int step = 0;
            boolean last = false;
            while (!last) {
                // all ranks stop at the same step, as soon as one wants to
                last = group.exchange(new byte[] {(byte) (done.get() ? 1 : 0)}).stream()
                        .anyMatch(own -> own[0] == 1);
                group.progress();
                step++;
                if (step == 5) {
                    out.println("steps");
                    if (arguments.length > 4) {
                        Thread.sleep(60_000);
                    }
                }
                Thread.sleep(2);
            }
            out.println("done");
        } catch (RuntimeException e) {
            out.println(e.getMessage());
            System.exit(1);
        }
    }
}
