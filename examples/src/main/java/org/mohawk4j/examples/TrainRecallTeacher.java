package org.mohawk4j.examples;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.Backends;
import org.mohawk4j.data.DataLoader;
import org.mohawk4j.data.TokenBatch;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.nn.Layer;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.op.loss.CrossEntropyFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Gradients;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.train.config.ScheduleConfig;
import org.mohawk4j.train.console.ConsoleProgressListener;
import org.mohawk4j.train.loop.Trainer;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.optimizer.AdamW;
import org.mohawk4j.train.stage.Objective;

/**
 * Trains a small Phi from scratch to find again what stands in its context, for {@code ./mohawk study recall}: two layers
 * are enough for induction heads. Writes a model folder with a tokenizer of its own words, and texts of the same kind.
 */
public final class TrainRecallTeacher {
    private static final int VOCABULARY = 128;
    private static final int WIDTH = 64;
    private static final int LAYERS = 2;
    private static final int HEADS = 4;
    private static final int CONTEXT = 64;
    private static final int BATCH = 16;
    private static final int STEPS = 2500;
    private static final double LEARNING_RATE = 3e-3;
    private static final int TEXT_LINES = 4000;
    private static final int HELD_OUT_LINES = 200;

    /** The end-of-text token; words follow. */
    private static final int FIRST_WORD = 1;

    private TrainRecallTeacher() {}

    /** @param args the folder to write, and perhaps the number of steps */
    public static void main(String[] args) throws IOException {
        Path folder = Path.of(args[0]);
        int steps = args.length > 1 ? Integer.parseInt(args[1]) : STEPS;
        PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
        try (ConsoleProgressListener progress = new ConsoleProgressListener(out)) {
            run(folder, steps, progress);
        }
    }

    static void run(Path folder, int steps, TrainingListener listener) throws IOException {
        Path model = folder.resolve("teacher");
        Files.createDirectories(model);
        Files.writeString(model.resolve("config.json"), config().toPrettyString());
        Files.writeString(model.resolve("tokenizer.json"), tokenizer().toPrettyString());
        write(folder.resolve("train.txt"), TEXT_LINES, 1);
        write(folder.resolve("valid.txt"), HELD_OUT_LINES, 2);
        try (Engine engine = Engine.open(Backends.AUTO, BackendOptions.defaults());
                CausalLm teacher = new CausalLm(engine, ModelFolder.config(model), new SplittableRandom(0))) {
            Sequences sequences = new Sequences(3);
            new Trainer(engine, sequences, listener)
                    .run(
                            1,
                            new NextToken(teacher, sequences),
                            AdamW.Config.defaults(),
                            ScheduleConfig.defaults().forStage(LEARNING_RATE, steps),
                            steps);
            ModelFolder.save(teacher, model, DType.BFLOAT16);
        }
    }

    private static ObjectNode config() {
        return JsonNodeFactory.instance
                .objectNode()
                .put("model_type", "phi")
                .put("vocab_size", VOCABULARY)
                .put("hidden_size", WIDTH)
                .put("intermediate_size", 4 * WIDTH)
                .put("num_hidden_layers", LAYERS)
                .put("num_attention_heads", HEADS)
                .put("num_key_value_heads", HEADS)
                .put("hidden_act", "gelu_new")
                .put("max_position_embeddings", 2 * CONTEXT)
                .put("partial_rotary_factor", 0.5)
                .put("rope_theta", 10_000.0)
                .put("layer_norm_eps", 1e-5)
                .put("tie_word_embeddings", false);
    }

    /** Two syllables each, so that all are of lower-case letters and different. */
    static List<String> words() {
        List<String> syllables = new ArrayList<>();
        for (char consonant : "bdfgklmnprstvz".toCharArray()) {
            for (char vowel : "aeiou".toCharArray()) {
                syllables.add("" + consonant + vowel);
            }
        }
        return IntStream.range(0, VOCABULARY - FIRST_WORD)
                .mapToObj(i -> syllables.get(i % syllables.size())
                        + syllables.get((i / syllables.size() * 17 + i * 3) % syllables.size()))
                .toList();
    }

    private static ObjectNode tokenizer() {
        ObjectNode json = JsonNodeFactory.instance.objectNode().put("version", "1.0");
        json.putArray("added_tokens")
                .addObject()
                .put("id", 0)
                .put("content", "<|endoftext|>")
                .put("single_word", false)
                .put("lstrip", false)
                .put("rstrip", false)
                .put("normalized", false)
                .put("special", true);
        json.putObject("pre_tokenizer").put("type", "Whitespace");
        ObjectNode model = json.putObject("model").put("type", "WordLevel").put("unk_token", "<|endoftext|>");
        ObjectNode ids = model.putObject("vocab").put("<|endoftext|>", 0);
        words().forEach(word -> ids.put(word, ids.size()));
        return json;
    }

    /** A sequence a line. Windows of this context are whole lines. */
    private static void write(Path file, int lines, long seed) throws IOException {
        SplittableRandom random = new SplittableRandom(seed);
        List<String> words = words();
        Files.writeString(
                file,
                IntStream.range(0, lines)
                        .mapToObj(line -> Arrays.stream(sequence(CONTEXT, random))
                                .mapToObj(id -> words.get(id - FIRST_WORD))
                                .collect(Collectors.joining(" ", "", "\n")))
                        .collect(Collectors.joining()));
    }

    /** Pairs in an order that changes, a list again and again, or pairs strewn among other words. */
    private static int[] sequence(int length, SplittableRandom random) {
        int[] shuffled = IntStream.range(FIRST_WORD, VOCABULARY).toArray();
        for (int i = shuffled.length - 1; i > 0; i--) {
            int other = random.nextInt(i + 1);
            int word = shuffled[i];
            shuffled[i] = shuffled[other];
            shuffled[other] = word;
        }
        int kind = random.nextInt(3);
        int pairs = 1 + random.nextInt(kind == 2 ? 4 : length / 4);
        int[] sequence = new int[length];
        int done = 0;
        while (done < length) {
            boolean isFiller = kind == 2 && done >= 2 * pairs && random.nextInt(8) > 0;
            int pair = kind == 1 || done < 2 * pairs ? done / 2 % pairs : random.nextInt(pairs);
            if (isFiller) {
                sequence[done++] = shuffled[2 * pairs + random.nextInt(shuffled.length - 2 * pairs)];
            } else {
                sequence[done++] = shuffled[2 * pair];
                if (done < length) {
                    sequence[done++] = shuffled[2 * pair + 1];
                }
            }
        }
        return sequence;
    }

    /** Fresh sequences without end. */
    private static final class Sequences implements DataLoader {
        private final SplittableRandom random;
        private float[] weights = {};
        private int taken;

        Sequences(long seed) {
            random = new SplittableRandom(seed);
        }

        @Override
        public TokenBatch next() {
            int[] inputs = new int[BATCH * CONTEXT];
            int[] targets = new int[inputs.length];
            for (int b = 0; b < BATCH; b++) {
                int[] sequence = sequence(CONTEXT + 1, random);
                System.arraycopy(sequence, 0, inputs, b * CONTEXT, CONTEXT);
                System.arraycopy(sequence, 1, targets, b * CONTEXT, CONTEXT);
            }
            weights = weights(inputs, targets);
            return new TokenBatch("sequences " + taken++, BATCH, CONTEXT, inputs, targets);
        }

        /** 1 where a token has followed the one before it already, so that it can be known, divided by their number. */
        private static float[] weights(int[] inputs, int[] targets) {
            float[] weights = new float[inputs.length];
            int known = 0;
            for (int i = 0; i < inputs.length; i++) {
                for (int before = i / CONTEXT * CONTEXT; before < i && weights[i] == 0; before++) {
                    weights[i] = inputs[before] == inputs[i] && targets[before] == targets[i] ? 1 : 0;
                }
                known += (int) weights[i];
            }
            for (int i = 0; i < weights.length; i++) {
                weights[i] /= known;
            }
            return weights;
        }

        /** Of the last batch, by row. */
        float[] weights() {
            return weights;
        }

        @Override
        public double epochs() {
            return 0;
        }

        @Override
        public ObjectNode state() {
            return JsonNodeFactory.instance.objectNode();
        }

        @Override
        public void restore(ObjectNode state) {
            throw new UnsupportedOperationException("this training is not resumed");
        }
    }

    /** Cross-entropy of those next tokens that can be known. */
    private record NextToken(CausalLm model, Sequences sequences) implements Objective {
        @Override
        public Map<String, Parameter> trained() {
            return model.parameters();
        }

        @Override
        public double flopsPerToken() {
            return TRAINING_FLOPS * Layer.sizeOf(trained());
        }

        @Override
        public Result evaluate(Tensor ids, Tensor labels) {
            Engine engine = model.engine();
            Map<String, Tensor> gradients = new LinkedHashMap<>();
            try (Tape tape = engine.tape(
                    trained().values().stream().map(Parameter::value).toList())) {
                Tensor hidden = engine.scoped(() -> model.hidden(ids));
                Tensor rows = CrossEntropyFunction.apply(model.head(hidden), labels);
                Tensor loss = rows.reshape(-1)
                        .mul(engine.tensor(sequences.weights(), sequences.weights().length))
                        .sum();
                Gradients found = tape.gradients(loss);
                trained()
                        .forEach((name, parameter) ->
                                found.of(parameter.value()).ifPresent(gradient -> gradients.put(name, gradient)));
                return new Result(List.of(loss.detach()), gradients);
            }
        }
    }
}
