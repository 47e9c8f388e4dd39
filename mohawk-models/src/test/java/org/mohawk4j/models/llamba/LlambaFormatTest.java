package org.mohawk4j.models.llamba;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Collections;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.models.CausalLmConfig;

class LlambaFormatTest {
    /** The keys that Llamba's configuration class writes, with small numbers. */
    private static final String CONFIG = """
            {"model_type": "llamba", "vocab_size": 250, "pad_vocab_size_multiple": 8, "tie_embeddings": true,
             "lm_head_bias": false, "d_model": 32, "n_layer": 3, "resid_dropout": 0.0, "norm_epsilon": 1e-05,
             "mlp_cfg": {"intermediate_size": 88, "bias": false, "act_fn": "silu"},
             "ssm_cfg": {"d_state": 16, "n_v_heads": 8, "n_qk_heads": 4, "expand": 2, "chunk_size": 64,
                         "activation": "identity", "bias": false}}
            """;

    private static CausalLmConfig read(String json) {
        return new LlambaFormat().read(ConfigNode.parse("config.json", json));
    }

    @Test
    void dimensionsAreReadFromTheConfiguration() {
        CausalLmConfig config = read(CONFIG);

        assertThat(config.vocabulary()).isEqualTo(256);
        assertThat(config.head().tied()).isTrue();
        assertThat(config.block().norm().epsilon()).isEqualTo(1e-5);
        assertThat(config.block().mlp().width()).isEqualTo(88);
        assertThat(config.mixers())
                .isEqualTo(Collections.nCopies(3, new DiscreteMamba2.Config(32, 64, 8, 4, 16, 4, 64)));
    }

    @Test
    void whatIsWrittenReadsBack() {
        CausalLmConfig config = read(CONFIG);

        assertThat(read(new LlambaFormat().write(config).orElseThrow().toString()))
                .isEqualTo(config);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"norm_epsilon\": 1e-05 | \"norm_epsilon\": 1e-06 | norm_epsilon: expected 1.0E-5, as in the blocks",
                "\"activation\": \"identity\" | \"activation\": \"silu\" | activation: expected identity",
                "\"n_v_heads\": 8 | \"n_v_heads\": 7 | n_v_heads: expected a divisor of the inner width 64, found 7",
                "\"n_qk_heads\": 4 | \"n_qk_heads\": 3 | n_qk_heads: expected a divisor of n_v_heads 8, found 3",
                "\"d_state\": 16 | \"d_state\": 2147483647 | d_state: expected at most 2147483647 entries",
                "\"mlp_cfg\" | \"mlp\" | mlp_cfg"
            })
    void whatIsNotComputedIsRefusedByName(String old, String fresh, String message) {
        String json = CONFIG.replace(old, fresh);
        assertThat(json).isNotEqualTo(CONFIG);

        assertThatThrownBy(() -> read(json))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining(message);
    }
}
