package org.mohawk4j.dl4j.ui;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;

/** The files of a run that never took place. */
final class SyntheticRun {
    private SyntheticRun() {}

    static double loss(int stage, int step) {
        return stage * 10.0 / step;
    }

    /** Stages 1 and 3, of as many steps each. */
    static void write(Path run, int steps, boolean statistics) throws IOException {
        Files.writeString(run.resolve("config.yaml"), "seed: 0\n");
        StringBuilder metrics = new StringBuilder();
        StringBuilder lines = new StringBuilder("{\"backend\":\"nd4j-test\",\"java\":\"17\",\"system\":\"Linux\","
                + "\"architecture\":\"amd64\",\"processors\":2,\"jvm_max_bytes\":1000000000,"
                + "\"machine_bytes\":4000000000,\"parts\":[{\"name\":\"embedding\",\"kind\":\"embedding\","
                + "\"parameters\":10},{\"name\":\"layers.0\",\"kind\":\"DiscreteMamba2\",\"parameters\":30}]}\n");
        for (int stage : new int[] {1, 3}) {
            for (int step = 1; step <= steps; step++) {
                metrics.append(metrics(stage, step));
                if (step % 2 == 1) {
                    lines.append(statistics(stage, step));
                }
            }
        }
        Files.writeString(run.resolve("metrics.jsonl"), metrics);
        if (statistics) {
            Files.writeString(run.resolve("statistics.jsonl"), lines);
        }
    }

    /** One more step of stage 3. */
    static void append(Path run, int step) throws IOException {
        Files.writeString(run.resolve("metrics.jsonl"), metrics(3, step), StandardOpenOption.APPEND);
        Files.writeString(run.resolve("statistics.jsonl"), statistics(3, step), StandardOpenOption.APPEND);
    }

    private static String metrics(int stage, int step) {
        return String.format(
                Locale.ROOT,
                "{\"stage\":%d,\"step\":%d,\"tokens\":%d,\"loss\":%s,\"learning_rate\":%s,\"gradient_norm\":1.5,"
                        + "\"tokens_per_second\":900.0,\"seconds\":%s}%n",
                stage,
                step,
                step * 64,
                loss(stage, step),
                0.001 * step,
                0.07 * step);
    }

    private static String statistics(int stage, int step) {
        String parameter = "\"layers.0.mixer.in_proj.weight\":" + distribution(0.5) + ",\"layers.0.mixer.z_bias\":"
                + distribution(0.1);
        return "{\"stage\":" + stage + ",\"step\":" + step + ",\"jvm_bytes\":50000000,\"array_bytes\":300000000,"
                + "\"parameters\":{" + parameter + "},\"gradients\":{" + parameter + "},\"updates\":{"
                + parameter.replace("0.5", "0.001") + "},\"activations\":{\"layers.0\":" + distribution(step) + "}}\n";
    }

    private static String distribution(double size) {
        return "{\"mean\":0.0,\"deviation\":" + size + ",\"mean_magnitude\":" + size + ",\"min\":-1.0,\"max\":1.0,"
                + "\"counts\":[1,2,3,2,1]}";
    }
}
