package org.mohawk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PlanCommandTest {
    private static final double GIB = 1L << 30;
    private static final String PEAK = "peak_memory_bytes";
    private static final String SPEED = "tokens_per_second";

    @TempDir
    static Path folder;

    private static Path llama;

    @BeforeAll
    static void makeFolder() throws IOException {
        llama = PlanFolders.llama(folder.resolve("llama"));
    }

    private static CommandRun plan(String... options) {
        List<String> words = new ArrayList<>(List.of("plan"));
        words.addAll(List.of(options));
        return CommandRun.of(words.toArray(String[]::new));
    }

    /** At B 8 for each GPU, T 2048. */
    private static CommandRun planOfLlama(String... options) {
        List<String> words = new ArrayList<>(List.of(
                "--teacher", llama.toString(), "--dtype", "bf16", "--context", "2048", "--tokens", "3000000000"));
        if (!List.of(options).contains("--batch")) {
            words.addAll(List.of("--batch", "8"));
        }
        words.addAll(List.of(options));
        return plan(words.toArray(String[]::new));
    }

    private static boolean fits(CommandRun run) {
        List<String> lines = run.lines();
        return lines.get(lines.size() - 1).startsWith("fits=true ");
    }

    private static List<String> cells(CommandRun run, String row) {
        return run.lines().stream()
                .filter(line -> line.startsWith(row + " "))
                .map(line -> List.of(line.substring(row.length()).strip().split(" {2,}")))
                // before the table a line tells how many parameters the student has
                .reduce((first, last) -> last)
                .orElseThrow();
    }

    @Test
    void theShippedTeachersRunNeedsNeitherTextNorDevice() {
        CommandRun run = plan("--dtype", "bf16").succeeds();
        assertThat(run.lines().get(run.lines().size() - 1))
                .matches("fits=true peak_memory_bytes=\\d+ tokens_per_second=\\d+ hours=\\d+\\.\\d+");
        assertThat(run.lines()).contains("teacher     1,844,992 parameters", "student     2,054,928 parameters");
        assertThat(cells(run, "batch")).containsExactly("4x128");
    }

    @Test
    void partsAddUpToThePeak() {
        CommandRun run = planOfLlama("--split", "0,0,1").succeeds();
        double sum =
                List.of("teacher ", "student ", "gradients", "moments", "activations", "logits", "workspace").stream()
                        .mapToDouble(part -> amount(run.lines().stream()
                                .filter(line -> line.startsWith(part) && line.endsWith("iB"))
                                .findFirst()
                                .orElseThrow()))
                        .sum();
        assertThat(sum).isCloseTo(run.value(PEAK) / GIB, within(0.04));
    }

    private static double amount(String line) {
        String[] words = line.strip().split(" +", -1);
        double number = Double.parseDouble(words[words.length - 2]);
        return words[words.length - 1].equals("GiB") ? number : number / 1024;
    }

    /** One NVIDIA H200, 30 November 2026: docs/performance.md, Llama-3.2-1B shapes. */
    @ParameterizedTest
    @CsvSource({"'1,0,0', 159911", "'0,1,0', 139258", "'0,0,1', 48958"})
    void speedIsThatOfTheRecordedRunsOfLlama(String split, double recorded) {
        assertThat(planOfLlama("--split", split).succeeds().value(SPEED))
                .isCloseTo(recorded, Percentage.withPercentage(20));
    }

    @Test
    void memoryIsThatOfTheRecordedRunOfLlama() {
        assertThat(planOfLlama().succeeds().value(PEAK) / GIB).isCloseTo(57.5, Percentage.withPercentage(10));
    }

    @Test
    void hoursAreTokensBySpeed() {
        CommandRun run = planOfLlama("--split", "0.5,0.5,0").succeeds();
        assertThat(run.value("hours")).isCloseTo(3e9 / run.value(SPEED) / 3600, Percentage.withPercentage(1));
        CommandRun given =
                planOfLlama("--split", "0,1,0", "--tokens-per-second", "100000").succeeds();
        assertThat(given.value(SPEED)).isEqualTo(100_000);
    }

    @Test
    void whatDoesNotFitSaysWithWhichOptionItDoesAndThatIsWhatThePlanWithItSays() {
        CommandRun tooLarge =
                planOfLlama("--split", "0,0,1", "--gpu-memory", "40GiB").succeeds();
        assertThat(fits(tooLarge)).isFalse();
        List<String> changes = tooLarge.lines().stream()
                .filter(line -> line.startsWith("fits with"))
                .toList();
        assertThat(changes).hasSizeGreaterThanOrEqualTo(2);
        for (String change : changes) {
            String[] parts = change.substring("fits with".length()).strip().split(": ", -1);
            List<String> options = new ArrayList<>(List.of("--split", "0,0,1", "--gpu-memory", "40GiB"));
            options.addAll(List.of(parts[0].split(" ")));
            CommandRun changed = planOfLlama(options.toArray(String[]::new)).succeeds();
            assertThat(fits(changed)).as(change).isTrue();
            assertThat(changed.value(PEAK) / GIB).as(change).isCloseTo(amount(parts[1]), within(0.01));
        }
    }

    @Test
    void twoGpusShareBatchAndMoments() {
        CommandRun one = planOfLlama("--split", "0,0,1").succeeds();
        CommandRun two =
                planOfLlama("--split", "0,0,1", "--batch", "16", "--gpus", "2").succeeds();
        assertThat(two.out()).contains("2 × NVIDIA H200", "sharded optimizer");
        assertThat(amount(cells(two, "moments").get(0)))
                .isCloseTo(amount(cells(one, "moments").get(0)) / 2, within(0.01));
        assertThat(cells(two, "activations")).isEqualTo(cells(one, "activations"));
        assertThat(two.value(SPEED) / one.value(SPEED)).isBetween(1.7, 2.0);
        assertThat(two.out()).contains("checkpoints at most 3 of 15.70 GiB");
    }

    /** Each of four GPUs has parameters, gradients and moments of its four layers, in windows of the whole batch. */
    @Test
    void gpusMayDivideTheLayersOfStages1And2() {
        String[] options = {"--split", "0.5,0.5,0", "--batch", "32", "--accumulate", "8", "--gpus", "4"};
        String[] divided = Stream.concat(Stream.of(options), Stream.of("--parallelism", "layer"))
                .toArray(String[]::new);
        CommandRun data = planOfLlama(options).succeeds();
        CommandRun layers = planOfLlama(divided).succeeds();
        assertThat(cells(layers, "parallelism")).containsExactly("layer", "layer");
        assertThat(cells(layers, "batch")).isEqualTo(cells(data, "batch"));
        assertThat(amount(cells(layers, "gradients").get(1)))
                .isCloseTo(amount(cells(data, "gradients").get(1)) / 4, Percentage.withPercentage(15));
        assertThat(amount(cells(layers, "moments").get(1)))
                .isCloseTo(amount(cells(data, "moments").get(1)), Percentage.withPercentage(5));
        assertThat(amount(cells(layers, "student").get(1)))
                .isLessThan(0.5 * amount(cells(data, "student").get(1)));
        assertThat(layers.value(PEAK)).isLessThan(data.value(PEAK));
        assertThat(layers.value(SPEED)).isBetween(0.5 * data.value(SPEED), 1.5 * data.value(SPEED));
        assertThat(data.out())
                .containsPattern("instead     --parallelism layer: peak "
                        + cells(layers, "peak").stream()
                                .reduce((one, last) -> last)
                                .orElseThrow() + ", [0-9,]+ tokens/s");
        assertThat(layers.out()).contains("instead     --parallelism data: peak ");
        assertThat(cells(layers, "disk")).isEqualTo(cells(data, "disk"));
    }

    @Test
    void recomputingCostsTimeAndSavesActivations() {
        CommandRun usual = planOfLlama("--split", "0,0,1").succeeds();
        CommandRun recomputed = planOfLlama("--split", "0,0,1", "--recompute").succeeds();
        assertThat(recomputed.value(PEAK)).isLessThan(0.6 * usual.value(PEAK));
        assertThat(recomputed.value(SPEED)).isBetween(0.7 * usual.value(SPEED), 0.9 * usual.value(SPEED));
    }

    @ParameterizedTest
    @ValueSource(strings = {"toeplitz", "linear-attention", "attention"})
    void everyMixerIsPlanned(String mixer) {
        assertThat(plan("--mixer", mixer, "--dtype", "bf16").succeeds().value(PEAK))
                .isPositive();
    }

    @Test
    void layersThatARankingChoosesArePlannedAsSuchThatAreGiven() throws IOException {
        Path study = Files.createDirectories(folder.resolve("study"));
        List<String> results = new ArrayList<>(List.of(restored("none", 0.9)));
        for (int layer = 0; layer < 4; layer++) {
            results.add(restored("layer" + layer, 0.8 - 0.1 * layer));
        }
        Files.write(study.resolve("results.jsonl"), results);
        Files.writeString(study.resolve("study.json"), "{\"seeds\":1,\"inputs\":{\"teacher\":{}}}");

        CommandRun given = planKeeping("2,3").succeeds();
        assertThat(given.value(PEAK)).isNotEqualTo(plan("--dtype", "bf16").value(PEAK));
        assertThat(planKeeping("auto:2:" + study).succeeds().out()).isEqualTo(given.out());
        assertThat(planKeeping("auto:2").succeeds().out())
                .isEqualTo(planKeeping("0,1").succeeds().out());
    }

    private static CommandRun planKeeping(String layers) {
        return plan("--dtype", "bf16", "--keep-attention", layers);
    }

    private static String restored(String what, double kl) {
        return "{\"id\":\"restored-" + what + ".seed0\",\"configuration\":{},\"values\":{\"kl\":" + kl + "}}";
    }

    @Test
    void everyFamilyIsPlanned() throws IOException {
        Path families = CommandRun.golden("teacher").getParent().resolveSibling("golden-families");
        List<Path> teachers;
        try (Stream<Path> all = Files.list(families)) {
            teachers = all.map(family -> family.resolve("teacher"))
                    .filter(Files::isDirectory)
                    .sorted()
                    .toList();
        }
        assertThat(teachers).hasSizeGreaterThan(10);
        for (Path teacher : teachers) {
            CommandRun run = plan("--teacher", teacher.toString(), "--dtype", "bf16", "--context", "16");
            assertThat(run.succeeds().value(SPEED)).as("%s", teacher).isPositive();
        }
    }

    @Test
    void diskCountsTheTeachersCacheAndAllCheckpointsAtATime() {
        CommandRun run = planOfLlama(
                        "--split",
                        "0,0,1",
                        "--teacher-cache",
                        folder.resolve("cache").toString(),
                        "--keep",
                        "4")
                .succeeds();
        assertThat(run.out()).contains("student 5.23 GiB, checkpoints at most 5 of 15.70 GiB, teacher cache at most ");
        assertThat(folder.resolve("cache")).doesNotExist();
    }

    @Test
    void whatNoRateWasMeasuredOfHasNone() {
        for (CommandRun run : List.of(plan("--dtype", "float"), plan("--dtype", "bf16", "--top-k", "8"))) {
            assertThat(run.succeeds().out()).contains("tokens_per_second=unknown hours=unknown", "--tokens-per-second");
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    --gpus 0                      | gpus: expected a whole number of at least 1, got 0
                    --gpus 99999999999            | gpus: expected
                    --gpus 3                      | expected a multiple of 3, got 4
                    --gpus 2 --accumulate 4       | expected a multiple of 8, got 4
                    --parallelism layer           | parallelism: expected data, since only stages that align layers
                    --parallelism pipeline        | parallelism: expected
                    --split .1,.2,.7 --gpus 4 --parallelism layer --keep-attention 1,2 | stages[0]: parallelism: expected at least 4 layers to train for layer parallelism of 4 ranks, found
                    --gpu a100                    | gpu: expected one with measured rates, h200, got a100
                    --gpu-memory many             | --gpu-memory: expected an amount with its unit, such as 80GiB
                    --gpu-memory 80               | --gpu-memory: expected an amount with its unit, such as 80GiB, 141GB or 143771MiB, got 80
                    --gpu-memory 0GiB             | --gpu-memory: expected an amount
                    --gpu-memory 8TiB             | --gpu-memory: expected an amount
                    --tokens-per-second -1        | --tokens-per-second: expected a number above 0, got -1.0
                    --tokens-per-second NaN       | --tokens-per-second: expected a number above 0, got NaN
                    --backend nd4j                | backend: expected cuda or auto
                    --teacher nowhere             | teacher nowhere: expected a model folder, found nothing
                    --context 1000000             | context: expected at most 2048
                    --batch 0                     | batch: expected
                    --mixer none                  | none
                    --keep-attention auto:4       | keep-attention: expected auto:1 to auto:3 of the teacher's 4 layers, got auto:4
                    --keep-attention auto:0       | keep-attention: auto: expected a whole number of at least 1, got 0
                    --keep-attention auto:2:nowhere | nowhere
                    """)
    void badInputIsOneLine(String options, String reason) {
        plan(options.split(" ")).refuses(reason);
    }

    @Test
    void weightsThatDoNotFitTheConfigurationAreOneLine() throws IOException {
        Path other = Files.createDirectories(folder.resolve("other"));
        String config = Files.readString(llama.resolve("config.json"));
        Files.writeString(
                other.resolve("config.json"), config.replace("\"vocab_size\": 128256", "\"vocab_size\": 1000"));
        Path weights = other.resolve("model.safetensors");
        if (Files.notExists(weights)) {
            Files.createSymbolicLink(weights, llama.resolve("model.safetensors"));
        }
        plan("--teacher", other.toString()).refuses("model.embed_tokens.weight: expected shape");
    }
}
