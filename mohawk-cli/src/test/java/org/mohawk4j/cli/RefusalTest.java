package org.mohawk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mohawk4j.train.sample.EmbeddedTeacher;

/** What a user gets wrong: exit code 2, one line that says what, and nothing left behind. */
class RefusalTest {
    @TempDir
    static Path inputs;

    @TempDir
    Path folder;

    @BeforeAll
    static void writeInputs() throws IOException {
        CommandRun.text(inputs.resolve("long.txt"), 400);
        Files.writeString(inputs.resolve("short.txt"), "Too short.");
        Files.writeString(inputs.resolve("packed.xz"), "not packed");
        Files.writeString(inputs.resolve("packed.bz2"), "not unpacked");
        Files.writeString(inputs.resolve("wrong.yaml"), "tokns: 3\n");
        Files.writeString(inputs.resolve("broken.yaml"), "tokens: [3\n");
        Path teacher = EmbeddedTeacher.unpack();
        for (String name : List.of("narrow", "foreign")) {
            Files.createDirectory(inputs.resolve(name));
            Files.copy(teacher.resolve("model.safetensors"), inputs.resolve(name + "/model.safetensors"));
            Files.copy(teacher.resolve("tokenizer.json"), inputs.resolve(name + "/tokenizer.json"));
        }
        String config = Files.readString(teacher.resolve("config.json"));
        Files.writeString(inputs.resolve("narrow/config.json"), config.replace("512", "256"));
        Files.writeString(inputs.resolve("foreign/config.json"), config.replace("\"phi\"", "\"gpt9\""));
    }

    /** Columns: what is given to distill beside small dimensions, and a part of the message. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            --tokns 3                              | unknown options: '--tokns', '3', did you mean --tokens
            extra                                  | unmatched argument at index
            --tokens many                          | invalid value for option '--tokens': expected a whole number, got 'many'
            --tokens                               | missing required parameter for option '--tokens' (N)
            --tokens 0                             | tokens: expected a whole number of at least 1, got 0
            --tokens 60                            | tokens: expected at least 64
            --device -1                            | device: expected a whole number of at least 0, got -1
            --backend nd4j --device 1              | expected device 0, the only one that ND4J is opened on, found device 1
            --split 0.5,0.5                        | split: expected 3 numbers
            --split 0.5,0.4,0.4                    | split: expected shares with sum 1
            --split a,b,c                          | invalid value for option '--split'
            --lr 1e-3,1e-3,-1                      | lr: expected numbers above 0
            --keep-attention 4                     | layers 0 to 3
            --keep-attention 0,1,2,3 --split 1,0,0 | nothing to train
            --keep-attention x                     | keep-attention: expected layers from 0, auto:K or auto:K:STUDY, got 'x'
            --keep-attention auto:4                | keep-attention: expected auto:1 to auto:3 of the teacher's 4 layers, got auto:4
            --keep-attention auto:0                | keep-attention: auto: expected a whole number of at least 1, got 0
            --keep-attention auto:1,auto:2         | keep-attention: expected layers from 0, auto:K or auto:K:STUDY, got 'auto:1'
            --keep-attention auto:2:nowhere        | nowhere
            --value-heads 3                        | option heads: expected a divisor of 128, the width of the teacher's heads together, got 3
            --value-heads 8 --split 0.2,0.2,0.6    | stages[0].objective: expected none that compares mixing matrices
            --qk-heads 3                           | option groups: expected a divisor of 4, the heads, got 3
            --conv-width 1                         | option conv-width: expected a whole number of at least 2, got 1
            --mixer rnn                            | mixer: expected one of attention, discrete-mamba2, linear-attention, toeplitz
            --mixer-option chunk=8                 | mixer discrete-mamba2: expected one of the options state-size, conv-width,
            --mixer-option state-size              | expected an option as NAME=VALUE, got 'state-size'
            --mixer-option state-size=x            | option state-size: expected a whole number of at least 1, got 'x'
            --mixer toeplitz --state-size 8        | mixer toeplitz: expected one of the options max-time, heads, chunk-length
            --mixer toeplitz --mixer-option heads=5 | mixer toeplitz: option heads: expected a divisor of 128, the width of the teacher's heads together, got 5
            --state-size 8 --mixer-option state-size=8 | student: expected one value of state-size, got two
            --mixer-init near                      | student.init: expected one of attention, calibrated, random, got 'near'
            --mixer-start near                     | student.init: expected one of attention, calibrated, random, got 'near'
            --stage2-target head                   | hidden-states.target: expected one of mixer, block
            --top-k -1                             | distillation.top-k: expected a whole number of at least 0, got -1
            --top-k 4097                           | distillation.top-k: expected at most 4096 of the teacher's 4096 tokens
            --lr-factor *.D                        | optimizer.lr-factor: expected NAME=FACTOR, got '*.D'
            --lr-factor *.D=2 --lr-factor *.E=2    | optimizer.groups[1].parameters: expected names of the student's parameters
            --freeze nothing.*                     | freeze: expected names of the student's parameters
            --context 4096 --tokens 99999          | context: expected at most 2048
            --backend abacus                       | backend 'abacus' is not on the class path
            --dtype half                           | dtype: expected one of float, double
            --threads -1                           | threads: expected a whole number of at least 0
            --teacher missing                      | missing: expected a model folder, found nothing
            --teacher narrow                       | expected shape
            --teacher foreign                      | none of the known kinds of model
            --text short.txt                       | short.txt: expected at least one window
            --valid short.txt                      | short.txt: expected at least 33 tokens
            --text missing.txt                     | found nothing there
            --text packed.xz                       | packed.xz: expected a whole .xz file, found one that cannot be
            --text packed.bz2                      | unpack it first
            --config missing.yaml                  | found nothing there
            --config wrong.yaml                    | tokns: expected one of the keys
            --config broken.yaml                   | expected ',' or ']', but got the end of the text
            """)
    void distillRefuses(String given, String message) throws IOException {
        List<String> usual = List.of("--text", "long.txt", "--context", "32", "--batch", "2", "--tokens", "192");
        List<String> arguments = Stream.concat(
                        Stream.of("distill", "--out", folder.resolve("run").toString()),
                        Stream.concat(without(usual, given), Stream.of(given.split(" "))))
                .map(word -> word.matches("(missing|narrow|foreign|\\w+\\.(txt|xz|bz2|yaml))")
                        ? inputs.resolve(word).toString()
                        : word)
                .toList();

        CommandRun.of(arguments.toArray(String[]::new)).refuses(message);

        try (Stream<Path> left = Files.list(folder)) {
            assertThat(left).isEmpty();
        }
    }

    /** The usual options but those that are given. */
    private static Stream<String> without(List<String> usual, String given) {
        return Stream.iterate(0, i -> i < usual.size(), i -> i + 2)
                .filter(i -> !List.of(given.split(" ")).contains(usual.get(i)))
                .flatMap(i -> usual.subList(i, i + 2).stream());
    }

    @Test
    void distillRefusesAFolderInUseAndLeavesItAlone() throws IOException {
        Files.writeString(folder.resolve("notes.txt"), "mine");

        CommandRun.of("distill", "--out", folder.toString()).refuses("expected a new or empty folder", "notes.txt");

        try (Stream<Path> left = Files.list(folder)) {
            assertThat(left).containsExactly(folder.resolve("notes.txt"));
        }
    }

    @Test
    void aMissingOrUnknownCommandIsRefused() {
        CommandRun.of().refuses("missing command: expected one of distill, ");
        CommandRun.of("study").refuses("missing name of a study: expected one of budgets, hybrids, ");
        CommandRun.of("study", "phases").refuses("expected one of budgets, hybrids, ", ", got 'phases'");
        CommandRun.of("distil").refuses("'distil', did you mean distill or study?");
    }

    @Test
    void aMisspelledRequiredOptionIsNotMerelyMissing() {
        CommandRun.of("generate", "--modle", "x").refuses("unknown options: '--modle', 'x', did you mean --model?");
        CommandRun.of("generate").refuses("missing required option: '--model=DIR'");
    }

    @Test
    void aTildeThatNoShellSawIsTheHomeFolder() {
        String home = System.getProperty("user.home");
        String teacher = EmbeddedTeacher.unpack().toString();
        CommandRun.of("inspect", "~/none").refuses(home + "/none: cannot be read");
        CommandRun.of("parity", "~/none").refuses(home + "/none: expected golden data");
        CommandRun.of("evaluate", "--model=~/none", "--text", "t")
                .refuses(home + "/none: expected a model folder, found nothing");
        CommandRun.of("evaluate", "--model", teacher, "--text=~/none.txt").refuses("text " + home + "/none.txt:");
        CommandRun.of("evaluate", "--model", teacher, "--text=~/none/*.txt").refuses("folder " + home + "/none");
        CommandRun.of("distill", "--resume=~/none").refuses(home + "/none");
        CommandRun.of("distill", "--config=~/none.yaml").refuses(home + "/none.yaml: expected a YAML file");
        CommandRun.of(
                        "distill",
                        "--teacher=~/none",
                        "--out",
                        folder.resolve("run").toString())
                .refuses(home + "/none: expected a model folder, found nothing");
    }

    @Test
    void evaluateRefuses() {
        String teacher = EmbeddedTeacher.unpack().toString();
        String text = inputs.resolve("long.txt").toString();
        CommandRun.of("evaluate", "--text", text).refuses("missing required option: '--model=DIR'");
        CommandRun.of("evaluate", "--model", "nowhere", "--text", text)
                .refuses("nowhere: expected a model folder, found nothing");
        CommandRun.of("evaluate", "--model", teacher).refuses("expected --text TEXT or --tasks");
        CommandRun.of("evaluate", "--model", teacher, "--teacher", teacher, "--tasks", "piqa", "--task-data", ".")
                .refuses("teacher: expected --text TEXT");
        CommandRun.of("evaluate", "--model", teacher, "--tasks", "recall,piqa")
                .refuses("task-data: expected --task-data DIR with the file of task piqa, found none");
        CommandRun.of("evaluate", "--model", teacher, "--tasks", "recall", "--task-data", ".")
                .refuses("tasks: expected --tasks NAME,… of those with files in --task-data ., found none");
        CommandRun.of("evaluate", "--model", teacher, "--tasks", "pica").refuses("found 'pica'");
        CommandRun.of("evaluate", "--model", teacher, "--tasks", "pica", "--task-data", ".")
                .refuses("found 'pica'");
        CommandRun.of("evaluate", "--model", teacher, "--tasks", "piqa", "--task-data", folder.toString())
                .refuses("expected one file for task piqa");
        CommandRun.of("evaluate", "--model", teacher, "--text", text, "--teacher", "nowhere")
                .refuses("nowhere: expected a model folder, found nothing");
        CommandRun.of("evaluate", "--model", teacher, "--text", "nowhere.txt").refuses("found nothing there");
        CommandRun.of("evaluate", "--model", teacher, "--text", text, "--context", "2000")
                .refuses("expected at least 2001 tokens");
        CommandRun.of("evaluate", "--model", teacher, "--text", text, "--context", "2049")
                .refuses("context: expected 1 to 2048, the model's positions, got 2049");
        CommandRun.of("evaluate", "--model", teacher, "--text", text, "--windows", "-1")
                .refuses("windows: expected a whole number of at least 0");
        String golden = CommandRun.golden("teacher").toString();
        CommandRun.of("evaluate", "--model", golden, "--text", text, "--context", "32")
                .refuses("tokenizer.json: cannot be read: it does not exist");
    }

    @Test
    void aRunFolderIsNoModelButItsStudentIs() throws IOException {
        Path student = Files.createDirectories(folder.resolve("run/student"));
        Files.writeString(student.resolve("config.json"), "{}");
        Files.writeString(folder.resolve("run/config.yaml"), "");
        String run = folder.resolve("run").toString();
        String reason = run + ": expected a model folder, found a run folder; its student is " + student;
        CommandRun.of("evaluate", "--model", run, "--text", "t").refuses(reason);
        CommandRun.of("generate", "--model", run).refuses(reason);
        CommandRun.of("serve", "--model", run).refuses(reason);
        CommandRun.of("export", run, "--out", folder.resolve("out").toString()).refuses(reason);
    }

    @Test
    void aTokenizerWithMoreIdsThanTheModelHasRowsIsRefused() throws IOException {
        Path golden = CommandRun.golden("teacher");
        Path tokenizer = EmbeddedTeacher.unpack().resolve("tokenizer.json");
        Path narrow = Files.createDirectory(folder.resolve("narrow"));
        for (String name : List.of("config.json", "model.safetensors")) {
            Files.copy(golden.resolve(name), narrow.resolve(name));
        }
        Files.copy(tokenizer, narrow.resolve("tokenizer.json"));
        String text = inputs.resolve("long.txt").toString();
        String message =
                "tokenizer.json: expected ids below 128, the rows of the model's embedding, found ids up to 4095";

        CommandRun.of("evaluate", "--model", narrow.toString(), "--text", text, "--context", "32")
                .refuses(message);
        CommandRun.of("generate", "--model", golden.toString(), "--tokenizer", tokenizer.toString())
                .refuses(message);
        CommandRun.of("serve", "--model", narrow.toString(), "--port", "0").refuses(message);
        CommandRun.of(
                        "distill",
                        "--teacher",
                        narrow.toString(),
                        "--text",
                        text,
                        "--context",
                        "32",
                        "--tokens",
                        "9999",
                        "--out",
                        folder.resolve("run").toString())
                .refuses(message);
        assertThat(folder.resolve("run")).doesNotExist();
    }

    @Test
    void generateRefuses() {
        String teacher = EmbeddedTeacher.unpack().toString();
        CommandRun.of("generate", "--model", teacher, "--max-tokens", "-1").refuses("max-tokens: expected");
        CommandRun.of("generate", "--model", teacher, "--max-tokens", "2048").refuses("expected at most 2048 together");
        CommandRun.of("generate", "--model", teacher, "--temperature", "-1").refuses("temperature: expected");
        CommandRun.of("generate", "--model", teacher, "--top-p", "2").refuses("top-p: expected");
        CommandRun.of("generate", "--model", teacher, "--seed", "x").refuses("invalid value for option '--seed'");
    }

    @Test
    void serveRefuses() throws IOException {
        String teacher = EmbeddedTeacher.unpack().toString();
        CommandRun.of("serve").refuses("missing required option: '--model=DIR'");
        CommandRun.of("serve", "--model", "nowhere").refuses("nowhere: expected a model folder, found nothing");
        CommandRun.of("serve", "--model", teacher, "--port", "65536").refuses("port: expected a whole number from 0");
        CommandRun.of("serve", "--model", teacher, "--queue", "0").refuses("queue: expected a whole number from 1");
        CommandRun.of("serve", "--model", teacher, "--max-body", "1").refuses("max-body: expected");
        CommandRun.of("serve", "--model", teacher, "--host", "not an address").refuses("host: expected an address");
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            CommandRun.of("serve", "--model", teacher, "--port", String.valueOf(taken.getLocalPort()))
                    .refuses("cannot listen on 127.0.0.1 port " + taken.getLocalPort());
        }
    }

    @Test
    void parityRefuses() throws IOException {
        CommandRun.of("parity", "nowhere").refuses("nowhere: expected golden data");
        CommandRun.of("parity", CommandRun.golden("").toString(), "--tolerance", "-1")
                .refuses("tolerance: expected");
        Files.createDirectory(folder.resolve("teacher"));
        for (String name : List.of("config.json", "model.safetensors")) {
            Files.copy(
                    CommandRun.golden("teacher").resolve(name),
                    folder.resolve("teacher").resolve(name));
        }
        CommandRun.of("parity", folder.toString()).refuses("teacher_expected.safetensors: cannot be read");
    }
}
