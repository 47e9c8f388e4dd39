package org.mohawk4j.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.nn.RopeScaling;
import org.mohawk4j.nn.RotaryConfig;
import org.mohawk4j.safetensors.SafetensorsWriter;
import org.mohawk4j.safetensors.TensorSource;
import org.mohawk4j.safetensors.TensorSpec;
import org.mohawk4j.testing.Float64Test;

/** What each family takes for keys that are absent, and how it reads those of its own. */
class FamilyDefaultsTest extends Float64Test {
    @TempDir
    Path folder;

    private CausalLmConfig read(String config) {
        try {
            Files.writeString(folder.resolve("config.json"), config.replace('\'', '"'));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return ModelFolder.config(folder);
    }

    private static SoftmaxAttention.Config attention(CausalLmConfig config, int layer) {
        return (SoftmaxAttention.Config) config.mixers().get(layer);
    }

    @ParameterizedTest
    @CsvSource({
        "llama, 4096, 32, 32, 32, 128, 1e-6, 10000, 0, false",
        "mistral, 4096, 32, 32, 8, 128, 1e-6, 10000, 4096, false",
        "qwen2, 4096, 32, 32, 32, 128, 1e-6, 10000, 0, false",
        "qwen3, 4096, 32, 32, 32, 128, 1e-6, 10000, 0, false",
        "smollm3, 2048, 36, 16, 4, 128, 1e-6, 2000000, 0, true",
        "phi3, 3072, 32, 32, 32, 96, 1e-5, 10000, 0, false",
        "gemma2, 2304, 26, 8, 4, 256, 1e-6, 10000, 4096, true",
        "gemma3_text, 2304, 26, 8, 4, 256, 1e-6, 10000, 4096, true",
        "olmo2, 4096, 32, 32, 32, 128, 1e-5, 10000, 0, false"
    })
    void whatIsAbsentIsAsInTransformers(
            String type,
            long width,
            int layers,
            int heads,
            int keyValueHeads,
            int headDim,
            double epsilon,
            double theta,
            long window,
            boolean tied) {
        CausalLmConfig config = read("{'model_type': '" + type + "'}");

        SoftmaxAttention.Config first = attention(config, 0);
        assertThat(config.width()).isEqualTo(width);
        assertThat(config.layers()).isEqualTo(layers);
        assertThat(first.heads()).isEqualTo(heads);
        assertThat(first.keyValueHeads()).isEqualTo(keyValueHeads);
        assertThat(first.headDim()).isEqualTo(headDim);
        assertThat(config.block().norm().epsilon()).isEqualTo(epsilon);
        assertThat(first.rotary()).isEqualTo(new RotaryConfig(headDim, theta));
        assertThat(first.scores().window()).isEqualTo(window);
        assertThat(config.head().tied()).isEqualTo(tied);
    }

    /** Layers with a window, of eight. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'model_type': 'mistral', 'sliding_window': null | ........",
                "'model_type': 'mistral' | xxxxxxxx",
                "'model_type': 'qwen2', 'use_sliding_window': true, 'max_window_layers': 5 | .....xxx",
                "'model_type': 'qwen2', 'sliding_window': 9, 'max_window_layers': 5 | ........",
                "'model_type': 'qwen3', 'use_sliding_window': true, 'sliding_window': null | ........",
                "'model_type': 'phi3', 'sliding_window': 2047 | xxxxxxxx",
                "'model_type': 'gemma2' | x.x.x.x.",
                "'model_type': 'gemma3_text' | xxxxx.xx",
                "'model_type': 'gemma3_text', 'sliding_window_pattern': 3 | xx.xx.xx",
                "'model_type': 'smollm3', 'use_sliding_window': true, 'sliding_window': 8 | ...x...x",
                "'model_type': 'smollm3', 'sliding_window': 8 | ........",
                "'model_type': 'gemma2', 'layer_types': ['full_attention', 'full_attention', 'full_attention', 'full_attention', 'full_attention', 'full_attention', 'full_attention', 'sliding_attention'] | .......x"
            })
    void windowsAreInTheLayersThatTransformersGivesThem(String keys, String expected) {
        CausalLmConfig config = read("{" + keys + ", 'num_hidden_layers': 8}");

        StringBuilder windows = new StringBuilder();
        for (int layer = 0; layer < 8; layer++) {
            windows.append(attention(config, layer).scores().window() > 0 ? 'x' : '.');
        }
        assertThat(windows).hasToString(expected);
    }

    @Test
    void everyFourthLayerOfSmolLm3TurnsNothing() {
        CausalLmConfig config = read("{'model_type': 'smollm3'}");
        for (int layer = 0; layer < config.layers(); layer++) {
            assertThat(attention(config, layer).rotary().dim()).isEqualTo(layer % 4 == 3 ? 0 : 128);
        }
    }

    /** Phi-4-mini's head dimension, three quarters of which turn, and early Phi-3's name for LongRoPE. */
    @ParameterizedTest
    @ValueSource(strings = {"longrope", "su", "yarn", "su', 'rope_type': 'longrope"})
    void phi3HasLongRopeByAnyOfItsNames(String type) {
        CausalLmConfig config = read("{'model_type': 'phi3', 'hidden_size': 16, 'num_attention_heads': 2,"
                + " 'partial_rotary_factor': 0.75, 'max_position_embeddings': 131072, 'rope_scaling': {'type': '" + type
                + "', 'short_factor': [1, 2, 3], 'long_factor': [4, 5, 6]}}");

        RotaryConfig rotary = attention(config, 0).rotary();
        assertThat(rotary.dim()).isEqualTo(6);
        RopeScaling.LongRope scaling = (RopeScaling.LongRope) rotary.scaling();
        assertThat(scaling.originalPositions()).isEqualTo(4096);
        assertThat(scaling.attentionFactor()).isCloseTo(Math.sqrt(1 + Math.log(32) / Math.log(4096)), within(1e-12));
    }

    @Test
    void yarnTakesItsSettingsWhereTransformersDoes() {
        String yarn =
                "{'model_type': 'llama', 'max_position_embeddings': 64, 'rope_scaling': {'rope_type': 'yarn', 'factor': 4%s}}";
        assertThat(attention(read(yarn.formatted("")), 0).rotary().scaling())
                .isEqualTo(new RopeScaling.Yarn(4, 32, 1, true, 64, 0.1 * Math.log(4) + 1));
        String more = ", 'beta_fast': 16, 'beta_slow': 2, 'truncate': false, 'original_max_position_embeddings': 8,"
                + " 'mscale': 0.5, 'mscale_all_dim': 2";
        assertThat(attention(read(yarn.formatted(more)), 0).rotary().scaling())
                .isEqualTo(
                        new RopeScaling.Yarn(4, 16, 2, false, 8, (0.05 * Math.log(4) + 1) / (0.2 * Math.log(4) + 1)));
        assertThat(attention(read(yarn.formatted(", 'attention_factor': 1.5")), 0)
                        .rotary()
                        .scaling()
                        .attentionFactor())
                .isEqualTo(1.5);
    }

    /** √D as bfloat16 has it. */
    @Test
    void gemmasEmbeddingIsScaledAsItsTypeRoundsTheScale() {
        String gemma = "{'model_type': 'gemma2', 'hidden_size': 3072, 'num_attention_heads': 16%s}";
        assertThat(read(gemma.formatted("")).embeddingScale()).isEqualTo((float) Math.sqrt(3072));
        assertThat(read(gemma.formatted(", 'torch_dtype': 'bfloat16'")).embeddingScale())
                .isEqualTo(55.5);
        assertThat(read(gemma.formatted(", 'dtype': 'bfloat16'")).embeddingScale())
                .isEqualTo(55.5);
    }

    /** As the larger ones are kept: the language model under names of its own, beside one for images. */
    @ParameterizedTest
    @CsvSource({"language_model.model., language_model.", "model.language_model., ''"})
    void theLanguageModelOfALargerGemma3IsRead(String prefix, String ofHead) throws IOException {
        Path plain = Path.of(System.getProperty("mohawk.golden"))
                .resolveSibling("golden-families")
                .resolve("gemma3/teacher");
        String text = Files.readString(plain.resolve("config.json"));
        Files.writeString(
                folder.resolve("config.json"),
                "{\"model_type\": \"gemma3\", \"torch_dtype\": \"float32\", \"vision_config\": {\"hidden_size\": 8},"
                        + " \"text_config\": " + text + "}");
        try (TensorSource source = TensorSource.open(plain)) {
            var specs = source.names().stream()
                    .map(name -> new TensorSpec(
                            name.replaceFirst("^model\\.", prefix),
                            source.tensor(name).dtype(),
                            source.info(name).shape()))
                    .collect(java.util.stream.Collectors.toList());
            specs.add(TensorSpec.of("vision_tower.x", source.tensor("model.norm.weight")));
            specs.add(TensorSpec.of(ofHead + "lm_head.weight", source.tensor("model.embed_tokens.weight")));
            try (SafetensorsWriter writer =
                    SafetensorsWriter.create(folder.resolve("model.safetensors"), specs, SafetensorsWriter.PYTORCH)) {
                for (String name : source.names()) {
                    writer.write(name.replaceFirst("^model\\.", prefix), source.tensor(name));
                }
                writer.write("vision_tower.x", source.tensor("model.norm.weight"));
                writer.write(ofHead + "lm_head.weight", source.tensor("model.embed_tokens.weight"));
                writer.commit();
            }
        }

        try (CausalLm nested = ModelFolder.load(engine(), folder);
                CausalLm flat = ModelFolder.load(engine(), plain)) {
            assertThat(nested.config()).isEqualTo(flat.config());
            flat.parameters()
                    .forEach((name, parameter) -> assertThat(
                                    nested.parameters().get(name).value().toDoubles())
                            .isEqualTo(parameter.value().toDoubles()));
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'model_type': 'mixtral', 'num_local_experts': 8 | num_local_experts: expected none, since a mixture of experts is not computed, found 8",
                "'model_type': 'qwen3_moe', 'num_experts': 128 | num_experts: expected none, since a mixture of experts",
                "'model_type': 'qwen2_vl', 'vision_config': {} | vision_config: expected none, since vision parts are not computed",
                "'model_type': 'phi', 'quantization_config': {'quant_method': 'awq', 'bits': 4} | found awq with 4 bits",
                "'model_type': 'llama', 'quantization_config': {'quant_method': 'bitsandbytes', 'load_in_8bit': true} | found bitsandbytes with 8 bits",
                "'model_type': 'llama', 'quantization_config': {'quant_method': 'fp8'} | found fp8",
                "'model_type': 'gemma3_text', 'use_bidirectional_attention': true | use_bidirectional_attention: expected false",
                "'model_type': 'gemma2', 'layer_types': ['full_attention'] | layer_types: expected one for each of 26 layers, found 1",
                "'model_type': 'qwen2', 'use_sliding_window': true, 'num_hidden_layers': 1, 'layer_types': ['chunked_attention'] | layer_types: expected full_attention or sliding_attention, which are computed, found chunked_attention",
                "'model_type': 'smollm3', 'no_rope_layers': [1, 2] | no_rope_layers: expected 0 or 1 for each layer",
                "'model_type': 'phi3', 'rope_scaling': {'type': 'longrope', 'short_factor': [1], 'long_factor': [1]} | short_factor: expected a number above 0 for each of 48 pairs of entries",
                "'model_type': 'olmo2', 'hidden_act': 'gelu' | hidden_act: expected one of"
            })
    void whatIsNotComputedIsRefusedByName(String keys, String complaint) {
        assertThatThrownBy(() -> read("{" + keys + "}"))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining(folder.resolve("config.json").toString())
                .hasMessageContaining(complaint)
                .message()
                .doesNotContain("\n");
    }

    @Test
    void aHeadThatIsNeitherThereNorTiedIsMissing() throws IOException {
        Path tied = Path.of(System.getProperty("mohawk.golden"))
                .resolveSibling("golden-families")
                .resolve("llama-tied/teacher");
        String config = Files.readString(tied.resolve("config.json"));
        Files.writeString(
                folder.resolve("config.json"),
                config.replace("\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false"));
        Files.copy(tied.resolve("model.safetensors"), folder.resolve("model.safetensors"));

        assertThatThrownBy(() -> ModelFolder.load(engine(), folder))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("tensor lm_head.weight is missing, and the configuration does not tie the head");
    }
}
