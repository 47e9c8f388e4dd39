package org.mohawk4j.cli;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.nn.Layer;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tokenizer.TokenizerJson;

/**
 * What a model folder holds, in some lines: family, dimensions, parameters; a student with discrete Mamba-2 in every layer;
 * what would be refused, and why. No weight is read.
 */
final class ModelDescription {
    private final Path folder;
    private final PrintWriter out;

    private ModelDescription(Path folder, PrintWriter out) {
        this.folder = folder;
        this.out = out;
    }

    static void print(Path folder, PrintWriter out) {
        new ModelDescription(folder, out).print();
    }

    private void print() {
        CausalLmConfig config;
        try {
            String name = ModelFolder.format(folder).name();
            config = ModelFolder.config(folder);
            out.println("model     " + name);
        } catch (InvalidInputException e) {
            refused(e);
            return;
        }
        dimensions(config);
        try (Engine engine = Engine.open("nd4j", BackendOptions.defaults());
                CausalLm model = ModelFolder.unread(engine, folder)) {
            line("parameters %,d", Layer.sizeOf(model.parameters()));
            students(engine, config);
        } catch (InvalidInputException e) {
            refused(e);
        }
        tokenizer(config);
    }

    private void line(String format, Object... values) {
        out.printf(Locale.ROOT, format + "%n", values);
    }

    private void refused(InvalidInputException e) {
        out.println("refused   " + e.getMessage());
    }

    private void tokenizer(CausalLmConfig config) {
        if (Files.exists(folder.resolve(TokenizerJson.FILE_NAME))) {
            try {
                TokenizerJson.load(folder).requireRows(config.vocabulary());
            } catch (InvalidInputException e) {
                refused(e);
            }
        }
    }

    private void dimensions(CausalLmConfig config) {
        line(
                "          vocabulary %d, width %d, MLP width %d, positions %d, layers %d%s",
                config.vocabulary(),
                config.width(),
                config.block().mlp().width(),
                config.maxPositions(),
                config.layers(),
                config.head().tied() ? ", head tied to the embedding" : "");
        int from = 0;
        for (int to = 1; to <= config.layers(); to++) {
            if (to == config.layers()
                    || !config.mixers().get(to).equals(config.mixers().get(from))) {
                String layers = to - from == 1 ? "layer " + from : "layers " + from + " to " + (to - 1);
                line("          %s: %s", layers, describe(config.mixers().get(from)));
                from = to;
            }
        }
    }

    /** A mixer's name and what its record says. */
    private static String describe(MixerConfig mixer) {
        Class<?> type = mixer.getClass().getEnclosingClass() == null
                ? mixer.getClass()
                : mixer.getClass().getEnclosingClass();
        String text = mixer.toString();
        return type.getSimpleName() + text.substring(Math.max(0, text.indexOf('[')));
    }

    /** What would replace a teacher's attention; or, of a student, what its layers remember. */
    private void students(Engine engine, CausalLmConfig config) {
        long cached = cacheBytes(config.mixers(), 1);
        if (cached > 0) {
            line(
                    "cache     %,d bytes of keys and values for each position, %,d for all %d, in float32",
                    cached, cacheBytes(config.mixers(), config.maxPositions()), config.maxPositions());
        }
        boolean teacher = config.mixers().stream().allMatch(SoftmaxAttention.Config.class::isInstance);
        CausalLmConfig described = teacher
                ? config.withMixers(MixerPlan.replacing(config, DiscreteMamba2.Config::like, List.of())
                        .mixers())
                : config;
        try (CausalLm model = new CausalLm(engine, described, new SplittableRandom(0))) {
            if (teacher) {
                line(
                        "student   %,d parameters with discrete Mamba-2 in every layer (state size %d)",
                        Layer.sizeOf(model.parameters()),
                        DiscreteMamba2.Config.like(config.mixers().get(0)).stateSize());
            }
            line("state     %,d bytes for a sequence of any length, in float32", stateBytes(engine, model));
        }
    }

    /** Keys and values of the positions that a layer's queries may see, summed over layers. */
    private static long cacheBytes(List<MixerConfig> mixers, long positions) {
        return mixers.stream()
                .filter(SoftmaxAttention.Config.class::isInstance)
                .map(SoftmaxAttention.Config.class::cast)
                .mapToLong(attention -> {
                    long window = attention.scores().window();
                    long kept = window == 0 ? positions : Math.min(window, positions);
                    return 2 * kept * attention.keyValueHeads() * attention.headDim() * Float.BYTES;
                })
                .sum();
    }

    /** What states take that do not grow: recurrences; of a hybrid, of its other layers. */
    private static long stateBytes(Engine engine, CausalLm model) {
        long bytes = 0;
        for (var block : model.blocks()) {
            long before = engine.backend().memory().liveBytes();
            try (var state = block.mixer().newState(1)) {
                bytes += state.isFixed() ? engine.backend().memory().liveBytes() - before : 0;
            }
        }
        return bytes;
    }
}
