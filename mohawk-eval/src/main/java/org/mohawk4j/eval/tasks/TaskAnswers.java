package org.mohawk4j.eval.tasks;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.io.JsonLinesReader;

/**
 * The answers of one model, in a file that grows with each batch: one JSON object a line, the first of which identifies
 * the model. A killed run resumes from them; a line that it did not finish writing is dropped.
 */
public final class TaskAnswers implements AutoCloseable {
    private static final String SUMS = "log_likelihoods";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path file;
    private final FileChannel channel;
    private final Map<String, Map<Integer, TaskAnswer>> known = new HashMap<>();
    private final Map<String, String> questions = new HashMap<>();

    private TaskAnswers(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /**
     * Opens a file of answers, or starts one.
     *
     * @param identity what the answers depend on beside the questions, by name: the model, its precision
     * @throws InvalidInputException if the file's answers are of another model, or it is damaged
     */
    public static TaskAnswers open(Path file, Map<String, String> identity) {
        try {
            boolean isNew = !Files.exists(file);
            if (!isNew) {
                InputFile.requireRegular(file);
                dropUnfinishedLine(file);
            }
            FileChannel channel = FileChannel.open(
                    file, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
            TaskAnswers answers = new TaskAnswers(file, channel);
            try {
                if (Files.size(file) == 0) {
                    ObjectNode header = JsonNodeFactory.instance.objectNode();
                    identity.forEach(header::put);
                    answers.append(List.of(header));
                } else {
                    answers.readAll(identity);
                }
                return answers;
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
        } catch (IOException e) {
            throw InputFile.unwritable(file, e);
        }
    }

    private static void dropUnfinishedLine(Path file) throws IOException {
        try (RandomAccessFile access = new RandomAccessFile(file.toFile(), "rw")) {
            long end = access.length();
            while (end > 0) {
                access.seek(end - 1);
                if (access.read() == '\n') {
                    break;
                }
                end--;
            }
            access.setLength(end);
        }
    }

    private void readAll(Map<String, String> identity) {
        List<ConfigNode> rows = new ArrayList<>();
        JsonLinesReader.forEach(file, row -> {
            if (rows.isEmpty()) {
                rows.add(row);
                requireIdentity(row, identity);
            } else {
                read(row);
            }
        });
    }

    private static void requireIdentity(ConfigNode header, Map<String, String> identity) {
        identity.forEach((name, value) -> {
            String found = header.has(name) ? header.word(name) : "none";
            if (!found.equals(value)) {
                throw new InvalidInputException(header.where() + ": these answers are of " + name + " "
                        + InputFile.shorten(found) + ", not of " + value + "; take another folder");
            }
        });
    }

    private void read(ConfigNode row) {
        String task = row.text("task");
        if (row.has("questions")) {
            questions.put(task, row.text("questions"));
        } else {
            known.computeIfAbsent(task, name -> new HashMap<>())
                    .put(
                            row.between("item", 0, Integer.MAX_VALUE),
                            new TaskAnswer(row.numbers(SUMS), row.flags("greedy")));
        }
    }

    /**
     * The answers to a task's questions so far.
     *
     * @throws InvalidInputException if they are answers to other questions
     */
    Map<Integer, TaskAnswer> of(Task task, Path file) {
        String hash = FileHash.of(file);
        String before = questions.putIfAbsent(task.label(), hash);
        if (before == null) {
            ObjectNode line = JsonNodeFactory.instance.objectNode();
            append(List.of(line.put("task", task.label()).put("questions", hash)));
        } else if (!before.equals(hash)) {
            throw new InvalidInputException(this.file + ": holds answers for task " + task.label()
                    + " to questions other than those of " + file + "; take another folder");
        }
        return new LinkedHashMap<>(known.getOrDefault(task.label(), Map.of()));
    }

    /** Keeps answers, by index of the question. */
    void add(Task task, Map<Integer, TaskAnswer> answers) {
        List<ObjectNode> lines = new ArrayList<>();
        answers.forEach((item, answer) -> {
            ObjectNode line = JsonNodeFactory.instance.objectNode();
            line.put("task", task.label()).put("item", item);
            ArrayNode sums = line.putArray(SUMS);
            answer.sums().forEach(sums::add);
            ArrayNode greedy = line.putArray("greedy");
            answer.greedy().forEach(greedy::add);
            lines.add(line);
        });
        append(lines);
    }

    private void append(List<ObjectNode> lines) {
        StringBuilder text = new StringBuilder();
        try {
            for (ObjectNode line : lines) {
                text.append(JSON.writeValueAsString(line)).append('\n');
            }
            ByteBuffer bytes = StandardCharsets.UTF_8.encode(text.toString());
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("an answer cannot be written as JSON", e);
        } catch (IOException e) {
            throw InputFile.unwritable(file, e);
        }
    }

    @Override
    public void close() {
        try {
            channel.force(true);
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot close " + file, e);
        }
    }
}
