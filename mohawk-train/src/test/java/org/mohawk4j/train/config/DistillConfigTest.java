package org.mohawk4j.train.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.source.Mixture;
import org.mohawk4j.models.MixerInit;
import org.mohawk4j.tensor.types.DType;

class DistillConfigTest {
    @Test
    void nothingSaidIsTheDefaults() {
        assertThat(DistillConfigYaml.parse("test", "")).isEqualTo(DistillConfig.defaults());
        assertThat(DistillConfigYaml.parse("test", "# a remark only\n")).isEqualTo(DistillConfig.defaults());
        assertThat(TokenBudget.of(DistillConfig.defaults().training()).steps()).containsExactly(0, 0, 292);
    }

    @Test
    void readsEveryKindOfValue() {
        DistillConfig config = DistillConfigYaml.parse("test", """
            teacher: models/phi 1.5
            text: 'C:\\corpus.txt'
            out: 2024
            tokens: 2_760_000_000
            split: [0, 0.2, 0.8]
            lr: [1e-3, 2.0e-3, 1]
            keep-attention: [3, 1]
            freeze: ['*.mlp.*']
            seed: -5
            backend: nd4j
            dtype: double
            report: false
            student:
              mixer-options: {state-size: 16, heads: 4, groups: 2}
              init: random
            optimizer: {betas: [0.9, 0.999], clip-norm: 0, groups: []}
            schedule:
              kind: cosine
            hidden-states:
              target: block
            distillation:
              hard-label-share: 0.5
              top-k: 64
              recompute: true
            checkpoint: {every: 50, minutes: 0, keep: 1}
            faults: {on-spike: roll-back}
            """);

        assertThat(config.files().teacher()).contains(Path.of("models/phi 1.5"));
        assertThat(config.files().text()).contains(new Mixture(List.of("C:\\corpus.txt")));
        assertThat(config.files().out()).contains(Path.of("2024"));
        assertThat(config.files().valid()).isEmpty();
        assertThat(config.training().tokens()).isEqualTo(2_760_000_000L);
        assertThat(config.training().stages())
                .extracting(StageConfig::share)
                .containsExactly(Optional.of(0.0), Optional.of(0.2), Optional.of(0.8));
        assertThat(config.training().stages())
                .extracting(StageConfig::learningRate)
                .containsExactly(1e-3, 2e-3, 1.0);
        assertThat(config.training().keepAttention()).containsExactly(3, 1);
        assertThat(config.training().freeze()).containsExactly("*.mlp.*");
        assertThat(config.training().seed()).isEqualTo(-5);
        assertThat(config.machine().backend()).isEqualTo("nd4j");
        assertThat(config.machine().options().parameterType()).isEqualTo(DType.FLOAT64);
        assertThat(config.files().report()).isFalse();
        assertThat(config.student())
                .isEqualTo(new StudentConfig(
                        "discrete-mamba2", Map.of("state-size", 16, "heads", 4, "groups", 2), MixerInit.RANDOM));
        assertThat(config.learning().optimizer())
                .isEqualTo(new OptimizerConfig(0.1, List.of(0.9, 0.999), 1e-8, 0, List.of()));
        assertThat(config.learning().schedule().kind()).isEqualTo(ScheduleConfig.Kind.COSINE);
        assertThat(config.learning().hiddenStates().target()).isEqualTo(HiddenStateConfig.Target.BLOCK);
        assertThat(config.learning().distillation()).isEqualTo(new DistillationConfig(1.0, 0.5, 64, 0.0, true));
        assertThat(config.recovery().checkpoint()).isEqualTo(new CheckpointConfig(50, 0, 1));
        assertThat(config.recovery().faults())
                .isEqualTo(new FaultConfig(FaultConfig.defaults().spikeThreshold(), FaultConfig.SpikeAction.ROLL_BACK));
    }

    @Test
    void aHiddenStateLossNeedsWholeDistributions() {
        DistillationConfig own = DistillationConfig.defaults();

        assertThat(own.withHiddenStateWeight(5).hiddenStateWeight()).isEqualTo(5);
        assertThatThrownBy(() -> own.withHiddenStateWeight(-1))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("distillation.hidden-state-weight");
        assertThatThrownBy(() -> own.withTopK(64).withHiddenStateWeight(5))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("distillation.hidden-state-weight: expected 0 with distillation.top-k, got 5.0");
    }

    @Test
    void aProgramNamesAMixerWithTheOptionsThatItWants() {
        StudentConfig student = DistillConfig.builder()
                .student(own ->
                        own.withMixer("linear-attention", Map.of("heads", 4)).withInit(MixerInit.RANDOM))
                .build()
                .student();

        assertThat(student).isEqualTo(new StudentConfig("linear-attention", Map.of("heads", 4), MixerInit.RANDOM));
        assertThat(student.mixerOptions()).containsEntry("heads", 4).containsEntry("chunk-length", 64);
        assertThatThrownBy(() -> student.withMixer("toeplitz", Map.of("state-size", 4)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("toeplitz")
                .hasMessageContaining("unknown option 'state-size'");
    }

    @Test
    void whatIsWrittenHoldsEveryValueAndReadsBackTheSame() {
        DistillConfig config = DistillConfig.defaults()
                .with(Map.of(
                        "teacher",
                        Path.of("teachers/tiny"),
                        "lr",
                        List.of(1e-8, 3e-5, 12.5),
                        "backend",
                        "1e5",
                        "student.mixer-options.heads",
                        8,
                        "freeze",
                        List.of("yes", "a: b #c", "- x")));

        String yaml = DistillConfigYaml.format(config);

        assertThat(DistillConfigYaml.parse("test", yaml)).isEqualTo(config);
        assertThat(yaml)
                .contains("teacher: teachers/tiny", "keep-attention: []", "dtype: float", "    state-size: 64")
                .contains("kind: warmup-stable-decay", "epsilon: 1.0E-8", "valid: null");
    }

    @Test
    void valuesLaidOverAConfigurationLeaveTheRest() {
        DistillConfig config = DistillConfigYaml.parse("test", "batch: 4\nstudent: {mixer-options: {state-size: 16}}");

        DistillConfig changed = config.with(
                Map.of("context", 128, "student.mixer-options.conv-width", 2, "keep-attention", List.of(1)));

        assertThat(changed.training().batch()).isEqualTo(4);
        assertThat(changed.training().context()).isEqualTo(128);
        assertThat(changed.student().mixerOptions())
                .containsEntry("state-size", 16)
                .containsEntry("conv-width", 2);
        assertThat(changed.training().keepAttention()).containsExactly(1);
        assertThat(config.with(Map.of())).isEqualTo(config);
    }

    @Test
    void changesAreToldValueByValue() {
        DistillConfig before = DistillConfig.defaults();
        DistillConfig after = before.with(Map.of("batch", 2, "student.mixer-options.state-size", 16, "text", "a.txt"));

        assertThat(ConfigChanges.between(before, after))
                .containsExactly(
                        "text was nothing, is 'a.txt'",
                        "batch was 4, is 2",
                        "student.mixer-options.state-size was 64, is 16");
        assertThat(ConfigChanges.between(after, after)).isEmpty();
    }

    @Test
    void optionsAreMergedAndAnotherMixerBeginsWithItsOwnDefaults() {
        DistillConfig config = DistillConfig.defaults()
                .with(Map.of("student.mixer", "linear-attention", "student.mixer-option", List.of("state-size=8")));

        StudentConfig merged =
                config.with(Map.of("student.mixer-option", List.of("heads=2"))).student();
        StudentConfig other = config.with(Map.of("student.mixer", "toeplitz", "student.chunk-length", 16))
                .student();

        assertThat(merged.mixerOptions()).containsEntry("state-size", 8).containsEntry("heads", 2);
        assertThat(other.mixerOptions())
                .containsOnlyKeys("max-time", "heads", "chunk-length")
                .containsEntry("chunk-length", 16)
                .containsEntry("heads", null);
    }

    @Test
    void whatChangesSpeedAloneIsNoChange() {
        DistillConfig before = DistillConfig.defaults();

        assertThat(ConfigChanges.between(before, before.with(Map.of("data.readers", 4))))
                .isEmpty();
    }

    @Test
    void textsAreOneOrAListAndAreWrittenAsTheyWereRead() {
        DistillConfig config = DistillConfigYaml.parse("test", "text: ['c4/*.json.gz=0.8', books=0.2]\nvalid: v.txt");

        assertThat(config.files().text()).contains(new Mixture(List.of("c4/*.json.gz=0.8", "books=0.2")));
        assertThat(config.files().valid()).contains(new Mixture(List.of("v.txt")));
        assertThat(DistillConfigYaml.format(config)).contains("valid: v.txt\n");
        assertThat(DistillConfigYaml.parse("test", DistillConfigYaml.format(config)))
                .isEqualTo(config);
        assertThat(config.with(Map.of("text", List.of("a.txt"))).files().text())
                .contains(new Mixture(List.of("a.txt")));
    }

    @Test
    void anOptionalValueCanBeTakenBack() {
        DistillConfig config = DistillConfig.defaults().with(Map.of("text", "a.txt"));

        assertThat(config.files().text()).isPresent();
        assertThat(DistillConfigYaml.parse("test", "text: ~\nvalid:").files().text())
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "contxt: 256 | contxt: expected one of the keys teacher, text, valid, | got an unknown key, did you mean context?",
                "student: {heads: 4} | student.heads: expected one of the keys mixer, mixer-options, init, | unknown",
                "lr: ['1e-3', 1, 1] | lr[0]: expected a number | got '1e-3'",
                "context: 2.5 | context: expected a whole number | got 2.5",
                "context: many | context: expected a whole number | got 'many'",
                "context: '256' | context: expected a whole number | got '256'",
                "text: 3 | texts: expected a file, a folder or a pattern, or a list of them | got 3",
                "text: [] | texts: expected at least one file, folder or pattern | got none",
                "context: | context: expected a value | got nothing",
                "context: 99999999999 | context: expected a whole number up to 2147483647 | got 99999999999",
                "tokens: 99999999999999999999 | tokens: expected a whole number up to 9223372036854775807 | got 9999",
                "context: 0 | context: expected a whole number of at least 1 | got 0",
                "batch: -1 | batch: expected a whole number of at least 1 | got -1",
                "{batch: 6, accumulate: 4} | accumulate: expected a divisor of batch 6 | got 4",
                "checkpoint: {keep: 0} | checkpoint.keep: expected a whole number of at least 1 | got 0",
                "checkpoint: {minutes: -1} | checkpoint.minutes: expected a number of at least 0 | got -1",
                "faults: {on-spike: panic} | faults.on-spike: expected one of skip, roll-back | got 'panic'",
                "lr: [1e-3, fast, 1e-3] | lr[1]: expected a number | got 'fast'",
                "lr: [1e-3, null, 1e-3] | lr[1]: expected a number | got nothing",
                "lr: 1e-3 | lr: expected a list | got 0.001",
                "lr: [1, 2] | lr: expected 3 numbers, of stages 1, 2, 3 | got 2: [1.0, 2.0]",
                "lr: [0, 1, 1] | lr: expected numbers above 0 | got [0.0, 1.0, 1.0]",
                "lr: [1e999, 1, 1] | lr: expected numbers above 0 | got [Infinity",
                "split: [0.5, 0.2, 0.7] | split: expected shares with sum 1 | sum 1.4",
                "keep-attention: [1, 1] | keep-attention: expected each layer once | got [1, 1]",
                "keep-attention: [-1] | keep-attention: expected layers from 0 | got [-1]",
                "report: maybe | report: expected true or false | got 'maybe'",
                "dtype: half | dtype: expected one of float, double | got 'half'",
                "schedule: {kind: wsd} | schedule.kind: expected one of warmup-stable-decay, cosine | got 'wsd'",
                "optimizer: {betas: [0.9, 1]} | optimizer.betas: expected numbers from 0 to below 1 | got [0.9, 1.0]",
                "optimizer: {clip-norm: -1} | optimizer.clip-norm: expected a number of at least 0 | got -1.0",
                "student: {mixer: rnn} | mixer: expected one of attention, discrete-mamba2, linear-attention, | got 'rnn'",
                "student: {mixer: 3} | mixer: expected one of attention, discrete-mamba2, linear-attention, | got '3'",
                "student: {mixer-options: {n: 4}} | mixer discrete-mamba2: expected one of the options state-size, | 'n'",
                "student: {mixer-options: {state-size: x}} | mixer discrete-mamba2: option state-size: | got 'x'",
                "student: {mixer-options: {state-size: '8'}} | mixer discrete-mamba2: option state-size: | got '8'",
                "student: {mixer-options: {state-size: 0}} | mixer discrete-mamba2: option state-size: | got 0",
                "student: {mixer-options: {state-size: 2.5}} | mixer discrete-mamba2: option state-size: | got 2.5",
                "student: {mixer-options: {state-size: }} | mixer discrete-mamba2: option state-size: | got nothing",
                "student: {mixer-options: {state-size: [1]}} | mixer discrete-mamba2: option state-size: | got [1]",
                "student: {mixer-options: 3} | student.mixer-options: expected the mixer's options | got 3",
                "student: {state-size: 8, mixer-options: {state-size: 8}} | student: expected one value of state-size | two",
                "student: {start: random, init: random} | student: expected one value of init | two",
                "student: {init: near} | student.init: expected one of attention, calibrated, random | got 'near'",
                "student: 4 | student: expected the keys mixer, | got 4",
                "student: | student: expected the keys mixer, | got nothing",
                "batch: {size: 4} | batch: expected a value | got the keys size",
                "evaluation: {held-out: 1} | evaluation.held-out: expected a number above 0 and below 1 | got 1.0",
                "distillation: {temperature: 0} | distillation.temperature: expected a number above 0 | got 0.0",
                "distillation: {top-k: -1} | distillation.top-k: expected a whole number of at least 0 | got -1",
                "teacher: '' | teacher: expected a text | got ''",
                "backend: [cuda] | backend: expected a text | got [\"cuda\"]",
            })
    void aWrongValueIsOneLineWithKeyExpectedAndActual(String yaml, String start, String end) {
        assertThatThrownBy(() -> DistillConfigYaml.parse("my.yaml", yaml))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith("my.yaml: " + start)
                .hasMessageContaining(end)
                .hasMessageNotContaining("\n")
                .hasMessageNotContaining("fasterxml");
    }

    @Test
    void yamlThatDoesNotParseIsRefusedWithItsPlace() {
        assertThatThrownBy(() -> DistillConfigYaml.parse("my.yaml", "batch: 8\nlr: [1, 2"))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageMatching("my.yaml: expected YAML, found at line \\d+.*");
        assertThatThrownBy(() -> DistillConfigYaml.parse("my.yaml", "batch: 8\nbatch: 4"))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("line 2")
                .hasMessageContaining("batch");
        assertThatThrownBy(() -> DistillConfigYaml.parse("my.yaml", "- 1\n- 2"))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("my.yaml: expected keys and values, found [1,2]");
        assertThatThrownBy(() -> DistillConfigYaml.parse("my.yaml", "batch: 8\n---\nbatch: 4"))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("my.yaml: expected one document, found another at line 3, column 1");
    }

    /** Columns: YAML, with / for line breaks, ^ for tabs and § for a control character; the place; what is said of it. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "lr: [1, 2/batch: 8 | line 2, column 6 | expected ',' or ']', but got :",
                "lr: [1, 2/ | line 2, column 1 | expected ',' or ']', but got the end of the text",
                "lr: {a: 1/ | line 2, column 1 | expected ',' or '}', but got the end of the text",
                "freeze: [*.bias] | line 1, column 11 | no name behind *; text that begins with * stands in quotes",
                "out: a: b | line 1, column 7 | mapping values are not allowed here",
                "out: \"a | line 1, column 8 | the end of the text",
                "out: \"\\q\" | line 1, column 8 | unknown escape character q(113)",
                "batch: 8/^out: a | line 2, column 1 | character '\\t(TAB)' that cannot begin a value",
                "out: @x | line 1, column 6 | character '@' that cannot begin a value",
                "batch: 8/batch: 4 | line 2, column 6 | a second key 'batch'",
                "- a/b: 1 | line 2, column 1 | an entry of another kind than those before it, or indented otherwise",
                "? [x]/: 3 | line 1, column 4 | a key that is not a word",
                "{batch: 8}} | line 1, column 11 | something behind the end of the document",
                "batch: 8/out: a§b | line 2, column 7 | the control character U+0001",
            })
    void yamlThatDoesNotParseIsToldWithoutTheParsersWords(String yaml, String place, String problem) {
        String text = yaml.replace('§', (char) 1).replace('/', '\n').replace('^', '\t');

        assertThatThrownBy(() -> DistillConfigYaml.parse("my.yaml", text))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("my.yaml: expected YAML, found at " + place + ": " + problem);
    }

    @Test
    void yamlThatNestsTooDeepIsToldWithoutTheParsersSettings() {
        assertThatThrownBy(() -> DistillConfigYaml.parse("my.yaml", "lr: " + "[".repeat(2000)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("nesting depth")
                .hasMessageNotContaining("`");
    }

    /** Columns: YAML, with / for line breaks; the place; what is refused there. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "teacher: &dir runs_a/out: *dir | line 2, column 6 | the alias *dir",
                "lr: &lr [1, 2, 3]/split: *lr | line 2, column 8 | the alias *lr",
                "student: &s {mixer: toeplitz}/<<: *s | line 2, column 5 | the alias *s",
                "freeze: [*bias] | line 1, column 10 | the alias *bias",
                "out: !env HOME | line 1, column 6 | tag 'env'",
                "out: !!binary aGk= | line 1, column 6 | tag 'tag:yaml.org,2002:binary'",
                "!run {batch: 8} | line 1, column 1 | tag 'run'",
            })
    void yamlThatWouldBeReadAsSomethingElseIsRefused(String yaml, String place, String found) {
        assertThatThrownBy(() -> DistillConfigYaml.parse("my.yaml", yaml.replace('/', '\n')))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageMatching("my.yaml: expected a value( without a tag)? at " + place + ", found "
                        + Pattern.quote(found) + ".*");
    }

    @Test
    void anchorsAndTagsThatChangeNothingAreRead() {
        DistillConfig config = DistillConfigYaml.parse("test", "out: &dir runs\nbatch: !!int 4\nfreeze: ['*.bias']");

        assertThat(config.files().out()).contains(Path.of("runs"));
        assertThat(config.training().batch()).isEqualTo(4);
        assertThat(DistillConfigYaml.parse("test", DistillConfigYaml.format(config)))
                .isEqualTo(config);
    }

    @Test
    void aTildeIsTheHomeFolderWhereverAPathStands() {
        String home = System.getProperty("user.home");
        DistillConfig config = DistillConfigYaml.parse(
                "test",
                "{out: ~/x, teacher: ~/phi, text: [~/a=0.5, '~/*.txt=0.5'], valid: ~/v, data: {teacher-cache: ~/c}}");

        assertThat(config.files().out()).contains(Path.of(home, "x"));
        assertThat(config.files().teacher()).contains(Path.of(home, "phi"));
        assertThat(config.files().text()).contains(new Mixture(List.of(home + "/a=0.5", home + "/*.txt=0.5")));
        assertThat(config.files().valid()).contains(new Mixture(List.of(home + "/v")));
        assertThat(config.data().teacherCache()).contains(Path.of(home, "c"));
        assertThat(config.with(Map.of("out", Path.of("~/y"))).files().out()).contains(Path.of(home, "y"));
    }

    @Test
    void errorsOfReplacedValuesNameTheKeyAlone() {
        assertThatThrownBy(() -> DistillConfig.defaults().with(Map.of("batch", 0)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("batch: expected a whole number of at least 1, got 0");
        assertThatThrownBy(() -> DistillConfig.defaults().with(Map.of("student.size", 0)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith("student.size: expected one of the keys");
    }

    @Test
    void readsAFileAndNamesItWhenItIsMissing(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("run.yaml");
        Files.writeString(file, "seed: 7\n");

        assertThat(DistillConfigYaml.read(file).training().seed()).isEqualTo(7);
        assertThatThrownBy(() -> DistillConfigYaml.read(folder.resolve("no.yaml")))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageEndingWith("no.yaml: expected a YAML file, found nothing there");
        assertThatThrownBy(() -> DistillConfigYaml.read(folder))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageEndingWith("found a folder");
        Files.write(file, new byte[] {'a', ':', ' ', (byte) 0xff});
        assertThatThrownBy(() -> DistillConfigYaml.read(file))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageEndingWith("run.yaml: expected UTF-8, found byte 0xff at offset 3");
        Files.write(file, new byte[(1 << 20) + 1]);
        assertThatThrownBy(() -> DistillConfigYaml.read(file))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageEndingWith("expected at most 1048576 bytes, found 1048577");
        Files.writeString(file, "\uFEFFseed: 7\n");
        assertThat(DistillConfigYaml.read(file).training().seed()).isEqualTo(7);
    }
}
