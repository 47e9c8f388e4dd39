package org.mohawk4j.models;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.safetensors.TensorSource;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.HostTensors;
import org.mohawk4j.testing.Float64Test;
import org.mohawk4j.testing.TensorAssert;

/** What holds for the golden teachers of all families alike, and for students of them. */
class FamilyTest extends Float64Test {
    private static final Path GOLDEN =
            Path.of(System.getProperty("mohawk.golden")).resolveSibling("golden-families");

    @TempDir
    Path folder;

    static List<Path> families() throws IOException {
        try (Stream<Path> families = Files.list(GOLDEN)) {
            return families.filter(Files::isDirectory).sorted().toList();
        }
    }

    @ParameterizedTest
    @MethodSource("families")
    void bothSchemasSayTheSame(Path family) {
        Path teacher = family.resolve("teacher");
        ModelFormat format = ModelFolder.format(teacher);
        CausalLmConfig newer = format.read(ConfigNode.read(family.resolve("teacher-config-transformers5.json")));

        assertThat(newer).isEqualTo(ModelFolder.config(teacher));
    }

    @ParameterizedTest
    @MethodSource("families")
    void whatIsWrittenReadsTheSame(Path family) {
        Path teacher = family.resolve("teacher");
        ModelFormat format = ModelFolder.format(teacher);
        CausalLmConfig config = ModelFolder.config(teacher);

        assertThat(format.read(ConfigNode.of("written", format.write(config).orElseThrow())))
                .isEqualTo(config);
    }

    /** Names and numbers as transformers wrote them, joined rows too. */
    @ParameterizedTest
    @MethodSource("families")
    void aSavedTeacherHasTheSameTensors(Path family) {
        Path teacher = family.resolve("teacher");
        try (CausalLm model = ModelFolder.load(engine(), teacher)) {
            ModelFolder.save(model, folder);
        }
        try (TensorSource original = TensorSource.open(teacher);
                TensorSource saved = TensorSource.open(folder)) {
            assertThat(saved.names()).containsExactlyInAnyOrderElementsOf(original.names());
            original.names()
                    .forEach(name -> assertThat(HostTensors.toDoubles(saved.tensor(name)))
                            .as(name)
                            .isEqualTo(HostTensors.toDoubles(original.tensor(name))));
        }
    }

    /** Windows of 17 positions and contexts of 32 are passed on the way. */
    @ParameterizedTest
    @MethodSource("families")
    void aTeacherGeneratesWhatItComputes(Path family) {
        try (CausalLm model = ModelFolder.load(engine(), family.resolve("teacher"))) {
            assertGenerates(model, 1, 20, 8, 1, 1, 1, 1, 1, 5, 1);
        }
    }

    /** Stages compare it with its teacher in the teacher's own blocks, with a cache in one layer and a state in others. */
    @ParameterizedTest
    @MethodSource("families")
    void aHybridStudentIsSavedAndGeneratesWhatItComputes(Path family) {
        for (boolean grouped : new boolean[] {false, true}) {
            try (CausalLm teacher = ModelFolder.load(engine(), family.resolve("teacher"));
                    CausalLm student = MixerPlan.replacing(teacher.config(), own -> mamba(own, grouped), List.of(1))
                            .student(teacher, new SplittableRandom(1))) {
                ModelFolder.requireSavable(student);
                ModelFolder.save(student, folder);
                assertGenerates(student, 1, 30, 1, 1, 1, 6);
                try (CausalLm restored = ModelFolder.load(engine(), folder)) {
                    assertThat(restored.config()).isEqualTo(student.config());
                    student.parameters()
                            .forEach((name, parameter) -> assertThat(restored.parameters()
                                            .get(name)
                                            .value()
                                            .toFloats())
                                    .as(name)
                                    .isEqualTo(parameter.value().toFloats()));
                }
            }
        }
    }

    /** Heads of B and C as many as those of queries, or as those of keys and values. */
    private static MixerConfig mamba(MixerConfig attention, boolean grouped) {
        int heads = attention.heads();
        return new DiscreteMamba2.Config(
                attention.width(), attention.innerWidth(), heads, grouped ? heads / 2 : heads, 8, 4, 16);
    }

    private void assertGenerates(CausalLm model, long... lengths) {
        int[] ids = new SplittableRandom(5).ints(40, 0, 128).toArray();
        try (Scope scope = engine().scope();
                InferenceCache state = model.newState(1)) {
            Tensor text = engine().indices(ids, 1, 40);
            Tensor whole = model.logits(text);
            long position = 0;
            for (long length : lengths) {
                Tensor next = model.next(text.narrow(1, position, length), state);
                position += length;
                // a rotation that depends on the length is another one in a shorter sequence
                boolean sameRotation = model.config().sameRotation() == Long.MAX_VALUE
                        || position > model.config().sameRotation();
                Tensor all = sameRotation ? whole : model.logits(text.narrow(1, 0, position));
                TensorAssert.assertRelative(
                        "after " + position,
                        next,
                        all.narrow(1, position - 1, 1).reshape(1, 128),
                        1e-9);
            }
        }
    }
}
