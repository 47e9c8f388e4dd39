package org.mohawk4j.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.tensor.types.DType;

/** Which backend is opened, and what is said when none can be. */
class BackendsTest {
    private final List<String> opened = new ArrayList<>();

    private final class Fake implements BackendProvider {
        private final String name;
        private final Availability availability;

        Fake(String name, Availability availability) {
            this.name = name;
            this.availability = availability;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public Availability availability() {
            return availability;
        }

        @Override
        public Backend open(BackendOptions options) {
            opened.add(name);
            return Backends.open("nd4j", options);
        }
    }

    private final BackendProvider slow = new Fake("slow", BackendProvider.Availability.yes(1, "always there"));
    private final BackendProvider fast = new Fake("fast", BackendProvider.Availability.yes(20, "found"));
    private final BackendProvider broken = new Fake("broken", BackendProvider.Availability.no("no device"));

    private void open(String name, BackendProvider... providers) {
        Backends.open(name, BackendOptions.defaults(), List.of(providers)).close();
    }

    @Test
    void autoTakesTheUsableOneOfHighestRank() {
        open("auto", slow, broken, fast);
        open("auto", fast, slow);
        open("auto", broken, slow);
        assertThat(opened).containsExactly("fast", "fast", "slow");
    }

    @Test
    void aNameTakesThatOne() {
        open("slow", fast, slow, broken);
        assertThat(opened).containsExactly("slow");
    }

    @Test
    void anUnknownNameIsAnsweredWithThePresentOnes() {
        assertThatThrownBy(() -> open("cuda", slow, fast))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("backend 'cuda' is not on the class path; present: slow, fast");
        assertThatThrownBy(() -> open("auto"))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("present: none");
    }

    @Test
    void aBackendThatCannotRunSaysWhy() {
        assertThatThrownBy(() -> open("broken", slow, broken))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("backend 'broken' cannot run here: no device");
        assertThatThrownBy(() -> open("auto", broken)).hasMessageContaining("no device");
        assertThat(opened).isEmpty();
    }

    @Test
    void ofSeveralThatCannotRunEachSaysWhy() {
        BackendProvider old = new Fake("old", BackendProvider.Availability.no("no driver"));

        assertThatThrownBy(() -> open("auto", broken, old))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("backend 'auto' cannot run here: broken: no device; old: no driver");
    }

    @Test
    void aDeviceThatNobodyHasIsOneLine() {
        BackendOptions second = BackendOptions.defaults().withDevice(1);

        assertThatThrownBy(() -> Backends.open("nd4j", second))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("expected device 0")
                .hasMessageContaining("found device 1");
    }

    @Test
    void nd4jIsFoundOnTheClassPath() {
        try (Backend backend = Backends.open("auto", BackendOptions.defaults())) {
            assertThat(backend.name()).isEqualTo("nd4j");
            assertThat(backend.description()).contains("ND4J").contains("threads");
            assertThat(backend.parameterType()).isEqualTo(DType.FLOAT32);
        }
    }

    @Test
    void optionsThatMakeNoSenseAreRefused() {
        BackendOptions defaults = BackendOptions.defaults();
        assertThatThrownBy(() -> defaults.withParameterType(DType.BFLOAT16)).hasMessageContaining("BFLOAT16");
        assertThatThrownBy(() -> defaults.withThreads(-1)).hasMessageContaining("-1");
        assertThatThrownBy(() -> new BackendOptions(DType.FLOAT32, false, 0, -2))
                .hasMessageContaining("-2");
    }

    @Test
    void threadsAreThoseAskedForAndThoseOfTheStartOtherwise() {
        try (Backend one = Backends.open("nd4j", BackendOptions.defaults().withThreads(1))) {
            assertThat(one.description()).contains("1 threads");
        }
        try (Backend all = Backends.open("nd4j", BackendOptions.defaults())) {
            int threads = Runtime.getRuntime().availableProcessors();
            assertThat(all.description())
                    .satisfies(d -> assertThat(threads == 1 || !d.contains(" 1 threads"))
                            .isTrue());
        }
    }
}
