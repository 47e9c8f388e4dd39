package org.mohawk4j.cli.launch;

import java.io.PrintWriter;
import java.util.Map;
import java.util.Optional;

/** Ends a rank whose launcher has ended, however it ended: nobody else would. */
public final class LauncherWatch {
    private static final int MILLIS = 500;

    /** As for SIGTERM, on which a run saves. */
    private static final int EXIT_CODE = 143;

    private LauncherWatch() {}

    /** Whether this process is a rank that a {@link Launcher} has started. */
    public static boolean isLaunched(Map<String, String> environment) {
        return environment.containsKey(Launcher.MARK);
    }

    /** Begins to watch, if there is a launcher. */
    public static void start(Map<String, String> environment, PrintWriter err) {
        Optional.ofNullable(environment.get(Launcher.MARK)).ifPresent(launcher -> {
            Thread thread = new Thread(() -> watch(launcher, err), "mohawk-launcher-watch");
            thread.setDaemon(true);
            thread.start();
        });
    }

    private static void watch(String launcher, PrintWriter err) {
        try {
            // the parent changes as soon as the launcher is dead, also where nobody takes note of its end
            while (parent().equals(launcher)) {
                Thread.sleep(MILLIS);
            }
            err.println("mohawk distill: the process that started this rank has ended");
            err.flush();
            System.exit(EXIT_CODE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static String parent() {
        return ProcessHandle.current()
                .parent()
                .map(parent -> String.valueOf(parent.pid()))
                .orElse("none");
    }
}
