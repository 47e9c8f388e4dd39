package org.mohawk4j.models.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.mixer.Toeplitz;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.models.llama.ComponentsFormat;
import org.mohawk4j.models.llamba.LlambaFormat;
import org.mohawk4j.models.phimamba.PhiMambaFormat;
import org.mohawk4j.op.Activation;
import org.mohawk4j.safetensors.SafetensorsDtype;
import org.mohawk4j.safetensors.TensorSource;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.types.DType;

class ModelExportTest {
    private static final Path GOLDEN = Path.of(System.getProperty("mohawk.golden", "../src/test/golden"));
    private static final Path FAMILIES = GOLDEN.resolveSibling("golden-families");
    private static final MixerConfig MAMBA = new DiscreteMamba2.Config(32, 48, 4, 2, 16, 4, 16);

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

    private Path out() {
        return folder.resolve("out");
    }

    private Path saved(CausalLmConfig config) {
        try (CausalLm model = new CausalLm(engine, config, new SplittableRandom(1))) {
            ModelFolder.save(model, folder.resolve("model"));
        }
        return folder.resolve("model");
    }

    private float[] logits(Path model) {
        int[] ids = {5, 17, 3, 99, 42, 0, 8};
        try (Scope scope = engine.scope();
                CausalLm loaded = ModelFolder.load(engine, model)) {
            return loaded.logits(engine.indices(ids, 1, ids.length)).toFloats();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "golden/phi-mamba, TRANSFORMERS",
        "golden/hybrid, TRANSFORMERS",
        "golden/grouped, TRANSFORMERS",
        "golden/teacher, TRANSFORMERS",
        "golden-families/llama/mamba, TRANSFORMERS",
        "golden-families/llama/teacher, TRANSFORMERS",
        "golden-families/llama-tied/teacher, TRANSFORMERS",
        "golden/phi-mamba, GOOMBALAB",
        "golden-families/llama/mamba, GOOMBALAB",
        "golden-families/llama/mamba, LLAMBA"
    })
    void anExportGivesTheSameLogits(String name, ExportForm form) {
        Path model = GOLDEN.resolveSibling(name);

        ModelExport.write(model, form, List.of(), out());

        assertThat(ModelFolder.config(out())).isEqualTo(ModelFolder.config(model));
        assertThat(logits(out())).isEqualTo(logits(model));
    }

    @Test
    void eachFormIsWrittenByItsFormat() {
        ModelExport.write(GOLDEN.resolve("phi-mamba"), ExportForm.GOOMBALAB, List.of(), folder.resolve("phi"));
        ModelExport.write(FAMILIES.resolve("llama/mamba"), ExportForm.GOOMBALAB, List.of(), folder.resolve("llama"));
        ModelExport.write(FAMILIES.resolve("llama/mamba"), ExportForm.LLAMBA, List.of(), folder.resolve("llamba"));

        assertThat(ModelFolder.format(folder.resolve("phi"))).isInstanceOf(PhiMambaFormat.class);
        assertThat(ModelFolder.format(folder.resolve("llama"))).isInstanceOf(ComponentsFormat.class);
        assertThat(ModelFolder.format(folder.resolve("llamba"))).isInstanceOf(LlambaFormat.class);
    }

    /** An export of an export is the first one, byte for byte. */
    @Test
    void anExportCanBeExported() throws IOException {
        Path first = folder.resolve("first");
        ModelExport.write(GOLDEN.resolve("hybrid"), ExportForm.TRANSFORMERS, List.of(), first);

        ModelExport.write(first, ExportForm.TRANSFORMERS, List.of(), out());

        for (String file : List.of("config.json", "model.safetensors", "modeling_mohawk.py")) {
            assertThat(out().resolve(file)).hasSameBinaryContentAs(first.resolve(file));
        }
    }

    @Test
    void whatBelongsToTheModelIsCopied() throws IOException {
        Path model = saved(ModelFolder.config(GOLDEN.resolve("hybrid")));
        Path teacher = Files.createDirectory(folder.resolve("teacher"));
        Files.writeString(model.resolve("special_tokens_map.json"), "{\"a\":1}");
        Files.writeString(model.resolve("training.log"), "not of the model");
        Files.writeString(teacher.resolve("special_tokens_map.json"), "{\"b\":2}");
        for (String name : List.of("LICENSE", "USE_POLICY.md", "Notice.txt", "generation_config.json", "README.md")) {
            Files.writeString(teacher.resolve(name), "of the teacher: " + name);
        }

        List<String> files = ModelExport.write(model, ExportForm.TRANSFORMERS, List.of(teacher), out());

        assertThat(files)
                .containsExactly(
                        "LICENSE",
                        "Notice.txt",
                        "USE_POLICY.md",
                        "config.json",
                        "configuration_mohawk.py",
                        "generation_config.json",
                        "model.safetensors",
                        "modeling_mohawk.py",
                        "special_tokens_map.json");
        assertThat(out().resolve("special_tokens_map.json")).hasContent("{\"a\":1}");
        assertThat(out().resolve("LICENSE")).hasContent("of the teacher: LICENSE");
    }

    /** Without generation settings of its own, from the first configuration that names the special tokens. */
    @Test
    void whereATextEndsComesFromTheTeacher() throws IOException {
        Path teacher = Files.createDirectory(folder.resolve("teacher"));
        Files.writeString(teacher.resolve("config.json"), "{\"eos_token_id\": [2, 7], \"bos_token_id\": 1}");

        ModelExport.write(GOLDEN.resolve("hybrid"), ExportForm.TRANSFORMERS, List.of(teacher), out());

        assertThat(new ObjectMapper()
                        .readTree(out().resolve("generation_config.json").toFile()))
                .isEqualTo(new ObjectMapper().readTree("{\"bos_token_id\": 1, \"eos_token_id\": [2, 7]}"));
    }

    @ParameterizedTest
    @EnumSource(names = {"TRANSFORMERS", "GOOMBALAB"})
    void aTokenizerThatDoesNotFitIsRefused(ExportForm form) throws IOException {
        Path model = saved(ModelFolder.config(GOLDEN.resolve("phi-mamba")));
        Path tokenizer = model.resolve("tokenizer.json");
        Files.writeString(tokenizer, """
                {"version": "1.0", "added_tokens": [], "pre_tokenizer": {"type": "Whitespace"},
                 "model": {"type": "WordLevel", "unk_token": "a", "vocab": {"a": 0, "b": 128}}}""");

        refuses(model, form, "tokenizer.json: expected ids below 128, the rows of the model's embedding");

        Files.writeString(tokenizer, "[]");
        refuses(model, form, "tokenizer.json: not a tokenizer");
    }

    @Test
    void weightsOfHalfTheWidthStayAsTheyAre() {
        Path narrow = folder.resolve("narrow");
        try (CausalLm model = ModelFolder.load(engine, GOLDEN.resolve("grouped"))) {
            ModelFolder.save(model, narrow, DType.BFLOAT16);
        }

        ModelExport.write(narrow, ExportForm.TRANSFORMERS, List.of(), out());

        try (TensorSource tensors = TensorSource.open(out())) {
            assertThat(tensors.names())
                    .allSatisfy(name -> assertThat(tensors.info(name).dtype()).isEqualTo(SafetensorsDtype.BF16));
        }
        assertThat(logits(out())).isEqualTo(logits(narrow));
    }

    private void refuses(Path model, ExportForm form, String reason) throws IOException {
        assertThatThrownBy(() -> ModelExport.write(model, form, List.of(), out()))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining(reason)
                .hasMessageNotContaining("\n");
        assertThat(out()).doesNotExist();
        try (var left = Files.list(folder)) {
            assertThat(left.filter(file -> file.toString().contains("partial"))).isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "golden/phi-mamba, LLAMBA, its blocks are not Llama's",
        "golden-families/llama/teacher, LLAMBA, its mixers are not discrete Mamba-2"
    })
    void whatAFormCannotHoldIsRefused(String name, ExportForm form, String reason) throws IOException {
        refuses(GOLDEN.resolveSibling(name), form, reason);
    }

    @Test
    void llambaHasNoHybridsAndOneEpsilon() throws IOException {
        CausalLmConfig llama = ModelFolder.config(FAMILIES.resolve("llama/mamba"));
        MixerConfig attention =
                ModelFolder.config(FAMILIES.resolve("llama/teacher")).mixers().get(0);
        MixerConfig mamba = llama.mixers().get(0);

        refuses(
                saved(llama.withMixers(List.of(mamba, attention))),
                ExportForm.LLAMBA,
                "the model cannot be exported as llamba: its layers have different mixers");
        refuses(
                saved(llama.withMixers(List.of(MAMBA))),
                ExportForm.LLAMBA,
                "its mixers' inner width 48 is no multiple of the width 32");
    }

    @Test
    void goombalabHasItsOwnMixersAlone() throws IOException {
        CausalLmConfig phi = ModelFolder.config(GOLDEN.resolve("phi-mamba"));

        refuses(
                saved(phi.withMixers(List.of(phi.mixers().get(0), new Toeplitz.Config(32, 4, 64, 16)))),
                ExportForm.GOOMBALAB,
                "the model cannot be exported as goombalab: layer 1 has a mixer that it does not have, Toeplitz");
        refuses(
                saved(new CausalLmConfig(128, 32, 96, Activation.GELU_TANH, 1e-5, 2048, phi.mixers())),
                ExportForm.GOOMBALAB,
                "its MLP is 96 wide, phi-mamba's only 4·D = 128");
        refuses(
                saved(new CausalLmConfig(128, 32, 128, Activation.GELU_TANH, 1e-6, 2048, phi.mixers())),
                ExportForm.GOOMBALAB,
                "its norms have epsilon 1.0E-6, phi-mamba's only 1.0E-5");
    }

    /** The attention in its code has one shape. */
    @Test
    void goombalabsPhiHasTheAttentionOfPhi15Alone() throws IOException {
        CausalLmConfig hybrid = ModelFolder.config(GOLDEN.resolve("hybrid"));

        refuses(
                GOLDEN.resolve("hybrid"),
                ExportForm.GOOMBALAB,
                "its attention has D " + hybrid.width() + " and 4 heads, phi-mamba's only D 2048 and 32 heads");
        assertThat(ExportForm.GOOMBALAB.require(phi(2048, 32))).isInstanceOf(PhiMambaFormat.class);
        assertThatThrownBy(() -> ExportForm.GOOMBALAB.require(phi(2048, 16))).hasMessageContaining("and 16 heads");
    }

    private static CausalLmConfig phi(long width, int heads) {
        MixerConfig attention = new SoftmaxAttention.Config(width, heads, heads, 32, 10_000);
        return new CausalLmConfig(128, width, 4 * width, Activation.GELU_TANH, 1e-5, 2048, List.of(attention));
    }

    /** Phi-Mamba's mixers are as wide inside as outside. */
    @Test
    void goombalabsPhiHasNoInnerWidth() throws IOException {
        CausalLmConfig phi = ModelFolder.config(GOLDEN.resolve("phi-mamba")).withMixers(List.of(MAMBA));

        refuses(
                saved(phi),
                ExportForm.GOOMBALAB,
                "the model cannot be exported as goombalab: a phi-mamba model has no");
    }

    @ParameterizedTest
    @EnumSource
    void nothingIsWrittenOver(ExportForm form) throws IOException {
        Files.createDirectory(out());
        Files.writeString(out().resolve("notes.txt"), "mine");

        assertThatThrownBy(() -> ModelExport.write(FAMILIES.resolve("llama/mamba"), form, List.of(), out()))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("expected a new or empty folder, found notes.txt in it");
        assertThat(out()).isDirectoryContaining("glob:**/notes.txt");
        assertThat(out().toFile().list()).hasSize(1);
    }

    /** Neither goombalab's code nor cartesia's reads shards. */
    @Test
    void onlyTransformersGetsShards() {
        assertThat(List.of(ExportForm.values()))
                .filteredOn(form -> form.maxShardBytes() < Long.MAX_VALUE)
                .containsExactly(ExportForm.TRANSFORMERS);
    }

    @Test
    void anEmptyFolderIsFilled() throws IOException {
        Files.createDirectory(out());

        ModelExport.write(FAMILIES.resolve("llama/mamba"), ExportForm.LLAMBA, List.of(), out());

        assertThat(out().toFile().list()).containsExactlyInAnyOrder("config.json", "model.safetensors");
    }

    /** Here the tokenizer is found to be none after the weights are written. */
    @Test
    void whatFailsHalfWayLeavesNothing() throws IOException {
        Path model = saved(ModelFolder.config(GOLDEN.resolve("hybrid")));
        Files.writeString(model.resolve("tokenizer.json"), "{");

        refuses(model, ExportForm.TRANSFORMERS, "tokenizer.json");
    }
}
