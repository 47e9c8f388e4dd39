package org.mohawk4j.train.distributed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.train.metrics.StepMetrics;
import org.mohawk4j.train.optimizer.Sharding;

/** All three stages on one, two and four ranks. */
class DataParallelTest {
    private static RankedRun.Result alone;

    @BeforeAll
    static void runAlone() throws Exception {
        alone = new RankedRun().on(0);
    }

    private static void assertSame(RankedRun.Result found, RankedRun.Result expected, double tolerance) {
        assertThat(found.steps()).hasSameSizeAs(expected.steps());
        for (int i = 0; i < expected.steps().size(); i++) {
            StepMetrics one = found.steps().get(i);
            StepMetrics other = expected.steps().get(i);
            assertThat(one.position()).isEqualTo(other.position());
            assertThat(one.tokens()).isEqualTo(other.tokens());
            assertThat(one.loss()).as("loss of " + other.position()).isCloseTo(other.loss(), relative(other.loss(), tolerance));
            assertThat(one.gradientNorm())
                    .as("norm of " + other.position())
                    .isCloseTo(other.gradientNorm(), relative(other.gradientNorm(), tolerance));
        }
        expected.parameters()
                .forEach((name, values) -> assertThat(found.parameters().get(name))
                        .as(name)
                        .usingComparatorWithPrecision(tolerance)
                        .containsExactly(values));
    }

    private static org.assertj.core.data.Offset<Double> relative(double value, double tolerance) {
        return within(Math.abs(value) * tolerance);
    }

    @Test
    void oneRankIsTheRunWithoutRanks() throws Exception {
        RankedRun.Result one = new RankedRun().on(1);
        assertSame(one, alone, 0);
    }

    @Test
    void twoAndFourRanksAgreeWithOne() throws Exception {
        assertSame(new RankedRun().on(2), alone, 1e-9);
        assertSame(new RankedRun().on(4), alone, 1e-9);
    }

    @Test
    void theyAgreeWithMicroBatchesAndFrozenParametersAndWithoutASharedOptimizer() throws Exception {
        RankedRun run = new RankedRun();
        run.steps = 5;
        run.frozen = List.of("*.mlp.fc1.*", "embedding.weight");
        RankedRun.Result expected = run.on(0);
        run.accumulate = 2;
        assertSame(run.on(4), expected, 1e-9);
        run.sharding = Sharding::replicated;
        assertSame(run.on(2), expected, 1e-9);
    }

    @Test
    void theyAgreeInFloat32() throws Exception {
        RankedRun run = new RankedRun();
        run.type = DType.FLOAT32;
        run.steps = 4;
        RankedRun.Result expected = run.on(0);
        assertSame(run.on(2), expected, 1e-4);
        assertSame(run.on(4), expected, 1e-4);
    }

    @Test
    void anEqualNumberOfRanksGivesEqualBits() throws Exception {
        RankedRun run = new RankedRun();
        run.steps = 3;
        run.type = DType.FLOAT32;
        RankedRun.Result first = run.on(2);
        assertSame(run.on(2), first, 0);
    }
}
