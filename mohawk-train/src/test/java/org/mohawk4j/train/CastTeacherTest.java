package org.mohawk4j.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostTensors;

/** On a backend whose products are of a narrower type than its parameters, as in mixed precision. */
class CastTeacherTest {
    private Engine engine;
    private CausalLm teacher;

    @BeforeEach
    void open() {
        engine = NarrowProducts.open(DType.FLOAT64, DType.FLOAT32);
        teacher = new CausalLm(engine, TinyRun.golden(), new SplittableRandom(1));
    }

    @AfterEach
    void close() {
        engine.close();
    }

    private Map<String, double[]> numbers() {
        return teacher.parameters().entrySet().stream()
                .collect(Collectors.toMap(
                        Map.Entry::getKey,
                        entry -> HostTensors.toDoubles(entry.getValue().value().toHost())));
    }

    private DType typeOfWeights() {
        return teacher.linearWeights().stream()
                .map(Parameter::value)
                .map(value -> value.dtype())
                .distinct()
                .reduce((one, other) -> DType.INT32)
                .orElseThrow();
    }

    @Test
    void aTeacherIsAfterARunWhatItWasBefore() {
        Map<String, double[]> before = numbers();

        try (CastTeacher narrowed = CastTeacher.of(teacher, false)) {
            assertThat(typeOfWeights()).isEqualTo(DType.FLOAT32);
        }

        assertThat(typeOfWeights()).isEqualTo(DType.FLOAT64);
        Map<String, double[]> after = numbers();
        before.forEach((name, values) -> assertThat(after.get(name)).as(name).isEqualTo(values));
    }

    @Test
    void oneThatIsGivenUpStaysNarrow() {
        try (CastTeacher narrowed = CastTeacher.of(teacher, true)) {
            assertThat(typeOfWeights()).isEqualTo(DType.FLOAT32);
        }

        assertThat(typeOfWeights()).isEqualTo(DType.FLOAT32);
    }
}
