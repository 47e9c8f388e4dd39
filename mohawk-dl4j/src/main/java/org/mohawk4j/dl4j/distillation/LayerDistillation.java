package org.mohawk4j.dl4j.distillation;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.deeplearning4j.nn.api.Layer;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.nd4j.NdArrays;
import org.mohawk4j.dl4j.layer.MatrixMixerLayer;
import org.mohawk4j.dl4j.learning.UpdaterOptimizer;
import org.mohawk4j.matrix.DenseMatrix;
import org.mohawk4j.matrix.FrobeniusDistance;
import org.mohawk4j.mixer.MatrixMixer;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.op.loss.DistanceFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Gradients;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.train.optimizer.Optimizer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.regularization.Regularization;

/**
 * Stages 1 and 2 of MOHAWK (arXiv 2408.10189) between a layer of one DL4J network and a {@link MatrixMixerLayer} of
 * another: no labels, only inputs of the teacher's network. Each call is a step on one batch; the student's parameters
 * change in the student's network.
 *
 * <p>DL4J's attention looks both ways and a mixer only back, so stage 1 compares what is on and below the diagonal.
 * Sequences are taken as whole: masks are not passed on. A fresh object, with fresh moments, is for each stage.
 */
public final class LayerDistillation implements AutoCloseable {
    private final TeacherLayer teacher;
    private final MatrixMixer student;
    private final Engine engine;
    private final IUpdater updater;
    private final Optimizer optimizer;
    private int iteration;

    /**
     * @param student of a network that is initialized
     * @param updater its learning rate may follow a schedule, by steps of this object
     * @param regularization of the student's matrices
     * @throws InvalidInputException if the student's layer is no mixer
     */
    public LayerDistillation(
            TeacherLayer teacher, Layer student, IUpdater updater, List<Regularization> regularization) {
        this.teacher = teacher;
        this.student = MatrixMixerLayer.mixerOf(student);
        this.engine = this.student.engine();
        this.updater = updater;
        this.optimizer = new UpdaterOptimizer(engine, updater, regularization, 1.0);
    }

    /**
     * Stage 1: the mean over batch and heads of the Frobenius norm of the teacher's matrix minus the student's.
     *
     * @param features inputs of the teacher's network
     * @return the loss before the step
     * @throws InvalidInputException if the teacher's layer has no mixing matrix, or another number of heads
     */
    public double matrixOrientation(INDArray... features) {
        return step(features, (u, output) -> {
            Tensor target = AttentionMatrix.of(teacher.layer(), u).tril(0, 0);
            if (target.dim(1) != student.heads()) {
                throw new InvalidInputException("stage 1: expected a student with the teacher's " + target.dim(1)
                        + " heads, found " + student.heads());
            }
            return () -> FrobeniusDistance.between(engine, new DenseMatrix(target), student.matrix(u));
        });
    }

    /**
     * Stage 2: the mean over batch and time of the Euclidean norm along D of the teacher's output minus the student's.
     *
     * @param features inputs of the teacher's network
     * @return the loss before the step
     * @throws InvalidInputException if the teacher's output has another width than the student's
     */
    public double hiddenStateAlignment(INDArray... features) {
        return step(features, (u, output) -> {
            if (!u.shape().equals(output.shape())) {
                throw new InvalidInputException("stage 2: expected a teacher's output of the student's shape "
                        + u.shape() + ", found " + output.shape());
            }
            return () -> DistanceFunction.apply(output, student.forward(u));
        });
    }

    private interface Stage {
        /** What does not depend on the student is computed at once; the rest, when a tape is there. */
        Supplier<Tensor> loss(Tensor u, Tensor output);
    }

    private double step(INDArray[] features, Stage stage) {
        TeacherLayer.Pass pass = teacher.run(features);
        try (Scope scope = engine.scope()) {
            Supplier<Tensor> loss = stage.loss(tensor(pass.input()), tensor(pass.output()));
            Map<String, Parameter> parameters = student.parameters();
            List<Tensor> watched =
                    parameters.values().stream().map(Parameter::value).toList();
            try (Tape tape = engine.tape(watched)) {
                Tensor value = loss.get();
                double before = value.item();
                Gradients gradients = tape.gradients(value);
                Map<String, Tensor> byName = new LinkedHashMap<>();
                parameters.forEach((name, parameter) ->
                        gradients.of(parameter.value()).ifPresent(gradient -> byName.put(name, gradient)));
                optimizer.step(parameters, byName, updater.getLearningRate(iteration++, 0));
                return before;
            }
        }
    }

    /** [B,D,T] to [B,T,D]. */
    private Tensor tensor(INDArray activations) {
        if (activations.rank() != 3) {
            throw new InvalidInputException(
                    "teacher: expected activations [B,D,T], found " + Shape.of(activations.shape()));
        }
        Tensor copy = engine.zeros(activations.size(0), activations.size(2), activations.size(1));
        NdArrays.share(copy).assign(activations.permute(0, 2, 1));
        return copy;
    }

    @Override
    public void close() {
        optimizer.close();
    }
}
