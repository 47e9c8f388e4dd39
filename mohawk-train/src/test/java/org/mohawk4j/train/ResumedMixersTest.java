package org.mohawk4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.IntFunction;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.Sha256;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MatrixMixer;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.train.loop.StopSignal;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.metrics.StepMetrics;
import org.mohawk4j.train.run.MixerValues;

/** A run that a program has begun goes on with the mixers, teacher and texts that it was begun with, or not at all. */
class ResumedMixersTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path folder;

    private TinyRun run;

    @BeforeEach
    void open() {
        run = new TinyRun(folder.resolve("run"), Map.of("split", List.of(0.0, 0.0, 1.0), "tokens", 4 * 64));
    }

    private void endAfter(int steps) {
        TrainingListener end = new PatientListener() {
            private int taken;

            @Override
            public void iterationDone(StepMetrics metrics) {
                super.iterationDone(metrics);
                if (++taken == steps) {
                    throw new IllegalStateException("ended");
                }
            }
        };
        assertThatThrownBy(() -> run.start(end, new StopSignal())).hasMessage("ended");
    }

    private static MixerConfig mamba(int chunk) {
        return new DiscreteMamba2.Config(32, 4, 4, 16, 4, chunk);
    }

    private void assertOtherMixersAreRefused() {
        assertThatThrownBy(() -> run.withMixer(own -> mamba(8)).resume())
                .isInstanceOf(InvalidInputException.class)
                .hasMessage(
                        "run " + run.folder() + ": expected the student's mixers that it was begun with, found"
                                + " changes: layer 0: chunk was 16, is 8; layer 1: chunk was 16, is 8; layer 2: chunk was 16, is 8");
    }

    @Test
    void otherMixersOfTheSameShapesAreRefused() throws IOException {
        endAfter(4);

        assertOtherMixersAreRefused();
        run.withMixer(own -> mamba(16)).resume();
    }

    @Test
    void alsoBeforeTheFirstCheckpoint() {
        endAfter(2);

        assertOtherMixersAreRefused();
    }

    @Test
    void anotherTeacherOfTheSameShapesIsRefused() {
        endAfter(4);

        assertThatThrownBy(
                        () -> run.withTeacher(engine -> new CausalLm(engine, TinyRun.golden(), new SplittableRandom(7)))
                                .resume())
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("found changes: loaded teacher numbers has other contents");
    }

    @Test
    void theFolderDoesNotClaimThatACommandRepeatsIt() throws IOException {
        endAfter(2);

        assertThat(Files.readString(run.folder().resolve("config.yaml")))
                .contains("A program gave it its teacher")
                .doesNotContain("mohawk distill");
        assertThat(Files.readString(run.folder().resolve("inputs.json")))
                .contains("\"chunk\" : \"16\"", "loaded teacher", "loaded text", "loaded valid");
    }

    /** As version b11d4d2 wrote it. */
    @Test
    void aCheckpointThatDoesNotNameItsMixersGoesOn() throws IOException {
        endAfter(4);
        Files.delete(run.folder().resolve("inputs.json"));
        try (Stream<Path> checkpoints = Files.list(run.folder().resolve("checkpoints"))) {
            for (Path checkpoint : checkpoints.toList()) {
                withoutMixers(checkpoint);
            }
        }

        run.resume();

        assertThat(run.losses()).hasSize(4);
        assertThat(run.folder().resolve("inputs.json")).isRegularFile();
    }

    private static void withoutMixers(Path checkpoint) throws IOException {
        ObjectNode state =
                (ObjectNode) JSON.readTree(checkpoint.resolve("state.json").toFile());
        assertThat(state.remove("mixers")).hasSize(3);
        Files.writeString(checkpoint.resolve("state.json"), state.toPrettyString());
        ObjectNode manifest =
                (ObjectNode) JSON.readTree(checkpoint.resolve("manifest.json").toFile());
        manifest.withObjectProperty("state.json")
                .put("bytes", Files.size(checkpoint.resolve("state.json")))
                .put("sha256", Sha256.of(checkpoint.resolve("state.json")));
        Files.writeString(checkpoint.resolve("manifest.json"), manifest.toPrettyString());
        Files.writeString(checkpoint.resolve("COMPLETE"), Sha256.of(checkpoint.resolve("manifest.json")) + "\n");
    }

    @SuppressWarnings("ArrayRecordComponent") // as a user may write one
    private record Odd(long width, int[] sizes, IntFunction<String> rule) implements MixerConfig {
        @Override
        public int heads() {
            return 1;
        }

        @Override
        public MatrixMixer create(Engine engine, RandomGenerator random) {
            throw new UnsupportedOperationException();
        }
    }

    @Test
    void valuesAreTheSameInEveryProcess() {
        MixerValues one = values(new Odd(32, new int[] {1, 2}, Integer::toString));
        MixerValues same = values(new Odd(32, new int[] {1, 2}, Integer::toHexString));
        MixerValues other = values(new Odd(32, new int[] {1, 3}, Integer::toString));

        assertThat(one).isEqualTo(same);
        assertThat(one.changesTo(other)).containsExactly("layer 0: sizes was [1, 2], is [1, 3]");
        assertThat(one.changesTo(values(mamba(4))))
                .singleElement()
                .asString()
                .startsWith("layer 0: type was " + Odd.class.getName() + ", is org.mohawk4j.mixer.DiscreteMamba2");
        assertThat(MixerValues.parse("it", one.toJson())).isEqualTo(one);
        assertThat(MixerValues.UNKNOWN.changesTo(one)).isEmpty();
        assertThat(one.changesTo(MixerValues.of(new MixerPlan(List.of(mamba(4), mamba(4))), TinyRun.golden())))
                .contains("layers were 1, are 2");
    }

    private static MixerValues values(MixerConfig mixer) {
        return MixerValues.of(new MixerPlan(List.of(mixer)), TinyRun.golden());
    }

    @Test
    void aKeptAttentionIsNamedToo() {
        MixerConfig attention = TinyRun.golden().mixers().get(0);

        assertThat(values(attention).layers().get(0))
                .containsEntry("type", SoftmaxAttention.Config.class.getName())
                .containsKey("heads");
    }
}
