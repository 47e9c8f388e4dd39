package org.mohawk4j.train.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Stream;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.Dataset;
import org.mohawk4j.data.TokenSequence;
import org.mohawk4j.data.source.Mixture;
import org.mohawk4j.data.source.Shard;
import org.mohawk4j.data.stream.InMemoryText;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.io.Sha256;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.train.config.DistillConfig;

/**
 * What a run depends on beside its configuration, by which one that goes on tells whether it still is what the run was begun
 * with: each file of the teacher by all of its bytes; texts that are read into the memory likewise, streamed ones, of which
 * there may be terabytes, by samples; the student's mixers by their values. Of a run that is given a loaded teacher and
 * texts, the numbers stand for the files.
 *
 * @param files by what they are of ({@code teacher}, {@code text}, {@code valid}), then by name: a teacher's in its folder,
 *     others as they are found
 * @param mixers the student's
 */
public record RunInputs(Map<String, Map<String, FileFingerprint>> files, MixerValues mixers) {
    private static final ObjectMapper JSON = new ObjectMapper();

    private static final String TEACHER = "teacher";

    /** What {@code ModelFolder} and the tokenizer read, beside {@link #OF_TOKENS}. */
    private static final String OF_TEACHER =
            "config\\.json|tokenizer\\.json|model\\.safetensors\\.index\\.json|.*\\.safetensors";

    /** What the tokenizer reads for BOS and end-of-text tokens. */
    private static final Set<String> OF_TOKENS =
            Set.of("tokenizer_config.json", "special_tokens_map.json", "generation_config.json");

    /** Changes that are told one by one. */
    private static final int MOST_TOLD = 5;

    private static final String MIXERS = "mixers";

    /** Without the student's mixers. */
    public RunInputs(Map<String, Map<String, FileFingerprint>> files) {
        this(files, MixerValues.UNKNOWN);
    }

    public RunInputs {
        Map<String, Map<String, FileFingerprint>> sorted = new TreeMap<>();
        files.forEach((what, some) -> sorted.put(what, Collections.unmodifiableMap(new TreeMap<>(some))));
        files = Collections.unmodifiableMap(sorted);
    }

    /**
     * As files are now. Reads all of the teacher's.
     *
     * @throws InvalidInputException if there is no such teacher or text, or a file cannot be read
     */
    public static RunInputs of(Path teacher, DistillConfig config) {
        Map<String, Map<String, FileFingerprint>> files = new TreeMap<>();
        files.put(TEACHER, ofTeacher(teacher));
        config.files().text().ifPresent(text -> files.put("text", ofText(text)));
        config.files().valid().ifPresent(text -> files.put("valid", ofText(text)));
        return new RunInputs(files);
    }

    /** As a loaded teacher and texts are now. Reads all of the teacher's numbers. */
    public static RunInputs of(CausalLm teacher, Dataset text, TokenSequence heldOut) {
        Map<String, Map<String, FileFingerprint>> files = new TreeMap<>();
        long bytes = teacher.parameters().values().stream()
                .map(Parameter::value)
                .mapToLong(value -> value.shape().size() * value.dtype().bytes())
                .sum();
        files.put("loaded teacher", Map.of("numbers", new FileFingerprint(bytes, sha256(teacher), false)));
        text.fingerprint().ifPresent(found -> files.put("loaded text", Map.of("tokens", fingerprint(found))));
        files.put("loaded valid", Map.of("tokens", fingerprint(heldOut.fingerprint())));
        return new RunInputs(files);
    }

    private static FileFingerprint fingerprint(Dataset.Fingerprint of) {
        return new FileFingerprint(of.bytes(), of.sha256(), false);
    }

    /** Tells a model from every other by all of its numbers. */
    public static String sha256(CausalLm model) {
        MessageDigest digest = Sha256.digest();
        model.parameters().forEach((name, parameter) -> {
            digest.update(name.getBytes(StandardCharsets.UTF_8));
            parameter.value().inPieces().forEachPiece((from, piece) -> digest.update(piece.data()));
        });
        return Sha256.of(digest);
    }

    /** The same with these mixers. */
    public RunInputs with(MixerValues student) {
        return new RunInputs(files, student);
    }

    private static Map<String, FileFingerprint> ofTeacher(Path folder) {
        if (!Files.isDirectory(folder)) {
            throw new InvalidInputException("teacher " + folder + ": expected a model's folder, found none");
        }
        Map<String, FileFingerprint> files = new TreeMap<>();
        try (Stream<Path> all = Files.list(folder)) {
            for (Path file : (Iterable<Path>) all::iterator) {
                String name = String.valueOf(file.getFileName());
                if (OF_TOKENS.contains(name) || name.matches(OF_TEACHER)) {
                    files.put(name, FileFingerprint.whole(file));
                }
            }
        } catch (IOException e) {
            throw InputFile.unreadable(folder, e);
        }
        return files;
    }

    private static Map<String, FileFingerprint> ofText(Mixture text) {
        Function<Path, FileFingerprint> fingerprint =
                InMemoryText.fitsInMemory(text) ? FileFingerprint::whole : FileFingerprint::sample;
        Map<String, FileFingerprint> files = new TreeMap<>();
        for (Mixture.Part part : text.parts()) {
            for (Shard file : part.files()) {
                files.computeIfAbsent(file.path().toString(), name -> fingerprint.apply(file.path()));
            }
        }
        return files;
    }

    /** What differs from these files, a text for each of the first and one for the others; none if nothing does. */
    public List<String> changesTo(RunInputs now) {
        List<String> changes = new ArrayList<>();
        for (String what : union(files, now.files)) {
            Map<String, FileFingerprint> before = files.getOrDefault(what, Map.of());
            Map<String, FileFingerprint> after = new TreeMap<>(now.files.getOrDefault(what, Map.of()));
            if (what.equals(TEACHER)) {
                after.keySet().removeAll(overlooked(before.keySet()));
            }
            for (String name : union(before, after)) {
                change(before, after, name).ifPresent(change -> changes.add(what + " " + name + " " + change));
            }
        }
        return firstOf(changes, "files");
    }

    /**
     * A teacher's files that are not compared, because earlier versions did not record them.
     *
     * @param recorded names of the teacher's files that were recorded
     */
    public static Set<String> overlooked(Set<String> recorded) {
        return Collections.disjoint(recorded, OF_TOKENS) ? OF_TOKENS : Set.of();
    }

    /** Changes that are worth telling, and how many there are besides. */
    static List<String> firstOf(List<String> changes, String what) {
        if (changes.size() <= MOST_TOLD) {
            return changes;
        }
        List<String> told = new ArrayList<>(changes.subList(0, MOST_TOLD));
        told.add("and " + (changes.size() - MOST_TOLD) + " " + what + " more");
        return told;
    }

    private static Iterable<String> union(Map<String, ?> some, Map<String, ?> others) {
        return Stream.concat(some.keySet().stream(), others.keySet().stream())
                .sorted()
                .distinct()
                .toList();
    }

    private static Optional<String> change(
            Map<String, FileFingerprint> before, Map<String, FileFingerprint> after, String name) {
        FileFingerprint was = before.get(name);
        FileFingerprint is = after.get(name);
        if (was == null || is == null) {
            return Optional.of(was == null ? "is new" : "is gone");
        }
        return was.changeTo(is);
    }

    /** As JSON. */
    public String format() {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        if (mixers.isKnown()) {
            root.set(MIXERS, mixers.toJson());
        }
        files.forEach((what, some) -> {
            ObjectNode section = root.putObject(what);
            some.forEach((name, fingerprint) -> section.set(name, fingerprint.toJson()));
        });
        return root.toPrettyString() + "\n";
    }

    /**
     * Reads what {@link #format} gave.
     *
     * @param name what error messages call it
     * @throws InvalidInputException if it is something else
     */
    public static RunInputs parse(String name, String json) {
        try {
            Map<String, Map<String, FileFingerprint>> files = new TreeMap<>();
            JsonNode root = JSON.readTree(json);
            for (Map.Entry<String, JsonNode> section : root.properties()) {
                if (section.getKey().equals(MIXERS)) {
                    continue;
                }
                Map<String, FileFingerprint> some = new TreeMap<>();
                for (Map.Entry<String, JsonNode> file : section.getValue().properties()) {
                    some.put(file.getKey(), FileFingerprint.parse(name, file.getValue()));
                }
                files.put(section.getKey(), some);
            }
            if (files.isEmpty()) {
                throw new InvalidInputException(name + ": expected the files that a run reads, found none");
            }
            return new RunInputs(files, MixerValues.parse(name, root.path(MIXERS)));
        } catch (JsonProcessingException e) {
            throw InputFile.notJson(name, e);
        }
    }
}
