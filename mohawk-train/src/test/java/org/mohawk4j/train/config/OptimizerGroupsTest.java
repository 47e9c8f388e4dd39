package org.mohawk4j.train.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.optimizer.ParameterGroup;

/** The key {@code optimizer.groups}. */
class OptimizerGroupsTest {
    private static final String YAML = """
            optimizer:
              groups:
              - parameters: ['*.mixer.z_bias', '*.in_proj.weight[z]']
                learning-rate-factor: 10
              - parameters: ['*.mixer.*']
                learning-rate-factor: 0.5
                weight-decay: 0.0
            """;

    private static List<ParameterGroup> groups(DistillConfig config) {
        return config.learning().optimizer().groups();
    }

    @Test
    void groupsAreReadAndWrittenTheSame() {
        DistillConfig config = DistillConfigYaml.parse("test", YAML);

        assertThat(groups(config))
                .containsExactly(
                        new ParameterGroup(List.of("*.mixer.z_bias", "*.in_proj.weight[z]"), 10, Optional.empty()),
                        new ParameterGroup(List.of("*.mixer.*"), 0.5, Optional.of(0.0)));
        String written = DistillConfigYaml.format(config);
        assertThat(written).contains("learning-rate-factor: 10.0").doesNotContain("weight-decay: null");
        assertThat(DistillConfigYaml.parse("test", written)).isEqualTo(config);
    }

    @Test
    void theDefaultGroupMayNameWhatAMixerDoesNotHave() {
        OptimizerConfig defaults = DistillConfig.defaults().learning().optimizer();

        assertThat(defaults.groups())
                .singleElement()
                .satisfies(group -> assertThat(group.learningRateFactor()).isEqualTo(8));
        assertThat(defaults.givenGroups()).isEmpty();
        assertThat(DistillConfigYaml.parse("test", YAML).learning().optimizer().givenGroups())
                .hasSize(2);
    }

    @Test
    void aRunOfAVersionWithoutGroupsHasNone() {
        String old = "optimizer: {weight-decay: 0.1}";

        assertThat(groups(DistillConfigYaml.parseRun("test", old))).isEmpty();
        assertThat(groups(DistillConfigYaml.parse("test", old))).hasSize(1);
    }

    @Test
    void factorsOfACommandLineTakeTheGroupsPlace() {
        DistillConfig config = DistillConfigYaml.parse("test", YAML)
                .with(Map.of("optimizer.lr-factor", List.of("*.D=4", "*.weight[a=b]=1e-1")));

        assertThat(groups(config))
                .containsExactly(new ParameterGroup("*.D", 4), new ParameterGroup("*.weight[a=b]", 0.1));
    }

    @Test
    void aChangeIsTold() {
        DistillConfig before = DistillConfig.defaults();
        DistillConfig after = before.with(Map.of("optimizer.lr-factor", List.of("*.D=4")));

        assertThat(ConfigChanges.between(before, after))
                .singleElement()
                .asString()
                .startsWith("optimizer.groups was [{\"parameters\":[\"*.mixer.z_bias\"")
                .contains("}], is [{\"parameters\":[\"*.D\"]");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{groups: 3} | optimizer.groups: expected a list, got 3",
                "{groups: [3]} | optimizer.groups[0]: expected the keys parameters, learning-rate-factor, weight-decay, got 3",
                "{groups: [{}]} | optimizer.groups[0].parameters: expected names of parameters, got none",
                "{groups: [{parameters: ['*.D'], factor: 3}]} | optimizer.groups[0].factor: expected one of the keys"
                        + " parameters, learning-rate-factor, weight-decay, got an unknown key",
                "{groups: [{parameters: '*.D'}]} | optimizer.groups[0].parameters: expected a list, got '*.D'",
                "{groups: [{parameters: ['']}]} | optimizer.groups[0].parameters: expected names of parameters, got an"
                        + " empty one in []",
                "{groups: [{parameters: [a], learning-rate-factor: -1}]} | optimizer.groups[0].learning-rate-factor:"
                        + " expected a number of at least 0, got -1.0",
                "{groups: [{parameters: [a], learning-rate-factor: x}]} | optimizer.groups[0].learning-rate-factor:"
                        + " expected a number, got 'x'",
                "{groups: [{parameters: [a], learning-rate-factor: ~}]} | optimizer.groups[0].learning-rate-factor:"
                        + " expected a value, got nothing",
                "{groups: [{parameters: [a], weight-decay: -1}]} | optimizer.groups[0].weight-decay: expected a number of"
                        + " at least 0, got -1.0",
                "{lr-factor: ['*.D']} | optimizer.lr-factor: expected NAME=FACTOR, got '*.D'",
                "{lr-factor: ['=3']} | optimizer.lr-factor: expected NAME=FACTOR, got '=3'",
                "{lr-factor: ['*.D=x']} | optimizer.lr-factor: expected NAME=FACTOR, got '*.D=x'",
                "{lr-factor: ['*.D=-1']} | optimizer.lr-factor: expected a number of at least 0, got -1.0",
                "{lr-factor: ['*.D=1'], groups: []} | optimizer: expected groups or lr-factor, got both"
            })
    void aWrongGroupIsOneLine(String section, String message) {
        assertThatThrownBy(() -> DistillConfigYaml.parse("test", "optimizer: " + section))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("test: " + message);
    }
}
