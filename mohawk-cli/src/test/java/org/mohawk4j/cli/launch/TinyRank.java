package org.mohawk4j.cli.launch;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/** A rank that does what its first argument says, and notes what it sees in a folder. */
final class TinyRank {
    private TinyRank() {}

    public static void main(String[] arguments) throws Exception {
        String what = arguments[0];
        Path folder = Path.of(arguments[1]);
        int rank = Integer.parseInt(System.getenv("RANK"));
        note(folder.resolve("seen-" + rank), String.join(" ", arguments));
        note(
                folder.resolve("pid-" + rank),
                String.valueOf(ProcessHandle.current().pid()));
        for (String name : List.of("WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "NCCL_NVLS_ENABLE", "NCCL_DEBUG")) {
            note(folder.resolve("environment-" + rank), name + "=" + System.getenv(name));
        }
        LauncherWatch.start(System.getenv(), new PrintWriter(System.err, true, StandardCharsets.UTF_8));
        switch (what) {
            case "succeed" -> say("rank " + rank + " of " + System.getenv("WORLD_SIZE") + " on the console");
            case "refuse" -> {
                say("refused");
                System.exit(2);
            }
            case "fail" -> fail(rank);
            case "wait" -> {
                Runtime.getRuntime()
                        .addShutdownHook(new Thread(() -> note(folder.resolve("stopped-" + rank), "saved")));
                Thread.sleep(60_000);
            }
            case "hang" -> {
                if (rank == 1) {
                    Runtime.getRuntime().halt(7);
                }
                Thread.sleep(60_000);
            }
            default -> throw new IllegalArgumentException(what);
        }
    }

    private static void fail(int rank) throws InterruptedException {
        if (rank == 1) {
            say("out of luck");
            System.exit(3);
        }
        Thread.sleep(300);
        System.exit(1);
    }

    private static void say(String line) {
        System.out.println(line);
    }

    private static void note(Path file, String line) {
        try {
            Files.createDirectories(file.getParent());
            Files.writeString(file, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
