package org.mohawk4j;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The user's home folder. A user without an entry in {@code passwd}, as containers often have, has none for Java 17,
 * whose {@code user.home} is then a question mark; libraries that cache their natives below it make a folder of that
 * name wherever the program runs.
 */
public final class UserHome {
    private static final String PROPERTY = "user.home";
    private static final String UNKNOWN = "?";

    private UserHome() {}

    /**
     * Where the JVM found no home folder, sets {@code user.home} to the folder that the environment variable
     * {@code HOME} names, if it can be written to, else to the folder of temporary files. To be called before a library
     * loads its natives.
     */
    public static void repair() {
        String found = System.getProperty(PROPERTY);
        String home = home(found, System.getenv("HOME"), System.getProperty("java.io.tmpdir"));
        if (!home.equals(found)) {
            System.setProperty(PROPERTY, home);
        }
    }

    /** The home folder, after {@link #repair}. */
    public static String path() {
        repair();
        return System.getProperty(PROPERTY);
    }

    /**
     * @param found what the JVM found
     * @param environment what {@code HOME} says
     */
    static String home(@Nullable String found, @Nullable String environment, String temporary) {
        if (found != null && !found.isBlank() && !found.equals(UNKNOWN)) {
            return found;
        }
        return environment != null && isWritableFolder(environment) ? environment : temporary;
    }

    private static boolean isWritableFolder(String name) {
        try {
            return !name.isBlank() && Files.isDirectory(Path.of(name)) && Files.isWritable(Path.of(name));
        } catch (InvalidPathException e) {
            return false;
        }
    }

    /**
     * A path in which {@code ~} and what begins with {@code ~/} are below the home folder, as a shell has it where it
     * sees them. A folder whose name is a tilde is {@code ./~}.
     */
    public static String expand(String path) {
        boolean below = path.equals("~") || path.startsWith("~/") || path.startsWith("~" + File.separator);
        return below ? path() + path.substring(1) : path;
    }
}
