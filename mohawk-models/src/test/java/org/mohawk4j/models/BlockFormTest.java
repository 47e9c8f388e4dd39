package org.mohawk4j.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.Backends;
import org.mohawk4j.functional.Activation;
import org.mohawk4j.layer.LayerNorm;
import org.mohawk4j.layer.Mlp;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MatrixMixer;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/** A model whose blocks are not Phi's: the one in the guide to adding a teacher. */
class BlockFormTest {
    private static final CausalLmConfig CONFIG = new CausalLmConfig(
            20,
            8,
            16,
            Activation.GELU_TANH,
            1e-5,
            32,
            SequentialBlock.FORM,
            List.of(new SoftmaxAttention.Config(8, 2, 2, 2, 100), new SoftmaxAttention.Config(8, 2, 2, 2, 100)));

    /** h' = h + mixer(norm(h)), then h' + mlp(norm'(h')). */
    private static final class SequentialBlock extends Block {
        static final BlockForm FORM = SequentialBlock::new;

        private final LayerNorm norm;
        private final MatrixMixer mixer;
        private final LayerNorm mlpNorm;
        private final Mlp mlp;

        SequentialBlock(Engine engine, CausalLmConfig config, MixerConfig mixerConfig, RandomGenerator random) {
            super(engine);
            norm = part("input_layernorm", new LayerNorm(engine, config.width(), config.layerNormEpsilon()));
            mixer = part("mixer", mixerConfig.create(engine, random));
            mlpNorm =
                    part("post_attention_layernorm", new LayerNorm(engine, config.width(), config.layerNormEpsilon()));
            mlp = part("mlp", new Mlp(engine, config.width(), config.mlpWidth(), config.activation(), random));
        }

        @Override
        public MatrixMixer mixer() {
            return mixer;
        }

        @Override
        public LayerNorm norm() {
            return norm;
        }

        @Override
        public Tensor combine(Tensor h, Tensor u, Tensor mixed) {
            Tensor middle = h.add(mixed);
            return middle.add(mlp.apply(mlpNorm.apply(middle)));
        }
    }

    @Test
    void aStudentHasItsTeachersBlocks() {
        MixerPlan plan = MixerPlan.replacing(CONFIG, own -> new DiscreteMamba2.Config(8, 2, 2, 4, 4, 8), List.of(1));
        try (Engine engine = Engine.open(Backends.AUTO, BackendOptions.defaults());
                CausalLm teacher = new CausalLm(engine, CONFIG, new SplittableRandom(0));
                CausalLm student = plan.student(teacher, new SplittableRandom(1))) {
            assertThat(student.blocks()).hasOnlyElementsOfType(SequentialBlock.class);
            String shared = "layers.0.post_attention_layernorm.weight";
            assertThat(student.parameters().get(shared).value().toDoubles())
                    .isEqualTo(teacher.parameters().get(shared).value().toDoubles());
            Tensor h = engine.zeros(1, 3, 8);
            assertThat(student.blocks().get(0).forward(h).shape()).isEqualTo(h.shape());
        }
    }

    @Test
    void aFormThatCannotDescribeItsBlocksDoesNotSaveIt() {
        assertThatThrownBy(() -> ModelFolder.requireSavable(CONFIG))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("no model format on the class path");
    }
}
