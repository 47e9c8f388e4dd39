package org.mohawk4j.train.parity;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.matrix.MixingMatrix;
import org.mohawk4j.models.Block;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.models.ModelFormat;
import org.mohawk4j.op.loss.DistillationFunction;
import org.mohawk4j.safetensors.TensorSource;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.train.optimizer.AdamW;
import org.mohawk4j.train.stage.HiddenStateAlignment;
import org.mohawk4j.train.stage.KnowledgeDistillation;
import org.mohawk4j.train.stage.MatrixOrientation;
import org.mohawk4j.train.stage.Objective;

/**
 * Compares this build with a folder of golden data: a {@code teacher}, students beside it, and for each what another
 * implementation computed. {@code src/test/golden/README.md} describes the files.
 */
public final class GoldenParity {
    private static final String TEACHER = "teacher";
    private static final String SUFFIX = ".safetensors";
    private static final String EXPECTED = "_expected" + SUFFIX;
    private static final double LEARNING_RATE = 1e-3;
    private static final AdamW.Config ADAMW = new AdamW.Config(0.9, 0.95, 1e-8, 0.1, 0);

    private final Engine engine;
    private final Path folder;

    public GoldenParity(Engine engine, Path folder) {
        this.engine = engine;
        this.folder = folder;
        if (!Files.isDirectory(folder.resolve(TEACHER))) {
            throw new InvalidInputException(
                    folder + ": expected golden data with a folder '" + TEACHER + "', found none");
        }
    }

    /**
     * The worst tensor of one file.
     *
     * @param error norm of the difference over norm of the expected
     */
    public record FileResult(String file, String worstTensor, double error, int tensors) {}

    /** Compares every file. */
    public List<FileResult> run() {
        List<FileResult> results = new ArrayList<>();
        try (CausalLm teacher = ModelFolder.load(engine, folder.resolve(TEACHER))) {
            results.add(forward(TEACHER, teacher, "attention."));
            for (String name : students()) {
                results.addAll(student(name, teacher));
            }
        }
        return results;
    }

    private List<String> students() {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.filter(Files::isDirectory)
                    .map(path -> path.getFileName().toString())
                    .filter(name -> !name.equals(TEACHER))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new InvalidInputException(folder + ": cannot be listed: " + e.getMessage(), e);
        }
    }

    private List<FileResult> student(String name, CausalLm teacher) {
        List<FileResult> results = new ArrayList<>();
        try (CausalLm student = ModelFolder.load(engine, folder.resolve(name))) {
            results.add(forward(name, student, "mixer_matrix."));
            results.addAll(stages(name, student, teacher));
        }
        return results;
    }

    /** Each stage that there is golden data for. */
    private List<FileResult> stages(String name, CausalLm student, CausalLm teacher) {
        ModelFormat format = ModelFolder.format(folder.resolve(name));
        Function<String, String> fileName = parameter -> format.fileName(student.config(), parameter);
        Objective distillation = new KnowledgeDistillation(
                teacher, student, DistillationFunction.Weights.PLAIN, false, GoldenParity::everyParameter);
        Map<String, Objective> objectives = new LinkedHashMap<>();
        objectives.put(
                "_stage1",
                new MatrixOrientation(teacher, student, GoldenParity::everyLayer, GoldenParity::everyParameter));
        objectives.put("_stage2_mixer", alignment(teacher, student, HiddenStateAlignment.Target.MIXER));
        objectives.put("_stage2_block", alignment(teacher, student, HiddenStateAlignment.Target.BLOCK));
        objectives.put("_stage3", distillation);
        List<FileResult> results = new ArrayList<>();
        objectives.forEach((stage, objective) -> {
            String file = name + stage + SUFFIX;
            if (isPresent(file)) {
                results.add(gradients(file, fileName, objective));
            }
        });
        String trajectory = name + "_stage3_adamw5" + SUFFIX;
        if (isPresent(trajectory)) {
            results.add(trajectory(trajectory, student, fileName, distillation));
        }
        return results;
    }

    private static Objective alignment(CausalLm teacher, CausalLm student, HiddenStateAlignment.Target target) {
        return new HiddenStateAlignment(
                teacher, student, target, GoldenParity::everyLayer, GoldenParity::everyParameter);
    }

    private boolean isPresent(String file) {
        return Files.exists(folder.resolve(file));
    }

    private FileResult forward(String name, CausalLm model, String matrixName) {
        String file = name + EXPECTED;
        try (TensorSource expected = open(file);
                Scope scope = engine.scope()) {
            GoldenComparison comparison = new GoldenComparison(engine, folder.resolve(file), expected);
            Tensor h = model.embed(ids(expected));
            for (int i = 0; i < model.blocks().size(); i++) {
                comparison.checkIfPresent("block_input." + i, h);
                Block block = model.blocks().get(i);
                Tensor u = block.mixerInput(h);
                MixingMatrix matrix = block.mixer().matrix(u);
                comparison.checkIfPresent(matrixName + i, matrix.materialize());
                Tensor mixed = block.mixer().forward(u, matrix);
                comparison.checkIfPresent("mixer_output." + i, mixed);
                h = block.combine(h, u, mixed);
                comparison.checkIfPresent("block_output." + i, h);
            }
            Tensor logits = model.head(model.finalNorm(h)).logits();
            comparison.check("logits", logits.reshape(h.dim(0), h.dim(1), logits.dim(1)));
            comparison.requireAllCompared();
            return comparison.result();
        }
    }

    private FileResult gradients(String file, Function<String, String> fileName, Objective objective) {
        try (TensorSource expected = open(file);
                Scope scope = engine.scope()) {
            GoldenComparison comparison = new GoldenComparison(engine, folder.resolve(file), expected);
            Tensor batch = batch();
            Objective.Result result = objective.evaluate(batch, batch.reshape(-1));
            comparison.check("loss", stack(result.losses()));
            Map<String, Tensor> byFileName = new LinkedHashMap<>();
            result.gradients().forEach((name, gradient) -> byFileName.put("grad." + fileName.apply(name), gradient));
            for (String name : expected.names()) {
                if (name.startsWith("grad.")) {
                    Tensor gradient = byFileName.remove(name);
                    comparison.check(
                            name,
                            gradient == null
                                    ? engine.zeros(expected.info(name).shape().toArray())
                                    : gradient);
                }
            }
            byFileName.forEach(comparison::checkZero);
            return comparison.result();
        }
    }

    private FileResult trajectory(
            String file, CausalLm student, Function<String, String> fileNames, Objective objective) {
        try (TensorSource expected = open(file);
                Scope scope = engine.scope();
                AdamW optimizer = new AdamW(engine, ADAMW)) {
            GoldenComparison comparison = new GoldenComparison(engine, folder.resolve(file), expected);
            List<Tensor> losses = new ArrayList<>();
            Tensor batch = batch();
            long steps = expected.info("loss").shape().size();
            for (long step = 0; step < steps; step++) {
                Objective.Result result = objective.evaluate(batch, batch.reshape(-1));
                losses.addAll(result.losses());
                optimizer.step(objective.trained(), result.gradients(), LEARNING_RATE);
            }
            comparison.check("loss", stack(losses));
            student.parameters().forEach((name, parameter) -> {
                String fileName = fileNames.apply(name);
                if (expected.contains(fileName)) {
                    comparison.check(fileName, parameter.value());
                }
            });
            return comparison.result();
        }
    }

    private Tensor batch() {
        try (TensorSource expected = open(TEACHER + EXPECTED)) {
            return ids(expected);
        }
    }

    private Tensor ids(TensorSource source) {
        return engine.tensor(source.tensor(GoldenComparison.IDS), DType.INT32);
    }

    private TensorSource open(String file) {
        return TensorSource.open(folder.resolve(file));
    }

    private static boolean everyLayer(int layer) {
        return true;
    }

    private static boolean everyParameter(String name) {
        return true;
    }

    private static Tensor stack(List<Tensor> scalars) {
        return Tensor.concat(0, scalars.stream().map(loss -> loss.reshape(1)).toList());
    }
}
