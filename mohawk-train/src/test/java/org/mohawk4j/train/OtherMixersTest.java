package org.mohawk4j.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.generation.Generator;
import org.mohawk4j.generation.Sampling;
import org.mohawk4j.mixer.CausalLinearAttention;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.Toeplitz;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.train.report.Sample;

/** The library's own mixers beside discrete Mamba-2, from the teacher to a saved student. */
class OtherMixersTest {
    @TempDir
    Path folder;

    static Stream<Arguments> students() {
        MixerConfig toeplitz = new Toeplitz.Config(32, 4, 96, 8);
        MixerConfig linear = new CausalLinearAttention.Config(32, 4, 8, 8);
        return Stream.of(
                Arguments.of(toeplitz, List.of()),
                Arguments.of(new Toeplitz.Config(32, 24, 4, 96, 8), List.of(1)),
                Arguments.of(linear, List.of()),
                Arguments.of(new CausalLinearAttention.Config(32, 48, 4, 8, 8), List.of(0, 2)));
    }

    @ParameterizedTest
    @MethodSource("students")
    void aReloadedStudentContinuesATextAsTheTrainedOneDid(MixerConfig mixer, List<Integer> kept) throws IOException {
        TinyRun run = new TinyRun(folder.resolve("run"), Map.of(), mixer, kept);

        List<Sample> samples = run.start().samples();

        Sample trained = samples.get(samples.size() - 1);
        try (Engine engine = Engine.open("nd4j", BackendOptions.defaults());
                CausalLm reloaded = ModelFolder.load(engine, run.folder().resolve("student"))) {
            for (int i = 0; i < reloaded.config().layers(); i++) {
                if (!kept.contains(i)) {
                    assertThat(reloaded.config().mixers().get(i)).isEqualTo(mixer);
                }
            }
            assertThat(continuation(reloaded, trained.prompt())).isEqualTo(trained.continuation());
        }
    }

    private static String continuation(CausalLm model, String prompt) {
        int[] ids = Arrays.stream(prompt.split(" ")).mapToInt(Integer::parseInt).toArray();
        int room = Math.toIntExact(Math.min(60, model.config().maxPositions() - ids.length));
        List<Integer> continued = new ArrayList<>();
        new Generator(model, Sampling.GREEDY, 0).generate(ids, room, OptionalInt.empty(), continued::add);
        assertThat(continued).isNotEmpty();
        return continued.stream().map(id -> " " + id).collect(Collectors.joining());
    }
}
