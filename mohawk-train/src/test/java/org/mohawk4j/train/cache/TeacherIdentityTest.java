package org.mohawk4j.train.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.models.BlockConfig;
import org.mohawk4j.models.BlockForm;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.NormConfig;
import org.mohawk4j.models.ParallelBlock;
import org.mohawk4j.nn.RopeScaling;
import org.mohawk4j.nn.RotaryConfig;
import org.mohawk4j.op.Activation;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.train.NarrowProducts;
import org.mohawk4j.train.run.RunInputs;

/** Teachers whose parameters are the same to the bit, in float32. */
class TeacherIdentityTest {
    private static final RotaryConfig ROTARY = new RotaryConfig(4, 10_000);
    private static final NormConfig NORM = new NormConfig(NormConfig.Kind.LAYER, 1e-5);

    @TempDir
    private Path folder;

    private Engine engine;
    private Engine mixed;

    @BeforeEach
    void open() {
        engine = NarrowProducts.open(DType.FLOAT32, DType.FLOAT32);
        mixed = NarrowProducts.open(DType.FLOAT32, DType.BFLOAT16);
    }

    @AfterEach
    void close() {
        mixed.close();
        engine.close();
    }

    private static CausalLm teacher(Engine on, RotaryConfig rotary, NormConfig norm) {
        return teacher(on, rotary, norm, ParallelBlock.FORM);
    }

    private static CausalLm teacher(Engine on, RotaryConfig rotary, NormConfig norm, BlockForm form) {
        MixerConfig attention =
                new SoftmaxAttention.Config(8, 2, 2, 4, SoftmaxAttention.Biases.ALL, rotary, Optional.empty());
        CausalLmConfig phi = new CausalLmConfig(16, 8, 16, Activation.GELU_TANH, 1e-5, 64, List.of(attention));
        BlockConfig block = new BlockConfig(form, norm, phi.block().mlp());
        CausalLmConfig config = new CausalLmConfig(16, 8, 64, block, phi.head(), phi.mixers());
        return new CausalLm(on, config, new SplittableRandom(1));
    }

    private void open(CacheContents contents, CausalLm teacher) {
        contents.open(folder.resolve(contents.getClass().getSimpleName()), teacher, 8, 4)
                .close();
    }

    @Test
    void aCacheOfAnotherConfigurationOrPrecisionIsRefused() {
        CausalLm teacher = teacher(engine, ROTARY, NORM);
        List<CausalLm> others = List.of(
                teacher(engine, new RotaryConfig(4, 500_000), NORM),
                teacher(engine, new RotaryConfig(4, 10_000, new RopeScaling.Linear(2)), NORM),
                teacher(engine, ROTARY, new NormConfig(NormConfig.Kind.LAYER, 1e-6)),
                teacher(mixed, ROTARY, NORM));
        for (CacheContents contents : List.of(new CacheContents.States(true), new CacheContents.Tokens(5, 1))) {
            open(contents, teacher);
            open(contents, teacher(engine, ROTARY, NORM));
            for (CausalLm other : others) {
                assertThat(RunInputs.sha256(other)).isEqualTo(RunInputs.sha256(teacher));
                assertThatThrownBy(() -> open(contents, other))
                        .isInstanceOf(InvalidInputException.class)
                        .hasMessageContaining("of this teacher in this precision, found those of another teacher,"
                                + " precision or run; give another file")
                        .hasMessageNotContaining("\n");
            }
        }
    }

    /** The text of a lambda is another in each process. */
    @Test
    void theTextOfABlocksFormDoesNotCount() {
        BlockForm same = (on, config, mixer, random) -> ParallelBlock.FORM.create(on, config, mixer, random);
        assertThat(TeacherIdentity.sha256(teacher(engine, ROTARY, NORM, same)))
                .isEqualTo(TeacherIdentity.sha256(teacher(engine, ROTARY, NORM)));
    }
}
