package org.mohawk4j.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.nn.RopeScaling;
import org.mohawk4j.nn.RotaryConfig;

class RopeFormatTest {
    @TempDir
    Path folder;

    /** Where the settings of an attention stand. */
    enum Form {
        TEACHER("{\"model_type\": \"phi\", \"vocab_size\": 8, \"hidden_size\": 64, \"num_hidden_layers\": 1,"
                + " \"num_attention_heads\": 2%s}"),
        HYBRID("{\"LanguageModel\": {\"input\": {\"vocab_size\": 8}}, \"MixerModel\": {\"input\": {\"d_model\": 64}},"
                + " \"Block1\": {\"n_layers\": 1, \"CoreType\": \"modules.mixers.phi_attention\","
                + " \"core_input\": {\"num_attention_heads\": 2%s}}}");

        private final String json;

        Form(String json) {
            this.json = json;
        }
    }

    private SoftmaxAttention.Config read(Form form, String settings) {
        try {
            Files.writeString(
                    folder.resolve("config.json"),
                    form.json.formatted(settings.isEmpty() ? "" : ", " + settings.replace('\'', '"')));
        } catch (IOException e) {
            throw new AssertionError("a folder for temporary files", e);
        }
        return (SoftmaxAttention.Config) ModelFolder.config(folder).mixers().get(0);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "``|10000|16",
                "'rope_theta': 5e5, 'partial_rotary_factor': 0.25|500000|8",
                "'rope_parameters': {'rope_theta': 5e5, 'partial_rotary_factor': 0.25}|500000|8",
                "'rope_parameters': {'rope_type': 'default', 'rope_theta': 5e5}|500000|16",
                "'rope_parameters': {'rope_type': 'default'}, 'rope_theta': 5e5|500000|16",
                "'rope_parameters': {'partial_rotary_factor': 0.25}, 'rope_theta': 5e5|500000|8",
                "'rope_parameters': {'rope_theta': 5e5}, 'partial_rotary_factor': 0.25|500000|8",
                "'rope_parameters': {'rope_theta': 5e5}, 'rope_theta': 1e4|500000|16",
                "'rope_parameters': {}, 'rope_theta': 5e5|500000|16",
                "'rope_parameters': null, 'rope_theta': 5e5|500000|16",
                "'rope_scaling': null|10000|16",
                "'rope_scaling': {}|10000|16",
                "'rope_scaling': {'rope_type': 'default'}, 'rope_theta': 5e5|500000|16",
                "'rope_scaling': {'type': 'default'}|10000|16",
                "'rope_scaling': {'rope_type': null}|10000|16",
                "'rope_scaling': {'rope_type': 'default', 'rope_theta': 5e5}|500000|16",
                "'rope_scaling': {'type': 'default'}, 'rope_parameters': {'rope_theta': 5e5}|500000|16",
                "'rope_scaling': {'rope_theta': 5e5}, 'rope_parameters': {'rope_theta': 500000}|500000|16",
            })
    void bothSchemasSayTheSame(String settings, double theta, int rotaryDim) {
        for (Form form : Form.values()) {
            SoftmaxAttention.Config attention = read(form, settings);

            assertThat(attention.rotary().theta()).as("theta in %s", form).isEqualTo(theta);
            assertThat(attention.rotary().dim()).as("rotary in %s", form).isEqualTo(rotaryDim);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "'rope_parameters': {'rope_type': 'linear', 'factor': 4.0}",
                "'rope_parameters': {'type': 'linear', 'factor': 4}, 'rope_theta': 1e4",
                "'rope_scaling': {'type': 'linear', 'factor': 4}",
                "'rope_scaling': {'rope_type': 'linear', 'factor': 4}, 'rope_parameters': {'rope_theta': 1e4}",
                "'rope_scaling': {'type': 'linear', 'rope_type': 'linear', 'factor': 4}",
            })
    void linearScalingIsReadInBothSchemas(String settings) {
        for (Form form : Form.values()) {
            assertThat(read(form, settings).rotary())
                    .as("%s in %s", settings, form)
                    .isEqualTo(new RotaryConfig(16, 1e4, new RopeScaling.Linear(4)));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"dynamic", "mrope", "Default", ""})
    void scalingThatIsNotComputedIsRefusedByName(String type) {
        for (Form form : Form.values()) {
            for (String section : new String[] {"rope_scaling", "rope_parameters"}) {
                for (String key : new String[] {"rope_type", "type"}) {
                    refused(
                            form,
                            "'" + section + "': {'" + key + "': '" + type + "', 'factor': 4.0, 'rope_theta': 1e4}",
                            section + ": " + key
                                    + ": expected one of default, linear, llama3, yarn, longrope, which are computed, found"
                                    + (type.isEmpty() ? "" : " " + type));
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "'rope_scaling': {'factor': 2.0}|rope_scaling: rope_type is missing",
                "'rope_parameters': {'factor': 2.0}|rope_parameters: rope_type is missing",
                "'rope_scaling': 'linear'|rope_scaling: expected a JSON object",
                "'rope_scaling': 2.0|rope_scaling: expected a JSON object",
                "'rope_scaling': []|rope_scaling: expected a JSON object",
                "'rope_parameters': false|rope_parameters: expected a JSON object",
                "'rope_parameters': {'rope_type': 3}|rope_type: expected",
                "'rope_parameters': {'rope_type': ['default']}|rope_type: expected",
                "'rope_parameters': {'rope_theta': '1e4'}|rope_theta: expected a finite number",
                "'rope_parameters': {'rope_theta': 0}|rope_theta: expected a number above 0",
                "'rope_parameters': {'partial_rotary_factor': true}|partial_rotary_factor: expected a finite number",
                "'rope_parameters': {'partial_rotary_factor': 1.5}|partial_rotary_factor: expected an even share",
                "'rope_parameters': {'rope_type': 'default', 'factor': '2'}|factor: expected a finite number",
                "'rope_parameters': {'full_attention': {'rope_type': 'default'}}|full_attention: expected settings"
                        + " for all layers",
                "'rope_scaling': {'rope_type': 'default', 'type': 'linear'}|type: expected",
                "'rope_scaling': {'type': 'linear', 'factor': 2}, 'rope_parameters': {'rope_type': 'linear',"
                        + " 'factor': 4}|factor: expected the same as in rope_parameters",
                "'rope_scaling': {'type': 'default'}, 'rope_parameters': {'rope_type': 'linear', 'factor': 4}|type: expected the one type of scaling that"
                        + " is named, linear",
                "'rope_scaling': {'rope_theta': 1e4}, 'rope_parameters': {'rope_theta': 2e4}|rope_theta: expected the"
                        + " same as in rope_parameters",
            })
    void whatContradictsItselfOrIsNoSettingIsRefused(String settings, String complaint) {
        for (Form form : Form.values()) {
            refused(form, settings, complaint);
        }
    }

    private void refused(Form form, String settings, String complaint) {
        assertThatThrownBy(() -> read(form, settings))
                .as("%s in %s", settings, form)
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining(folder.resolve("config.json").toString())
                .hasMessageContaining(complaint)
                .message()
                .doesNotContain("\n");
    }
}
