package org.mohawk4j.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.nn.Layer;
import org.mohawk4j.tensor.Engine;

class ModelShapeTest {
    private static final int CONTEXT = 2048;

    /** Parameters take memory when they are first read, which they are not here. */
    @Test
    void theTeacherHasAsManyParametersAsThePublishedModel() {
        try (Engine engine = Engine.open("nd4j", BackendOptions.defaults());
                CausalLm llama = ModelShape.LLAMA_1B.teacher(engine, CONTEXT, ModelShape.LLAMA_1B.layers());
                CausalLm phi = ModelShape.PHI.teacher(engine, CONTEXT, ModelShape.PHI.layers())) {
            assertThat(Layer.sizeOf(llama.parameters())).isEqualTo(1_235_814_400L);
            assertThat(Layer.sizeOf(phi.parameters())).isEqualTo(1_418_270_720L);
        }
    }

    @Test
    void anUnknownShapeIsRefusedWithThoseThatAreThere() {
        assertThatThrownBy(() -> ModelShape.of("llama-8b"))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("shape: expected one of phi-1.5, llama-1b, got llama-8b");
    }
}
