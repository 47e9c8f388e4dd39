package org.mohawk4j.models.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.mixer.SoftmaxAttention.Biases;
import org.mohawk4j.models.BlockConfig;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.HeadConfig;
import org.mohawk4j.models.MlpConfig;
import org.mohawk4j.models.NormConfig;
import org.mohawk4j.models.SequentialBlock;
import org.mohawk4j.nn.RopeScaling;
import org.mohawk4j.nn.RotaryConfig;
import org.mohawk4j.op.Activation;

class LlamaFormatTest {
    private static final Path GOLDEN =
            Path.of(System.getProperty("mohawk.golden", "../src/test/golden")).resolveSibling("golden-families");
    private static final String LEAST = "\"model_type\": \"llama\", \"vocab_size\": 100, \"hidden_size\": 24,"
            + " \"intermediate_size\": 40, \"num_hidden_layers\": 2, \"num_attention_heads\": 4";

    private final LlamaFormat format = new LlamaFormat();

    private static ConfigNode json(String more) {
        return ConfigNode.parse("config.json", "{" + LEAST + more + "}");
    }

    private SoftmaxAttention.Config attention(String more) {
        return (SoftmaxAttention.Config) format.read(json(more)).mixers().get(0);
    }

    @Test
    void whatIsAbsentIsAsInTransformers() {
        CausalLmConfig config = format.read(json(""));

        assertThat(config.block())
                .isEqualTo(new BlockConfig(
                        SequentialBlock.PRE_NORM,
                        new NormConfig(NormConfig.Kind.RMS, 1e-6),
                        new MlpConfig(40, Activation.SILU, true, false)));
        assertThat(config.head()).isEqualTo(new HeadConfig(false, false));
        assertThat(config.maxPositions()).isEqualTo(2048);
        assertThat(config.mixers())
                .isEqualTo(Collections.nCopies(
                        2,
                        new SoftmaxAttention.Config(
                                24, 4, 4, 6, Biases.NONE, new RotaryConfig(6, 10_000), Optional.empty())));
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "llama-tied"})
    void bothFormsOfAConfigurationSayTheSame(String family) {
        CausalLmConfig hub = format.read(ConfigNode.read(GOLDEN.resolve(family + "/teacher/config.json")));
        CausalLmConfig newer =
                format.read(ConfigNode.read(GOLDEN.resolve(family + "/teacher-config-transformers5.json")));

        assertThat(newer).isEqualTo(hub);
        assertThat(hub.head().tied()).isEqualTo(family.equals("llama-tied"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ", \"head_dim\": 10, \"num_key_value_heads\": 2, \"attention_bias\": true, \"mlp_bias\": true",
                ", \"tie_word_embeddings\": true, \"hidden_act\": \"gelu_pytorch_tanh\", \"rms_norm_eps\": 1e-5",
                ", \"rope_theta\": 5e5, \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2}",
                ", \"rope_parameters\": {\"rope_theta\": 5e5, \"rope_type\": \"llama3\", \"factor\": 8,"
                        + " \"low_freq_factor\": 1, \"high_freq_factor\": 4, \"original_max_position_embeddings\": 32}"
            })
    void whatIsWrittenReadsTheSame(String more) {
        CausalLmConfig config = format.read(json(more));

        String written = format.write(config).orElseThrow().toString();

        assertThat(format.read(ConfigNode.parse("written", written))).isEqualTo(config);
    }

    @Test
    void rotarySettingsAreFoundWhereverTheyStand() {
        RopeScaling linear = new RopeScaling.Linear(4);
        assertThat(attention(", \"rope_theta\": 500").rotary()).isEqualTo(new RotaryConfig(6, 500));
        assertThat(attention(", \"rope_theta\": 500, \"rope_scaling\": null").rotary())
                .isEqualTo(new RotaryConfig(6, 500));
        assertThat(attention(", \"rope_theta\": 500, \"rope_scaling\": {\"rope_type\": \"default\"}")
                        .rotary())
                .isEqualTo(new RotaryConfig(6, 500));
        assertThat(attention(", \"rope_theta\": 500, \"rope_scaling\": {\"type\": \"linear\", \"factor\": 4.0}")
                        .rotary())
                .isEqualTo(new RotaryConfig(6, 500, linear));
        assertThat(attention(", \"rope_parameters\": {\"rope_type\": \"linear\", \"factor\": 4, \"rope_theta\": 500}")
                        .rotary())
                .isEqualTo(new RotaryConfig(6, 500, linear));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"num_key_value_heads\": 3 | num_key_value_heads: expected a divisor of num_attention_heads 4, found 3",
                "\"head_dim\": 2147483646 | head_dim: expected at most 2147483647 entries of all heads together, found 2147483646",
                "\"head_dim\": 5 | head_dim: expected an even number, since its entries turn in pairs, found 5",
                "\"partial_rotary_factor\": 0.34 | partial_rotary_factor: expected 1, since whole heads turn, found 2 of 6 entries",
                "\"hidden_act\": \"quick_gelu\" | hidden_act: expected one of [gelu_new, gelu_pytorch_tanh, relu, silu, swish], found quick_gelu",
                "\"tie_word_embeddings\": 1 | tie_word_embeddings: expected true or false, found 1",
                "\"rope_theta\": 0 | rope_theta: expected a number above 0, found 0.0",
                "\"rms_norm_eps\": 0 | rms_norm_eps: expected a number above 0, found 0.0",
                "\"rope_scaling\": {\"type\": \"dynamic\", \"factor\": 4} | rope_scaling: type: expected one of default, linear, llama3, yarn, longrope, which are computed, found dynamic",
                "\"rope_scaling\": {\"type\": \"linear\"} | rope_scaling: factor is missing",
                "\"rope_scaling\": {\"type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 4, \"high_freq_factor\": 4} | rope_scaling: high_freq_factor: expected a number above low_freq_factor 4.0, found 4.0"
            })
    void whatIsNotComputedIsRefusedByName(String more, String message) {
        assertThatThrownBy(() -> format.read(json(", " + more)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("config.json: " + message);
    }

    @Test
    void headsThatDoNotDivideTheWidthNeedAHeadDimension() {
        ConfigNode config = ConfigNode.parse("config.json", "{" + LEAST.replace("\": 4", "\": 5") + "}");
        assertThatThrownBy(() -> format.read(config))
                .hasMessage(
                        "config.json: num_attention_heads: expected a divisor of the width 24, or a head_dim, found 5");
    }

    @Test
    void aModelOfOtherPartsIsNoLlama() {
        CausalLmConfig config = format.read(json(""));
        SoftmaxAttention.Config phi = new SoftmaxAttention.Config(24, 4, 4, 2, 10_000);

        assertThat(format.write(config.withMixers(List.of(phi)))).isEmpty();
        assertThat(format.write(new CausalLmConfig(100, 24, 40, Activation.SILU, 1e-5, 64, config.mixers())))
                .isEmpty();
    }
}
