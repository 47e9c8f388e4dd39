package org.mohawk4j.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.safetensors.SafetensorsWriter;
import org.mohawk4j.safetensors.TensorSource;
import org.mohawk4j.safetensors.TensorSpec;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.HostTensors;

class ModelFolderTest {
    private static final Path GOLDEN = Path.of(System.getProperty("mohawk.golden", "../src/test/golden"));

    private Engine engine;

    @TempDir
    Path folder;

    @BeforeEach
    void open() {
        engine = Engine.open("nd4j", BackendOptions.defaults());
    }

    @AfterEach
    void close() {
        engine.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"phi-mamba", "hybrid", "grouped", "teacher"})
    void aModelThatIsLoadedAndSavedHasEqualBytes(String name) {
        Path saved = folder.resolve("saved");
        try (CausalLm model = ModelFolder.load(engine, GOLDEN.resolve(name))) {
            ModelFolder.save(model, saved);

            assertThat(ModelFolder.config(saved)).isEqualTo(model.config());
        }
        try (TensorSource original = TensorSource.open(GOLDEN.resolve(name));
                TensorSource written = TensorSource.open(saved)) {
            assertThat(written.names()).containsExactlyInAnyOrderElementsOf(original.names());
            for (String tensor : original.names()) {
                assertThat(written.tensor(tensor).data())
                        .isEqualTo(original.tensor(tensor).data());
            }
        }
    }

    @Test
    void dimensionsAreReadFromTheConfiguration() {
        CausalLmConfig config = ModelFolder.config(GOLDEN.resolve("hybrid"));

        MixerConfig mamba = new DiscreteMamba2.Config(32, 4, 4, 16, 4, 16);
        assertThat(config.mixers()).containsExactly(mamba, new SoftmaxAttention.Config(32, 4, 4, 4, 10_000), mamba);
        assertThat(config.vocabulary()).isEqualTo(128);
        assertThat(config.block().mlp().width()).isEqualTo(128);
    }

    @Test
    void weightsCanBeSavedInANarrowerType() {
        try (CausalLm model = ModelFolder.load(engine, GOLDEN.resolve("teacher"))) {
            ModelFolder.save(model, folder, DType.BFLOAT16);
        }
        try (CausalLm narrow = ModelFolder.load(engine, folder);
                CausalLm wide = ModelFolder.load(engine, GOLDEN.resolve("teacher"))) {
            float[] a = narrow.parameters().get("lm_head.weight").value().toFloats();
            float[] b = wide.parameters().get("lm_head.weight").value().toFloats();
            for (int i = 0; i < a.length; i++) {
                assertThat(a[i]).isCloseTo(b[i], Offset.offset(Math.abs(b[i]) / 256 + 1e-30f));
            }
        }
    }

    @Test
    void aLargeModelIsWrittenAsShardsWithAnIndex() throws IOException {
        try (CausalLm model = ModelFolder.load(engine, GOLDEN.resolve("teacher"))) {
            ModelFolder.save(model, folder, DType.FLOAT32, 20_000);
        }

        assertThat(folder.resolve("model.safetensors")).doesNotExist();
        assertThat(folder.resolve("model.safetensors.index.json"))
                .content()
                .contains("\"total_size\": " + bytes(GOLDEN.resolve("teacher")));
        try (CausalLm sharded = ModelFolder.load(engine, folder);
                CausalLm whole = ModelFolder.load(engine, GOLDEN.resolve("teacher"))) {
            whole.parameters()
                    .forEach((name, parameter) -> assertThat(
                                    sharded.parameters().get(name).value().toFloats())
                            .as(name)
                            .isEqualTo(parameter.value().toFloats()));
        }
    }

    private static long bytes(Path model) {
        try (TensorSource source = TensorSource.open(model)) {
            return source.names().stream()
                    .mapToLong(name -> source.info(name).byteLength())
                    .sum();
        }
    }

    @Test
    void aMissingTensorIsNamed() throws IOException {
        copyGolden("teacher");
        edit("\"num_hidden_layers\": 3", "\"num_hidden_layers\": 4");

        refused("tensor model.layers.3", "is missing");
    }

    @Test
    void aTensorWithoutAPlaceIsNamed() throws IOException {
        copyGolden("teacher");
        edit("\"num_hidden_layers\": 3", "\"num_hidden_layers\": 2");

        refused("no place for", "model.layers.2.");
    }

    /** transformers 5 reads a head that differs; a copy of the embedding says nothing new. */
    @Test
    void aTiedHeadThatDiffersFromTheEmbeddingIsRefused() throws IOException {
        Path tied = GOLDEN.resolveSibling("golden-families/llama-tied/teacher");
        Files.copy(tied.resolve("config.json"), folder.resolve("config.json"));
        Map<String, HostTensor> tensors = new LinkedHashMap<>();
        try (TensorSource source = TensorSource.open(tied)) {
            source.names().forEach(name -> tensors.put(name, source.tensor(name)));
            HostTensor embedding = tensors.get("model.embed_tokens.weight");
            tensors.put("lm_head.weight", embedding);
            writeWeights(tensors);
            ModelFolder.load(engine, folder).close();

            float[] others = HostTensors.toFloats(embedding);
            others[others.length - 1] += 1;
            tensors.put("lm_head.weight", HostTensors.of(embedding.shape(), others));
            writeWeights(tensors);
        }

        refused("tensor lm_head.weight: expected the numbers of model.embed_tokens.weight", "tie_word_embeddings");
    }

    private void writeWeights(Map<String, HostTensor> tensors) {
        List<TensorSpec> specs = new ArrayList<>();
        tensors.forEach((name, tensor) -> specs.add(TensorSpec.of(name, tensor)));
        try (SafetensorsWriter writer =
                SafetensorsWriter.create(folder.resolve("model.safetensors"), specs, SafetensorsWriter.PYTORCH)) {
            tensors.forEach(writer::write);
            writer.commit();
        }
    }

    @Test
    void aTensorOfAnotherShapeIsNamedWithBothShapes() throws IOException {
        copyGolden("teacher");
        edit("\"vocab_size\": 128", "\"vocab_size\": 130");

        refused("expected shape [130, 32]", "found [128, 32]");
    }

    @Test
    void aConfigurationOfAnotherSizeIsRefusedBeforeRoomIsMadeForIt() throws IOException {
        copyGolden("teacher");
        edit("\"vocab_size\": 128", "\"vocab_size\": 2147483647");

        refused("expected shape [2147483647, 32]", "found [128, 32]");
    }

    /** The parser knows of settings that would let these through. */
    @ParameterizedTest
    @ValueSource(strings = {"{} {}", "{\"a\": NaN}", "{\"a\": +1}", "// a\n{}", "{\"a\": 01}"})
    void aParsersSettingsAreNoneOfTheReadersBusiness(String json) throws IOException {
        copyGolden("teacher");
        Files.writeString(folder.resolve("config.json"), json);

        assertThatThrownBy(() -> ModelFolder.config(folder))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("config.json: not valid JSON at character ")
                .satisfies(e -> assertThat(e.getMessage()).doesNotContain("Feature", "ALLOW", "`"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"model_type\": \"phi\"→\"model_type\": \"gpt_neox\"→model_type is gpt_neox",
                "\"hidden_act\": \"gelu_new\"→\"hidden_act\": \"silu\"→hidden_act",
                "\"num_attention_heads\": 4→\"num_attention_heads\": 5→num_attention_heads",
                "\"hidden_size\": 32→\"hidden_size\": -32→hidden_size",
                "\"hidden_size\": 32→\"hidden_size\": \"32\"→hidden_size",
                "\"hidden_size\": 32→\"hidden_size\": 32, \"hidden_size\": 32→not valid JSON",
                "\"partial_rotary_factor\": 0.5→\"partial_rotary_factor\": 1.5→partial_rotary_factor",
                "\"partial_rotary_factor\": 0.5→\"partial_rotary_factor\": -0.5→partial_rotary_factor",
                "\"rope_theta\": 10000.0→\"rope_theta\": 0→rope_theta: expected a number above 0",
                "\"partial_rotary_factor\": 0.5→\"x\": [{\"y\": \"\\ud800\"}]→half a surrogate pair",
                "\"tie_word_embeddings\": false→\"tie_word_embeddings\": true→tie_word_embeddings",
                "{→[→not valid JSON",
                "\"num_hidden_layers\": 3→\"num_hidden_layers\": 2147483647→whole number from 1 to 10000",
                "\"vocab_size\": 128→\"vocab_size\": 9223372036854775807→whole number from 1 to 2147483647",
                "\"vocab_size\": 128→\"vocab_size\": 1.5→vocab_size",
                "\"vocab_size\": 128→\"vocab_size\": \"\\u001b[2J\"→found \"\\u001B[2J\"",
            })
    void aConfigurationThatCannotBeComputedIsRefused(String change) throws IOException {
        String[] parts = change.split("→", -1);
        copyGolden("teacher");
        edit(parts[0], parts[1]);

        refused(parts[2]);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"n_layers\": 1→\"n_layers\": 2147483647→n_layers",
                "\"d_conv\": 4→\"d_conv\": 1→d_conv: expected a whole number from 2",
                "\"n_qk_heads\": 4→\"n_qk_heads\": 3→n_qk_heads"
            })
    void aStudentThatCannotBeComputedIsRefused(String change) throws IOException {
        String[] parts = change.split("→", -1);
        copyGolden("hybrid");
        edit(parts[0], parts[1]);

        refused(parts[2]);
    }

    @Test
    void aConfigurationThatIsAFolderIsRefused() throws IOException {
        copyGolden("teacher");
        Files.delete(folder.resolve("config.json"));
        Files.createDirectory(folder.resolve("config.json"));

        refused("config.json: expected a file, found a folder");
    }

    @Test
    void whatIsNoModelFolderIsNamedForWhatItIs() throws IOException {
        Path file = Files.writeString(folder.resolve("config.yaml"), "");
        Path nowhere = folder.resolve("nowhere");
        Path student = Files.createDirectory(folder.resolve("student"));
        Files.writeString(student.resolve("config.json"), "{}");

        refused("model " + folder + ": expected a model folder, found a run folder; its student is " + student);
        assertThatThrownBy(() -> ModelFolder.requireFolder("teacher", nowhere))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("teacher " + nowhere + ": expected a model folder, found nothing");
        assertThatThrownBy(() -> ModelFolder.config(file))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("model " + file + ": expected a model folder, found a file");
    }

    @Test
    void aStudentCopiesWhatItSharesWithItsTeacher() {
        try (CausalLm teacher = ModelFolder.load(engine, GOLDEN.resolve("teacher"))) {
            MixerPlan plan = MixerPlan.replacing(
                    teacher.config(), own -> new DiscreteMamba2.Config(32, 4, 2, 8, 4, 16), List.of(1));
            try (CausalLm student = plan.student(teacher, new SplittableRandom(1))) {
                for (String shared : List.of(
                        "embedding.weight",
                        "layers.0.mlp.fc1.weight",
                        "layers.1.mixer.q_proj.weight",
                        "lm_head.bias")) {
                    assertThat(student.parameters().get(shared).value().toDoubles())
                            .isEqualTo(teacher.parameters().get(shared).value().toDoubles());
                }
                assertThat(student.parameters()).containsKey("layers.0.mixer.in_proj.weight");
                assertThat(plan.keeps(1, teacher.config())).isTrue();
                assertThat(plan.keeps(0, teacher.config())).isFalse();
            }
        }
    }

    @Test
    void aPlanThatKeepsALayerThatIsNotThereIsRefused() {
        CausalLmConfig config = ModelFolder.config(GOLDEN.resolve("teacher"));

        assertThatThrownBy(() -> MixerPlan.replacing(config, own -> own, List.of(3)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("layer 3")
                .hasMessageContaining("0 to 2");
    }

    private void refused(String... parts) {
        assertThatThrownBy(() -> ModelFolder.load(engine, folder))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining(folder.toString())
                .message()
                .contains(parts)
                .doesNotContain("\n");
    }

    private void copyGolden(String name) throws IOException {
        try (Stream<Path> files = Files.list(GOLDEN.resolve(name))) {
            for (Path file : files.toList()) {
                Files.copy(file, folder.resolve(file.getFileName().toString()));
            }
        }
    }

    private void edit(String from, String to) throws IOException {
        Path config = folder.resolve("config.json");
        String before = Files.readString(config, StandardCharsets.UTF_8);
        assertThat(before).contains(from);
        int at = before.indexOf(from);
        Files.writeString(config, before.substring(0, at) + to + before.substring(at + from.length()));
    }
}
