package org.mohawk4j.io;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HexFormat;
import java.util.Set;
import java.util.regex.Pattern;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.StorageException;

/** Checks and one-line errors of input files. */
public final class InputFile {
    private static final HexFormat HEX = HexFormat.of();
    private static final int SHOWN_CHARACTERS = 100;
    private static final int SHOWN_EXPLANATION = 300;

    /** What Jackson's messages tell of its own settings and classes. */
    private static final Pattern PARSER_DETAIL = Pattern.compile(String.join(
            "|",
            " \\((?:start marker|for \\w+ starting) at \\[Source:[^)]*\\)[^)]*\\)",
            ", from `[^`]*`",
            ": enable `[^`]*` to allow",
            " \\(bound as `[^`]*`\\): not allowed as per `[^`]*`",
            " \\(not recognized as one since Feature '[^']*' not enabled for parser\\)"));

    private static final Set<String> PATH_REASONS =
            Set.of("File name too long", "Invalid argument", "Is a directory", "Not a directory");

    private InputFile() {}

    /**
     * Checks that {@code file} is a regular file, following links, before it is opened: opening a pipe would wait for
     * its writer.
     *
     * @throws InvalidInputException if it is missing, a folder, a device or a pipe, or a pointer that Git LFS has left
     *     in the place of a file
     */
    public static void requireRegular(Path file) {
        try {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            if (!attributes.isRegularFile()) {
                throw new InvalidInputException(file + ": expected a file, found " + kind(attributes));
            }
            LfsPointer.refuse(file, attributes.size());
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    /**
     * As {@link #requireRegular(Path)}, of a file that is read into memory.
     *
     * @param most how many bytes it may have
     */
    public static void requireRegular(Path file, long most) {
        requireRegular(file);
        try {
            if (Files.size(file) > most) {
                throw new InvalidInputException(
                        file + ": expected at most " + most + " bytes, found " + Files.size(file));
            }
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    /**
     * The text of a file in UTF-8.
     *
     * @param most how many bytes it may have
     * @throws InvalidInputException as {@link #requireRegular(Path, long)}, and if it is not UTF-8
     */
    public static String text(Path file, long most) {
        requireRegular(file, most);
        try {
            return UTF_8.newDecoder()
                    .decode(ByteBuffer.wrap(Files.readAllBytes(file)))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new InvalidInputException(file + ": not UTF-8", e);
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    /**
     * What is there that is not what was expected, following links: nothing, a file, a folder or something else.
     *
     * @throws InvalidInputException if that cannot be said for want of permission
     */
    public static String whatIsAt(Path path) {
        try {
            return kind(Files.readAttributes(path, BasicFileAttributes.class));
        } catch (AccessDeniedException e) {
            throw unreadable(path, e);
        } catch (IOException e) {
            return "nothing there";
        }
    }

    private static String kind(BasicFileAttributes attributes) {
        return attributes.isDirectory()
                ? "a folder"
                : attributes.isRegularFile() ? "a file" : "a device, pipe or socket";
    }

    /** The exception for a file that cannot be read. */
    public static InvalidInputException unreadable(Path file, IOException cause) {
        return new InvalidInputException(file + ": cannot be read: " + reason(file, cause), cause);
    }

    /**
     * The exception for a file that cannot be written: an {@link InvalidInputException} if its path is to blame, else a
     * {@link StorageException}, such as for a disk that is full.
     */
    public static RuntimeException unwritable(Path file, IOException cause) {
        String message = file + ": cannot be written: " + reason(file, cause);
        return isOfThePath(cause)
                ? new InvalidInputException(message, cause)
                : new StorageException(message.replaceAll("\\s*\\R\\s*", " "), cause);
    }

    /** Java has classes for some of what is wrong with a path, and the system's own words for the rest. */
    private static boolean isOfThePath(IOException cause) {
        return cause instanceof FileSystemException failure
                && (failure.getClass() != FileSystemException.class
                        || PATH_REASONS.contains(String.valueOf(failure.getReason())));
    }

    /** Whether a text has half a surrogate pair, which JSON can spell and no text in UTF-8 can mean. */
    public static boolean hasUnpairedSurrogate(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (Character.isSurrogate(text.charAt(i))) {
                if (!Character.isHighSurrogate(text.charAt(i))
                        || i + 1 == text.length()
                        || !Character.isLowSurrogate(text.charAt(i + 1))) {
                    return true;
                }
                i++;
            }
        }
        return false;
    }

    /**
     * Refuses a text that {@link #hasUnpairedSurrogate}.
     *
     * @param where begins the complaint
     */
    public static void requireWholeCharacters(String where, String text) {
        if (hasUnpairedSurrogate(text)) {
            throw new InvalidInputException(where + "half a surrogate pair in " + quote(text));
        }
    }

    /** The exception for a file, or a part of one, that is not valid JSON. */
    public static InvalidInputException notJson(String what, JsonProcessingException cause) {
        String message = withoutParserDetail(cause.getOriginalMessage());
        String where = cause.getLocation() == null
                ? ""
                : " at character " + cause.getLocation().getCharOffset();
        return new InvalidInputException(
                what + ": not valid JSON" + where + ": " + shorten(message, SHOWN_EXPLANATION), cause);
    }

    /** One of Jackson's messages, without what it tells of Jackson's own settings and classes. */
    public static String withoutParserDetail(String message) {
        return PARSER_DETAIL.matcher(message).replaceAll("");
    }

    /** Text from a file as it may appear in a message: quoted, short, without control characters. */
    public static String quote(String text) {
        return "'" + shorten(text) + "'";
    }

    /** As {@link #quote}, without quotes: for numbers and other values that are not text. */
    public static String shorten(String text) {
        return shorten(text, SHOWN_CHARACTERS);
    }

    /** What another library says of a file, which may repeat what stands there: one line, without control characters. */
    public static String explanation(Throwable cause) {
        return shorten(String.valueOf(cause.getMessage()), SHOWN_EXPLANATION);
    }

    private static String shorten(String text, int most) {
        StringBuilder shown = new StringBuilder(Math.min(text.length(), most));
        int i = 0;
        while (i < text.length() && shown.length() <= most) {
            int point = text.codePointAt(i);
            int next = i + Character.charCount(point);
            if (isHidden(point)) {
                for (; i < next; i++) {
                    shown.append("\\u").append(HEX.toHexDigits(text.charAt(i)));
                }
            } else {
                shown.append(text, i, next);
            }
            i = next;
        }
        return shown.length() <= most ? shown.toString() : shown.substring(0, most - 3) + "...";
    }

    /** Half of a pair is a code point of its own. */
    private static boolean isHidden(int point) {
        int type = Character.getType(point);
        return type == Character.CONTROL
                || type == Character.FORMAT
                || type == Character.LINE_SEPARATOR
                || type == Character.PARAGRAPH_SEPARATOR
                || type == Character.SURROGATE;
    }

    /** Looked up, since JDKs do not agree on what they say of such a path: from 25 on it does not exist. */
    private static boolean isBelowAFile(Path path) {
        Path above = path.getParent();
        while (above != null && !Files.exists(above)) {
            above = above.getParent();
        }
        return above != null && !Files.isDirectory(above);
    }

    private static String reason(Path file, IOException e) {
        if (e instanceof NotDirectoryException || e instanceof FileAlreadyExistsException || isBelowAFile(file)) {
            return "a file is where a folder should be";
        }
        if (e instanceof NoSuchFileException) {
            return "it does not exist";
        }
        if (e instanceof AccessDeniedException) {
            return "permission denied";
        }
        if (e instanceof FileSystemLoopException) {
            return "a link leads back to a folder around it";
        }
        if (e instanceof FileSystemException f && f.getReason() != null) {
            return f.getReason();
        }
        return String.valueOf(e.getMessage());
    }
}
