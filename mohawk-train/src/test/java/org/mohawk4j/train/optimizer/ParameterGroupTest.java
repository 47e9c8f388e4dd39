package org.mohawk4j.train.optimizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;

/** Learning rates and weight decays by name. The parameters are those of a discrete Mamba-2 of width 12 with two heads of 6. */
class ParameterGroupTest {
    private static final AdamW.Config USUAL = new AdamW.Config(0.9, 0.95, 1e-8, 0.1, 0);

    private Engine engine;

    @BeforeEach
    void open() {
        engine = Engine.open("nd4j", BackendOptions.defaults().withParameterType(DType.FLOAT64));
    }

    @AfterEach
    void close() {
        engine.close();
    }

    /** The parameters after three updates with the same gradients. */
    private Map<String, double[]> trained(AdamW.Config config, double rate) {
        try (DiscreteMamba2 mixer =
                        new DiscreteMamba2.Config(12, 2, 1, 5, 4, 8).create(engine, new SplittableRandom(1));
                AdamW optimizer = new AdamW(engine, config)) {
            Map<String, Parameter> parameters = mixer.parameters();
            for (int step = 1; step <= 3; step++) {
                Map<String, Tensor> gradients = new HashMap<>();
                SplittableRandom random = new SplittableRandom(step);
                parameters.forEach((name, parameter) -> gradients.put(
                        name,
                        engine.tensor(
                                random.doubles(parameter.shape().size(), -1, 1).toArray(),
                                parameter.shape().toArray())));
                optimizer.step(parameters, gradients, rate);
            }
            Map<String, double[]> values = new LinkedHashMap<>();
            parameters.forEach(
                    (name, parameter) -> values.put(name, parameter.value().toDoubles()));
            return values;
        }
    }

    private static AdamW.Config with(ParameterGroup... groups) {
        return USUAL.withGroups(List.of(groups));
    }

    @Test
    void eachGroupMovesAsInARunOfItsOwn() {
        Map<String, double[]> both =
                trained(with(new ParameterGroup("D", 10), new ParameterGroup("out_proj.*", 0.25)), 1e-2);
        Map<String, double[]> fast = trained(USUAL, 10 * 1e-2);
        Map<String, double[]> slow = trained(USUAL, 0.25 * 1e-2);
        Map<String, double[]> usual = trained(USUAL, 1e-2);

        assertThat(both.get("D")).isEqualTo(fast.get("D")).isNotEqualTo(usual.get("D"));
        assertThat(both.get("out_proj.weight"))
                .isEqualTo(slow.get("out_proj.weight"))
                .isNotEqualTo(usual.get("out_proj.weight"));
        assertThat(both.get("z_bias")).isEqualTo(usual.get("z_bias"));
        assertThat(both.get("in_proj.weight")).isEqualTo(usual.get("in_proj.weight"));
    }

    /** in_proj is [12 + 5 + 5 + 12 + 2, 12]: x, B, C, z, A_log. */
    @Test
    void sectionsOfAParameterMoveAtRatesOfTheirOwn() {
        Map<String, double[]> grouped = trained(
                with(new ParameterGroup("*.weight[z]", 10), new ParameterGroup("in_proj.weight[A_log]", 0)), 1e-2);
        Map<String, double[]> usual = trained(USUAL, 1e-2);
        Map<String, double[]> fast = trained(USUAL, 1e-1);
        Map<String, double[]> still = trained(USUAL, 0);

        for (int i = 0; i < 36 * 12; i++) {
            int row = i / 12;
            Map<String, double[]> expected = row < 22 ? usual : row < 34 ? fast : still;
            assertThat(grouped.get("in_proj.weight")[i]).as("row " + row).isEqualTo(expected.get("in_proj.weight")[i]);
        }
        assertThat(grouped.get("conv1d.weight")).isEqualTo(usual.get("conv1d.weight"));
    }

    @Test
    void theFirstGroupThatNamesAParameterCounts() {
        Map<String, double[]> grouped = trained(
                with(
                        new ParameterGroup("in_proj.weight[x]", 2),
                        new ParameterGroup("in_proj.*", 3),
                        new ParameterGroup("*", 4)),
                1e-2);
        Map<String, double[]> two = trained(USUAL, 2e-2);
        Map<String, double[]> three = trained(USUAL, 3e-2);
        Map<String, double[]> four = trained(USUAL, 4e-2);

        assertThat(grouped.get("in_proj.weight")[0]).isEqualTo(two.get("in_proj.weight")[0]);
        assertThat(grouped.get("in_proj.weight")[12 * 12]).isEqualTo(three.get("in_proj.weight")[12 * 12]);
        assertThat(grouped.get("D")).isEqualTo(four.get("D"));
    }

    @Test
    void weightDecayOfAGroupIsThatOfItsVectorsToo() {
        ParameterGroup decayed = new ParameterGroup(List.of("z_bias"), 1, Optional.of(0.5));
        ParameterGroup bare = new ParameterGroup(List.of("out_proj.weight"), 1, Optional.of(0.0));

        Map<String, double[]> grouped = trained(with(decayed, bare), 1e-2);

        assertThat(grouped.get("z_bias")).isNotEqualTo(trained(USUAL, 1e-2).get("z_bias"));
        assertThat(grouped.get("out_proj.weight"))
                .isEqualTo(trained(USUAL.withWeightDecay(0), 1e-2).get("out_proj.weight"));
    }

    @Test
    void groupsOfFactorOneChangeNothing() {
        Map<String, double[]> grouped =
                trained(with(new ParameterGroup("in_proj.weight[C]", 1), new ParameterGroup("*", 1)), 1e-2);
        trained(USUAL, 1e-2)
                .forEach(
                        (name, values) -> assertThat(grouped.get(name)).as(name).isEqualTo(values));
    }

    @Test
    void namesThatNoParameterHasAreRefused() {
        try (DiscreteMamba2 mixer =
                new DiscreteMamba2.Config(12, 2, 1, 5, 4, 8).create(engine, new SplittableRandom(1))) {
            List<ParameterGroup> groups =
                    List.of(new ParameterGroup("conv1d.bias[B]", 2), new ParameterGroup("*.weight[dt]", 2));
            assertThatThrownBy(() -> ParameterGroup.requireFound("optimizer.groups", groups, mixer.parameters()))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessage("optimizer.groups[1].parameters: expected names of the student's parameters, such as"
                            + " z_bias, found none for *.weight[dt]");
        }
    }

    @Test
    void numbersOutOfRangeAreNamed() {
        assertThatThrownBy(() -> with(new ParameterGroup("D", -1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("AdamW: learning-rate factor of [D]: expected a number of at least 0, got -1.0");
        assertThatThrownBy(() -> with(new ParameterGroup(List.of("D"), 1, Optional.of(Double.NaN))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("AdamW: weight decay of [D]: expected a number of at least 0, got NaN");
    }
}
