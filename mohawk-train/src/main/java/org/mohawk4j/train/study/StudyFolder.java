package org.mohawk4j.train.study;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.AtomicFile;
import org.mohawk4j.io.Folders;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.io.JsonLinesWriter;
import org.mohawk4j.io.Utf8;
import org.mohawk4j.train.run.RunInputs;
import org.mohawk4j.train.run.RunLock;
import org.mohawk4j.train.study.page.StudyPage;

/**
 * The folder of a study: {@code study.json}, its settings; {@code results.jsonl}, a line for each measurement that is
 * done; {@code work/} while runs are under way; {@code report/}, the page. It is made when nothing can be refused any
 * more, and locked from then on. A study that was ended goes on in its folder.
 */
final class StudyFolder implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String SETTINGS = "study.json";
    private static final String RESULTS = "results.jsonl";
    private static final String REPORT = "report";
    private static final String LOCK = ".lock";

    private final Path path;
    private final ObjectNode settings;
    private final Map<String, Result> results = new LinkedHashMap<>();
    private @Nullable RunLock lock;
    private @Nullable JsonLinesWriter writer;

    private StudyFolder(Path path, ObjectNode settings) {
        this.path = path;
        this.settings = settings;
    }

    /**
     * A folder, checked; nothing is written.
     *
     * @throws InvalidInputException if it holds something else than this study with these settings
     */
    static StudyFolder of(Path path, ObjectNode settings) {
        StudyFolder folder = new StudyFolder(path, settings);
        folder.check();
        folder.read();
        return folder;
    }

    Path path() {
        return path;
    }

    /** Where a measurement that takes long may keep what it goes on from. */
    Path work(String id) {
        return path.resolve("work").resolve(id);
    }

    Optional<Result> result(String id) {
        return Optional.ofNullable(results.get(id));
    }

    private void check() {
        if (Files.exists(path) && !Files.isDirectory(path)) {
            throw refused("a file");
        }
        if (Files.exists(path.resolve(SETTINGS))) {
            requireSame(readSettings());
        } else if (Files.isDirectory(path)) {
            try (Stream<Path> files = Files.list(path)) {
                files.map(file -> file.getFileName().toString())
                        .filter(name -> !name.equals(LOCK) && !name.startsWith("." + SETTINGS))
                        .findFirst()
                        .ifPresent(name -> {
                            throw refused(name + " in it");
                        });
            } catch (IOException e) {
                throw InputFile.unreadable(path, e);
            }
        }
        Folders.requireWritable(path);
    }

    private InvalidInputException refused(String found) {
        return new InvalidInputException(
                "out " + path + ": expected a new or empty folder, or that of this study, found " + found);
    }

    private JsonNode readSettings() {
        Path file = path.resolve(SETTINGS);
        try {
            return JSON.readTree(file.toFile());
        } catch (JsonProcessingException e) {
            throw InputFile.notJson(file.toString(), e);
        } catch (IOException e) {
            throw InputFile.unreadable(file, e);
        }
    }

    private void requireSame(JsonNode found) {
        Map<String, String> before = new TreeMap<>();
        Map<String, String> now = new TreeMap<>();
        flatten("", found, before);
        flatten("", settingsToCompare(found), now);
        for (String key : Stream.concat(now.keySet().stream(), before.keySet().stream())
                .distinct()
                .sorted((a, b) -> Boolean.compare(b.equals("study"), a.equals("study")))
                .toList()) {
            String was = before.getOrDefault(key, "nothing");
            String is = now.getOrDefault(key, "nothing");
            if (!was.equals(is)) {
                throw refused("a study with another " + key.replace("configuration.", "") + ": "
                        + InputFile.shorten(was) + ", not " + InputFile.shorten(is));
            }
        }
    }

    /** Without files of the teacher that an earlier version did not record. */
    private JsonNode settingsToCompare(JsonNode found) {
        ObjectNode compared = settings.deepCopy();
        if (compared.path("inputs").path("teacher") instanceof ObjectNode teacher) {
            Set<String> before = new HashSet<>();
            found.path("inputs").path("teacher").fieldNames().forEachRemaining(before::add);
            teacher.remove(RunInputs.overlooked(before));
        }
        return compared;
    }

    private static void flatten(String key, JsonNode node, Map<String, String> values) {
        if (node.isObject()) {
            node.properties()
                    .forEach(entry -> flatten(
                            key.isEmpty() ? entry.getKey() : key + "." + entry.getKey(), entry.getValue(), values));
        } else {
            values.put(key, node.isTextual() ? node.asText() : node.toString());
        }
    }

    /** A line that was cut off when the process was killed is none. */
    private void read() {
        Path file = path.resolve(RESULTS);
        if (!Files.exists(file)) {
            return;
        }
        try {
            byte[] bytes = Files.readAllBytes(file);
            String text = Utf8.decode(ByteBuffer.wrap(bytes, 0, wholeLines(bytes)), 0, file.toString());
            int number = 0;
            for (String line : text.lines().toList()) {
                number++;
                if (!line.isBlank()) {
                    Result result = Result.read(file + ": line " + number, line);
                    results.put(result.id(), result);
                }
            }
        } catch (IOException e) {
            throw InputFile.unreadable(file, e);
        }
    }

    private static int wholeLines(byte[] bytes) {
        int end = bytes.length;
        while (end > 0 && bytes[end - 1] != '\n') {
            end--;
        }
        return end;
    }

    /** Makes the folder, or takes it over. */
    void begin() {
        if (lock != null) {
            return;
        }
        Path file = path.resolve(RESULTS);
        try {
            Files.createDirectories(path);
            lock = RunLock.acquire(path, path.resolve(LOCK));
            if (!Files.exists(path.resolve(SETTINGS))) {
                AtomicFile.write(
                        path.resolve(SETTINGS), (settings.toPrettyString() + "\n").getBytes(StandardCharsets.UTF_8));
            }
            int length = Files.exists(file) ? wholeLines(Files.readAllBytes(file)) : 0;
            writer = JsonLinesWriter.continued(file, length);
        } catch (IOException e) {
            throw InputFile.unwritable(path, e);
        }
    }

    /** Keeps a result, and drops what its measurement would have gone on from. */
    void add(Result result) {
        if (writer == null) {
            throw new IllegalStateException("expected a study that has begun");
        }
        writer.write(result.format());
        results.put(result.id(), result);
        dropWork(result.id());
    }

    void dropWork(String id) {
        try {
            Folders.delete(work(id));
            Path parent = path.resolve("work");
            if (Files.isDirectory(parent)) {
                try (Stream<Path> left = Files.list(parent)) {
                    if (left.findAny().isPresent()) {
                        return;
                    }
                }
                Files.delete(parent);
            }
        } catch (IOException e) {
            throw InputFile.unwritable(work(id), e);
        }
    }

    /** Writes the page, in the place of an earlier one; returns its file. */
    Path writePage(StudyPage page) {
        Path report = path.resolve(REPORT);
        Path fresh = path.resolve("." + REPORT);
        try {
            Folders.delete(fresh);
            Files.createDirectories(fresh);
            page.write(fresh);
            Folders.delete(report);
            Files.move(fresh, report, StandardCopyOption.ATOMIC_MOVE);
            return report.resolve("index.html");
        } catch (IOException e) {
            throw InputFile.unwritable(report, e);
        }
    }

    @Override
    public void close() {
        try {
            if (writer != null) {
                writer.close();
            }
        } catch (IOException e) {
            throw InputFile.unwritable(path.resolve(RESULTS), e);
        } finally {
            if (lock != null) {
                lock.close();
            }
        }
    }
}
