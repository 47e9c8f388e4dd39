package org.mohawk4j.models.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.safetensors.TensorSource;
import org.mohawk4j.tensor.Engine;

class ComponentsFormatTest {
    private static final Path GOLDEN =
            Path.of(System.getProperty("mohawk.golden", "../src/test/golden")).resolveSibling("golden-families");

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

    private static String config() throws IOException {
        return Files.readString(GOLDEN.resolve("llama/mamba/config.json"));
    }

    private static CausalLmConfig read(String json) {
        return new ComponentsFormat().read(ConfigNode.parse("config.json", json));
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama/mamba", "llama/teacher", "llama-tied/teacher"})
    void aModelThatIsLoadedAndSavedHasEqualBytes(String name) {
        Path saved = folder.resolve("saved");
        try (CausalLm model = ModelFolder.load(engine, GOLDEN.resolve(name))) {
            ModelFolder.save(model, saved);

            assertThat(ModelFolder.config(saved)).isEqualTo(model.config());
        }
        requireEqual(GOLDEN.resolve(name), saved);
    }

    private static void requireEqual(Path expected, Path actual) {
        try (TensorSource original = TensorSource.open(expected);
                TensorSource written = TensorSource.open(actual)) {
            assertThat(written.names()).containsExactlyInAnyOrderElementsOf(original.names());
            for (String tensor : original.names()) {
                assertThat(written.tensor(tensor).data())
                        .isEqualTo(original.tensor(tensor).data());
            }
        }
    }

    /** Layer 1 keeps its attention, whose tensors stand under {@code mixer.self_attn.}; the head is the embedding. */
    @Test
    void aHybridWithATiedHeadIsSavedAndLoaded() {
        MixerPlan plan;
        try (CausalLm teacher = ModelFolder.load(engine, GOLDEN.resolve("llama-tied/teacher"))) {
            plan = MixerPlan.replacing(
                    teacher.config(), own -> new DiscreteMamba2.Config(32, 48, 4, 2, 16, 4, 16), List.of(1));
            try (CausalLm student = plan.student(teacher, new SplittableRandom(0))) {
                ModelFolder.save(student, folder.resolve("first"));
            }
        }
        assertThat(ModelFolder.format(folder.resolve("first"))).isInstanceOf(ComponentsFormat.class);
        try (CausalLm loaded = ModelFolder.load(engine, folder.resolve("first"))) {
            assertThat(loaded.config().mixers()).isEqualTo(plan.mixers());
            assertThat(loaded.config().head().tied()).isTrue();
            ModelFolder.save(loaded, folder.resolve("second"));
        }
        requireEqual(folder.resolve("first"), folder.resolve("second"));
        try (TensorSource written = TensorSource.open(folder.resolve("first"))) {
            assertThat(written.names())
                    .contains(
                            "backbone.embedding.weight",
                            "backbone.layers.0.mixer.in_proj.weight",
                            "backbone.layers.1.mixer.self_attn.o_proj.weight",
                            "backbone.layers.2.mlp.gate_proj.weight")
                    .doesNotContain("lm_head.weight");
        }
    }

    /** A hybrid of Qwen 2, whose attention has biases; one with a window is more than the components can say. */
    @Test
    void aHybridOfQwen2HasItsClasses() throws IOException {
        for (String family : new String[] {"qwen2", "qwen2-window"}) {
            Path saved = folder.resolve(family);
            CausalLmConfig config = ModelFolder.config(GOLDEN.resolve(family + "/teacher"));
            MixerPlan plan =
                    MixerPlan.replacing(config, own -> new DiscreteMamba2.Config(32, 32, 4, 2, 16, 4, 16), List.of(1));
            try (CausalLm teacher = ModelFolder.load(engine, GOLDEN.resolve(family + "/teacher"));
                    CausalLm student = plan.student(teacher, new SplittableRandom(0))) {
                ModelFolder.save(student, saved);
            }
            assertThat(ModelFolder.config(saved)).isEqualTo(config.withMixers(plan.mixers()));
            assertThat(Files.readString(saved.resolve("config.json")).contains("\"Qwen2Attention\""))
                    .isEqualTo(family.equals("qwen2"));
        }
        assertThat(Files.readString(folder.resolve("qwen2/config.json"))).contains("Qwen2Model", "Qwen2Block");
        try (TensorSource written = TensorSource.open(folder.resolve("qwen2"))) {
            assertThat(written.names())
                    .contains("backbone.layers.1.mixer.self_attn.q_proj.bias")
                    .doesNotContain("backbone.layers.1.mixer.self_attn.o_proj.bias");
        }
    }

    /** goombalab's model computes the rotary embedding from its own input, and its mixer fails without an initializer. */
    @Test
    void whatGoombalabsClassesNeedIsWritten() throws IOException {
        CausalLmConfig config = ModelFolder.config(GOLDEN.resolve("qwen2/teacher"));
        MixerPlan plan =
                MixerPlan.replacing(config, own -> new DiscreteMamba2.Config(32, 32, 4, 2, 16, 4, 16), List.of(1));

        JsonNode model = new ComponentsFormat()
                .write(config.withMixers(plan.mixers()))
                .orElseThrow()
                .at("/ComponentsConfig/MixerModel");

        assertThat(model.at("/input/head_dim").asInt()).isEqualTo(8);
        assertThat(model.at("/input/rope_theta").asDouble()).isEqualTo(1e6);
        JsonNode golden = new ObjectMapper().readTree(config()).at("/ComponentsConfig/MixerModel/Blocks/0/Layer/input");
        for (String key : List.of("z", "convolution", "out")) {
            assertThat(model.at("/Blocks/0/Layer/input/initializer/" + key))
                    .as(key)
                    .isEqualTo(golden.at("/initializer/" + key));
        }
    }

    /** The model computes the rotary embedding of all its layers, whatever stands in one of them. */
    @Test
    void anAttentionTurnsAsTheModelSays() throws IOException {
        String attention = "{\"name\": \"LlamaAttention\", \"input\": {\"num_attention_heads\": 4,"
                + " \"num_key_value_heads\": 2, \"rope_theta\": 3}}";
        int from = config().indexOf("{", config().indexOf("\"Layer\""));
        String json = config().substring(0, from) + attention + "}]}}}";

        assertThat(read(json).mixers().get(0))
                .isEqualTo(ModelFolder.config(GOLDEN.resolve("llama/teacher"))
                        .mixers()
                        .get(0));
    }

    @Test
    void theComponentsMayStandAlone() throws IOException {
        String bare = config().strip();
        bare = bare.substring(bare.indexOf("{", 1), bare.length() - 1);
        ConfigNode node = ConfigNode.parse("config.json", bare);

        assertThat(new ComponentsFormat().accepts(node)).isTrue();
        assertThat(new ComponentsFormat().read(node)).isEqualTo(read(config()));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"norm_cls\": \"none\" | \"norm_cls\": \"rms\" | norm_cls: expected none, the only one supported, found rms",
                "\"norm_cls\": \"none\" | \"_\": 1 | norm_cls is missing",
                "\"activation\": \"identity\" | \"activation\": \"swish\" | activation: expected identity, the only one supported, found swish",
                "\"d_inner\": 32 | \"d_inner\": 34 | n_v_heads: expected a divisor of the inner width 34, found 4",
                "\"d_state\": 16 | \"d_state\": 2147483647 | d_state: expected at most 2147483647 entries of all groups together, found 2147483647",
                "\"n_layer\": 3 | \"n_layer\": 4 | n_layer: expected 3, as the blocks add up to, found 4",
                "\"LlamaModel\" | \"PhiModel\" | name: expected one of LlamaModel, Qwen2Model, found PhiModel",
                "\"LlamaBlock\" | \"MambaPhi\" | name: expected one of LlamaBlock, Qwen2Block, found MambaPhi",
                "\"DiscreteMamba2\" | \"DiscreteMamba2Rotary\" | found DiscreteMamba2Rotary",
                "\"lm_head_prenorm\": \"rms\" | \"lm_head_prenorm\": \"layer\" | lm_head_prenorm: expected rms, the only one supported"
            })
    void whatIsNotComputedIsRefusedByName(String old, String fresh, String message) throws IOException {
        String json = config().replace(old, fresh);
        assertThat(json).isNotEqualTo(config());
        assertThatThrownBy(() -> read(json))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining(message);
    }
}
