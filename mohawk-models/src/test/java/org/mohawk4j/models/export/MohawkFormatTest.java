package org.mohawk4j.models.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.CausalLinearAttention;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MatrixMixer;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.mixer.SoftmaxAttention.Biases;
import org.mohawk4j.mixer.SoftmaxAttention.Projections;
import org.mohawk4j.mixer.SoftmaxAttention.QueryKeyNorm;
import org.mohawk4j.mixer.Toeplitz;
import org.mohawk4j.models.BlockConfig;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.HeadConfig;
import org.mohawk4j.models.MlpConfig;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.models.NormConfig;
import org.mohawk4j.models.ParallelBlock;
import org.mohawk4j.models.SequentialBlock;
import org.mohawk4j.models.TeacherLayer;
import org.mohawk4j.models.mixer.MixerFormat;
import org.mohawk4j.models.mixer.MixerOption;
import org.mohawk4j.models.mixer.MixerOptions;
import org.mohawk4j.nn.RopeScaling;
import org.mohawk4j.nn.RotaryConfig;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.AttentionScores;
import org.mohawk4j.safetensors.TensorSource;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.types.DType;

class MohawkFormatTest {
    private static final MixerConfig MAMBA = new DiscreteMamba2.Config(8, 12, 4, 2, 3, 4, 16);
    private static final NormConfig RMS = new NormConfig(NormConfig.Kind.RMS, 1e-6);
    private static final MlpConfig GATED = new MlpConfig(10, Activation.SILU, true, false);

    private Engine engine;

    @TempDir
    Path folder;

    @BeforeEach
    void open() {
        engine = Engine.open("nd4j", BackendOptions.defaults());
    }

    @AfterEach
    void close() {
        engine.close();
    }

    private static MixerConfig attention(Biases biases, RotaryConfig rotary, @Nullable QueryKeyNorm norm) {
        return new SoftmaxAttention.Config(8, 4, 2, 6, biases, rotary, Optional.ofNullable(norm));
    }

    private static MixerConfig attention(RopeScaling scaling, AttentionScores scores) {
        Projections plain = new Projections(Biases.NONE, Optional.empty());
        return new SoftmaxAttention.Config(8, 4, 2, 6, plain, new RotaryConfig(4, 1e4, scaling), scores);
    }

    private static CausalLmConfig config(BlockConfig block, HeadConfig head, MixerConfig... mixers) {
        return new CausalLmConfig(20, 8, 32, block, head, List.of(mixers));
    }

    /** Every block, norm, MLP, head and mixer, and every part of an attention. */
    static Stream<CausalLmConfig> models() {
        MixerConfig normed = attention(
                Biases.NONE, new RotaryConfig(6, 1e4, new RopeScaling.Linear(4)), new QueryKeyNorm(1e-6, true, false));
        MixerConfig acrossHeads = attention(
                new Biases(true, true, true, false),
                new RotaryConfig(4, 5e5, new RopeScaling.Llama3(8, 1, 4, 32)),
                new QueryKeyNorm(1e-5, false, true));
        MixerConfig unturned = attention(new Biases(false, false, false, true), new RotaryConfig(0, 1e4), null);
        return Stream.of(
                config(
                        new BlockConfig(
                                ParallelBlock.FORM,
                                new NormConfig(NormConfig.Kind.LAYER, 1e-5),
                                new MlpConfig(32, Activation.GELU_TANH, false, true)),
                        new HeadConfig(false, true),
                        MAMBA,
                        MAMBA,
                        attention(Biases.ALL, new RotaryConfig(2, 1e4), null)),
                config(
                        new BlockConfig(SequentialBlock.PRE_NORM, RMS, GATED),
                        new HeadConfig(true, false),
                        MAMBA,
                        unturned,
                        MAMBA),
                config(
                        new BlockConfig(SequentialBlock.POST_NORM, RMS, new MlpConfig(10, Activation.RELU, true, true)),
                        new HeadConfig(false, false),
                        acrossHeads,
                        new CausalLinearAttention.Config(8, 6, 2, 3, 16)),
                config(
                        new BlockConfig(
                                SequentialBlock.SANDWICH_NORM,
                                new NormConfig(NormConfig.Kind.RMS_UNIT_OFFSET, 1e-6),
                                new MlpConfig(10, Activation.GELU_TANH, true, false)),
                        new HeadConfig(true, false),
                        normed,
                        new Toeplitz.Config(8, 12, 2, 96, 16)),
                new CausalLmConfig(
                        20,
                        8,
                        32,
                        Math.sqrt(8),
                        new BlockConfig(SequentialBlock.PRE_NORM, RMS, GATED),
                        new HeadConfig(true, false, 5),
                        List.of(
                                attention(
                                        new RopeScaling.Yarn(4, 32, 1, false, 16, 1.1), new AttentionScores(0.3, 2, 0)),
                                attention(new RopeScaling.Yarn(4, 8, 1, true, 64, 1.1), new AttentionScores(0.4, 0, 3)),
                                attention(
                                        new RopeScaling.LongRope(List.of(1.1, 1.5), List.of(2.5, 4.0), 8, 1.2),
                                        new AttentionScores(0.5, 2, 5)))));
    }

    @ParameterizedTest
    @MethodSource("models")
    void aModelThatIsWrittenAndReadGivesTheSameLogits(CausalLmConfig config) {
        int[] ids = IntStream.range(0, 2 * 9).map(i -> i * 7 % 20).toArray();
        try (Scope scope = engine.scope();
                CausalLm model = new CausalLm(engine, config, new SplittableRandom(3))) {
            ModelFolder.save(model, new MohawkFormat(), folder.resolve("model"), DType.FLOAT32, Long.MAX_VALUE);
            try (CausalLm read = ModelFolder.load(engine, folder.resolve("model"))) {
                assertThat(read.config()).isEqualTo(config);
                assertThat(read.logits(engine.indices(ids, 2, 9)).toFloats())
                        .isEqualTo(model.logits(engine.indices(ids, 2, 9)).toFloats());
            }
        }
        assertThat(folder.resolve("model"))
                .isDirectoryContaining("glob:**/modeling_mohawk.py")
                .isDirectoryContaining("glob:**/configuration_mohawk.py");
    }

    /** What published folders look like must not change with the names in this code. */
    @Test
    void theConfigurationIsAsDocumented() throws IOException {
        CausalLmConfig config = models().findFirst().orElseThrow();

        JsonNode written = new MohawkFormat().write(config).orElseThrow();

        ObjectMapper json = new ObjectMapper();
        assertThat(json.readTree(written.toString())).isEqualTo(json.readTree("""
                        {"model_type": "mohawk", "architectures": ["MohawkForCausalLM"],
                         "auto_map": {"AutoConfig": "configuration_mohawk.MohawkConfig",
                                      "AutoModel": "modeling_mohawk.MohawkModel",
                                      "AutoModelForCausalLM": "modeling_mohawk.MohawkForCausalLM"},
                         "vocab_size": 20, "hidden_size": 8, "num_hidden_layers": 3, "max_position_embeddings": 32,
                         "embedding_scale": 1.0, "logit_soft_cap": 0.0, "lm_head_bias": true, "tie_word_embeddings": false, "block": "parallel",
                         "norm": {"kind": "layer", "epsilon": 1e-5},
                         "mlp": {"width": 32, "activation": "gelu_pytorch_tanh", "gated": false, "bias": true},
                         "runs": [
                           {"count": 2, "mixer": "discrete_mamba2", "inner_width": 12, "heads": 4, "groups": 2,
                            "state_size": 3, "conv_width": 4, "chunk": 16},
                           {"count": 1, "mixer": "attention", "heads": 4, "key_value_heads": 2, "head_dim": 6,
                            "biases": ["query", "key", "value", "output"], "query_key_norm": null,
                            "rotary": {"dim": 2, "theta": 10000.0, "scaling": {"type": "none"}},
                            "scale": 0.4082482904638631, "soft_cap": 0.0, "window": 0}]}
                        """));
    }

    /** A mixer of the user's own, which transformers does not have. */
    public record OwnConfig(long width) implements MixerConfig {
        @Override
        public int heads() {
            return 2;
        }

        @Override
        public MatrixMixer create(Engine engine, RandomGenerator random) {
            return new CausalLinearAttention.Config(width, 2, 3, 8).create(engine, random);
        }
    }

    /** How it is saved. */
    public static final class OwnFormat implements MixerFormat {
        @Override
        public String name() {
            return "own";
        }

        @Override
        public String description() {
            return "of this test";
        }

        @Override
        public List<MixerOption> options() {
            return List.of();
        }

        @Override
        public MixerConfig configure(TeacherLayer replaced, MixerOptions options) {
            return new OwnConfig(replaced.width());
        }

        @Override
        public String coreType() {
            return "org.example.own";
        }

        @Override
        public MixerConfig read(ConfigNode coreInput, long width) {
            return new OwnConfig(width);
        }

        @Override
        public Optional<ObjectNode> write(MixerConfig mixer) {
            return mixer instanceof OwnConfig ? Optional.of(new ObjectMapper().createObjectNode()) : Optional.empty();
        }
    }

    @Test
    void aMixerOfTheUsersOwnIsSavedButNotExported() throws IOException {
        Path services = folder.resolve("classes/META-INF/services");
        Files.createDirectories(services);
        Files.writeString(services.resolve(MixerFormat.class.getName()), OwnFormat.class.getName());
        CausalLmConfig config = config(
                new BlockConfig(SequentialBlock.POST_NORM, RMS, GATED),
                new HeadConfig(true, false),
                MAMBA,
                new OwnConfig(8));
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        try (URLClassLoader loader = new URLClassLoader(
                        new URL[] {folder.resolve("classes").toUri().toURL()},
                        getClass().getClassLoader());
                CausalLm model = new CausalLm(engine, config, new SplittableRandom(0))) {
            thread.setContextClassLoader(loader);
            ModelFolder.save(model, new MohawkFormat(), folder.resolve("model"), DType.FLOAT32, Long.MAX_VALUE);

            assertThat(ModelFolder.config(folder.resolve("model"))).isEqualTo(config);
            assertThatThrownBy(() -> ExportForm.TRANSFORMERS.require(config))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessage(
                            "the model cannot be exported as transformers: layer 1 has a mixer that it does not have,"
                                    + " OwnConfig");
        } finally {
            thread.setContextClassLoader(before);
        }
    }

    @Test
    void tensorsAreNamedAsDocumented() {
        CausalLmConfig config = models().skip(1).findFirst().orElseThrow();
        try (CausalLm model = new CausalLm(engine, config, new SplittableRandom(0))) {
            ModelFolder.save(model, new MohawkFormat(), folder, DType.FLOAT32, Long.MAX_VALUE);
        }
        try (TensorSource tensors = TensorSource.open(folder)) {
            assertThat(tensors.names())
                    .contains(
                            "model.embedding.weight",
                            "model.layers.0.mixer.in_proj.weight",
                            "model.layers.0.mixer.z_bias",
                            "model.layers.1.mixer.q_proj.weight",
                            "model.layers.1.mixer.dense.bias",
                            "model.layers.2.post_attention_layernorm.weight",
                            "model.layers.2.mlp.gate_proj.weight",
                            "model.final_layernorm.weight")
                    .doesNotContain("lm_head.weight");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"discrete_mamba2\" | \"mamba3\" | mixer: expected one of discrete_mamba2, attention,"
                        + " causal_linear_attention, toeplitz or of the mixer formats on the class path, found mamba3",
                "\"inner_width\":12 | \"inner_width\":13 | heads: expected a divisor of inner_width 13, found 4",
                "\"groups\":2 | \"groups\":3 | groups: expected a divisor of heads 4, found 3",
                "\"state_size\":3 | \"state_size\":2147483647 | state_size: expected at most 2147483647 entries of all"
                        + " groups together, found 2147483647",
                "\"count\":2 | \"count\":10001 | count",
                "\"parallel\" | \"serial\" | block: expected one of [parallel, post_norm, pre_norm, sandwich_norm], found"
                        + " serial",
                "\"kind\":\"layer\" | \"kind\":\"batch\" | kind: expected one of layer, rms, rms_unit_offset, found batch",
                "\"embedding_scale\":1.0 | \"embedding_scale\":0 | embedding_scale: expected a number above 0, found 0",
                "\"window\":0 | \"window\":-1 | window",
                "{\"type\":\"none\"} | {\"type\":\"yarn\",\"factor\":2,\"turns_kept\":1,\"turns_divided\":2}"
                        + " | turns_kept: expected a number of at least turns_divided 2.0, found 1.0",
                "{\"type\":\"none\"} | {\"type\":\"longrope\",\"short_factors\":[1,2]}"
                        + " | short_factors: expected a number above 0 for each of 1 pairs, found [1.0, 2.0]",
                "\"epsilon\":1.0E-5 | \"epsilon\":0 | epsilon: expected a number above 0",
                "\"key_value_heads\":2 | \"key_value_heads\":3 | key_value_heads: expected a divisor of heads 4, found 3",
                "\"dim\":2 | \"dim\":3 | dim: expected an even number, found 3",
                "\"dim\":2 | \"dim\":8 | dim",
                "\"type\":\"none\" | \"type\":\"dynamic\" | type: expected one of none, linear, llama3",
                "[\"query\" | [\"gate\" | biases: expected query, key, value or output, found gate"
            })
    void whatIsNotComputedIsRefusedByName(String old, String fresh, String message) {
        ObjectNode json =
                new MohawkFormat().write(models().findFirst().orElseThrow()).orElseThrow();
        String changed = json.toString().replace(old.strip(), fresh.strip());
        assertThat(changed).isNotEqualTo(json.toString());

        assertThatThrownBy(() -> new MohawkFormat().read(ConfigNode.parse("config.json", changed)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining(message);
    }

    /** Where there is a Python: it reads the classes that go beside the weights. */
    @Test
    void thePythonClassesCompile() throws IOException, InterruptedException {
        assumeThat(runs("python3", "--version")).isTrue();
        new MohawkFormat().companions().forEach((name, bytes) -> {
            try {
                Files.write(folder.resolve(name), bytes);
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });

        assertThat(runs("python3", "-m", "py_compile", "configuration_mohawk.py", "modeling_mohawk.py"))
                .isTrue();
    }

    private boolean runs(String... command) throws InterruptedException {
        try {
            Process process = new ProcessBuilder(command)
                    .directory(folder.toFile())
                    .inheritIO()
                    .start();
            return process.waitFor(1, TimeUnit.MINUTES) && process.exitValue() == 0;
        } catch (IOException e) {
            return false;
        }
    }
}
