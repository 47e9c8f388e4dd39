package org.mohawk4j.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.nn.Norm;
import org.mohawk4j.nn.RmsNorm;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.ResidualNormFunction.Normed;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.Float64Test;
import org.mohawk4j.testing.GradientCheck;
import org.mohawk4j.testing.HostArray;
import org.mohawk4j.testing.TensorAssert;

/** Blocks of every form, with every norm and MLP, in models with tied heads and with heads of their own. */
class BlockFormTest extends Float64Test {
    private static final MixerConfig ATTENTION = new SoftmaxAttention.Config(8, 2, 1, 2, 100);
    private static final MixerConfig MAMBA = new DiscreteMamba2.Config(8, 12, 2, 2, 4, 4, 8);

    private static final MlpConfig GATED = new MlpConfig(10, Activation.SILU, true, false);

    /** Every form, and with one of them each norm and MLP. */
    static Stream<BlockConfig> blocks() {
        NormConfig rms = new NormConfig(NormConfig.Kind.RMS, 1e-5);
        return Stream.of(
                new BlockConfig(ParallelBlock.FORM, rms, GATED),
                new BlockConfig(SequentialBlock.PRE_NORM, rms, GATED),
                new BlockConfig(SequentialBlock.POST_NORM, rms, GATED),
                new BlockConfig(
                        SequentialBlock.SANDWICH_NORM, new NormConfig(NormConfig.Kind.RMS_UNIT_OFFSET, 1e-5), GATED),
                new BlockConfig(
                        SequentialBlock.PRE_NORM,
                        new NormConfig(NormConfig.Kind.LAYER, 1e-5),
                        new MlpConfig(10, Activation.GELU_TANH, false, false)));
    }

    private static CausalLmConfig config(BlockConfig block, boolean tied, MixerConfig... mixers) {
        return new CausalLmConfig(20, 8, 32, block, new HeadConfig(tied, !tied), List.of(mixers));
    }

    private CausalLm model(CausalLmConfig config) {
        CausalLm model = new CausalLm(engine(), config, new SplittableRandom(0));
        model.parameters()
                .forEach((name, parameter) -> parameter.set(HostArray.random(parameter.shape(), name.hashCode())
                        .map(v -> 0.5 * v)
                        .toHostTensor()));
        return model;
    }

    @ParameterizedTest
    @MethodSource("blocks")
    void gradientsAreThoseOfFiniteDifferences(BlockConfig config) {
        for (MixerConfig mixer : List.of(ATTENTION, MAMBA)) {
            Block block = model(config(config, false, mixer)).blocks().get(0);
            new GradientCheck(engine()).module("block", block, block::forward, HostArray.random(Shape.of(2, 3, 8), 3));
        }
    }

    @ParameterizedTest
    @MethodSource("blocks")
    void allWaysThroughABlockAgree(BlockConfig config) {
        for (MixerConfig mixer : List.of(ATTENTION, MAMBA)) {
            Block block = model(config(config, false, mixer)).blocks().get(0);
            Norm next = new RmsNorm(engine(), 8, 1e-5, false);
            Tensor h = random(4, 2, 5, 8);
            Tensor whole = block.forward(h);
            Normed together = block.forward(new Normed(h, block.norm().apply(h)), next);
            TensorAssert.assertRelative("sum", together.sum(), whole, 1e-12);
            TensorAssert.assertRelative("next norm", together.normalized(), next.apply(whole), 1e-12);
            try (var state = block.mixer().newState(2)) {
                List<Tensor> positions = IntStream.range(0, 5)
                        .mapToObj(t -> block.forward(h.narrow(1, t, 1), state))
                        .toList();
                TensorAssert.assertRelative("position by position", Tensor.concat(1, positions), whole, 1e-12);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("blocks")
    void aModelGeneratesWhatItComputes(BlockConfig config) {
        for (boolean tied : new boolean[] {true, false}) {
            CausalLm model = model(config(config, tied, ATTENTION, MAMBA));
            Tensor ids = engine().indices(new int[] {3, 1, 4, 1, 5}, 1, 5);
            Tensor logits = model.logits(ids);
            TensorAssert.assertRelative(
                    "recomputed",
                    model.head(model.hiddenRecomputed(ids)).logits().reshape(1, 5, 20),
                    logits,
                    1e-12);
            try (InferenceCache state = model.newState(1)) {
                for (int t = 0; t < 5; t++) {
                    Tensor next = model.next(ids.narrow(1, t, 1), state);
                    TensorAssert.assertRelative(
                            "position " + t, next, logits.narrow(1, t, 1).reshape(1, 20), 1e-12);
                }
            }
        }
    }

    @Test
    void aTiedHeadIsAmongTheWeightsThatAreCast() {
        for (boolean tied : new boolean[] {true, false}) {
            CausalLm model = model(config(blocks().findFirst().orElseThrow(), tied, ATTENTION));
            assertThat(model.linearWeights().contains(model.parameters().get("embedding.weight")))
                    .isEqualTo(tied);
        }
    }

    @Test
    void aTiedHeadIsOneParameterWithOneGradient() {
        CausalLm model = model(config(blocks().findFirst().orElseThrow(), true, ATTENTION));
        assertThat(model.parameters()).containsKey("embedding.weight").doesNotContainKey("lm_head.weight");
        Tensor ids = engine().indices(new int[] {3, 1, 4, 1, 5}, 1, 5);
        new GradientCheck(engine())
                .module("tied", model, x -> model.logits(ids).mul(x), HostArray.random(Shape.of(1, 5, 20), 7));
    }

    @Test
    void aStudentHasItsTeachersBlocks() {
        BlockConfig block = blocks().skip(1).findFirst().orElseThrow();
        CausalLm teacher = model(config(block, true, ATTENTION, ATTENTION));
        MixerPlan plan = MixerPlan.replacing(teacher.config(), own -> MAMBA, List.of(1));
        CausalLm student = plan.student(teacher, new SplittableRandom(1));

        assertThat(student.blocks()).hasOnlyElementsOfType(SequentialBlock.class);
        for (String shared : List.of("embedding.weight", "layers.0.post_attention_layernorm.weight")) {
            assertThat(student.parameters().get(shared).value().toDoubles())
                    .isEqualTo(teacher.parameters().get(shared).value().toDoubles());
        }
    }

    @ParameterizedTest
    @MethodSource("blocks")
    void aFormThatNoFormatDescribesIsNotSaved(BlockConfig block) {
        BlockForm own = (engine, config, mixer, random) -> block.form().create(engine, config, mixer, random);
        CausalLmConfig config = config(new BlockConfig(own, block.norm(), block.mlp()), false, ATTENTION);
        assertThatThrownBy(() -> ModelFolder.requireSavable(config))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("no model format on the class path");
    }
}
