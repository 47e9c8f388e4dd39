package org.mohawk4j.dl4j.learning;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.mohawk4j.Arguments;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.nd4j.NdArrays;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.op.AdamWFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.HostSource;
import org.mohawk4j.train.optimizer.Optimizer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.GradientUpdater;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.regularization.Regularization;
import org.nd4j.linalg.learning.regularization.Regularization.ApplyStep;

/**
 * Any updater of ND4J's as an optimizer, on an engine that computes with ND4J. Regularization is for matrices
 * (parameters of rank 2 or more), before or after the updater as DL4J applies it.
 */
public final class UpdaterOptimizer implements Optimizer {
    private static final int MATRIX_RANK = 2;
    private static final String STATE = ".updater_state";

    private final Engine engine;
    private final IUpdater updater;
    private final List<Regularization> regularization;
    private final double clipNorm;
    private final Map<String, GradientUpdater<?>> states = new LinkedHashMap<>();
    private final Map<String, INDArray> memory = new LinkedHashMap<>();
    private int iteration;

    /**
     * @param updater whose learning rate each step replaces, where it has one
     * @param clipNorm the global gradient norm above which gradients are scaled down to it; 0: no clipping
     * @throws InvalidInputException if the engine does not compute with ND4J
     */
    public UpdaterOptimizer(Engine engine, IUpdater updater, List<Regularization> regularization, double clipNorm) {
        if (!engine.backend().name().equals("nd4j")) {
            throw new InvalidInputException(
                    "ND4J's updater " + updater.getClass().getSimpleName() + ": expected the backend nd4j, found "
                            + engine.backend().name());
        }
        Arguments.notNegative("clip norm", clipNorm);
        this.engine = engine;
        this.updater = updater.clone();
        this.regularization = List.copyOf(regularization);
        this.clipNorm = clipNorm;
    }

    @Override
    public void update(
            Map<String, Parameter> parameters, Map<String, Tensor> gradients, Tensor norm, double learningRate) {
        if (updater.hasLearningRate()) {
            updater.setLrAndSchedule(learningRate, null);
        }
        try (Scope work = engine.scope()) {
            double scale =
                    clipNorm > 0 ? AdamWFunction.clipScale(norm, clipNorm).item() : 1;
            parameters.forEach((name, parameter) -> {
                Tensor gradient = gradients.get(name);
                if (gradient != null) {
                    update(name, NdArrays.share(parameter.value()), NdArrays.share(gradient.mul(scale)), learningRate);
                }
            });
            iteration++;
        }
    }

    @Override
    public int steps() {
        return iteration;
    }

    @Override
    public Map<String, Tensor> moments() {
        Map<String, Tensor> all = new LinkedHashMap<>();
        memory.forEach((name, view) -> all.put(name + STATE, NdArrays.share(engine, view)));
        return all;
    }

    @Override
    public void restore(int updates, Map<String, ? extends HostSource> saved) {
        close();
        saved.forEach((key, numbers) -> {
            if (key.endsWith(STATE)) {
                String name = key.substring(0, key.length() - STATE.length());
                try (Scope scope = engine.scope()) {
                    INDArray view = NdArrays.toINDArray(engine.tensor(numbers, engine.parameterType()));
                    memory.put(name, view);
                    states.put(name, updater.instantiate(view, false));
                }
            }
        });
        iteration = updates;
    }

    /** @param gradient a copy, which becomes the update */
    private void update(String name, INDArray value, INDArray gradient, double learningRate) {
        GradientUpdater<?> state = states.computeIfAbsent(name, n -> newState(n, gradient));
        regularize(ApplyStep.BEFORE_UPDATER, value, gradient, learningRate);
        state.applyUpdater(gradient.reshape(new long[] {gradient.length()}), iteration, 0);
        regularize(ApplyStep.POST_UPDATER, value, gradient, learningRate);
        value.subi(gradient);
    }

    private void regularize(ApplyStep when, INDArray value, INDArray gradient, double learningRate) {
        if (value.rank() >= MATRIX_RANK) {
            for (Regularization each : regularization) {
                if (each.applyStep() == when) {
                    each.apply(value, gradient, learningRate, iteration, 0);
                }
            }
        }
    }

    private GradientUpdater<?> newState(String name, INDArray gradient) {
        long size = updater.stateSize(gradient.length());
        if (size == 0) {
            return updater.instantiate((INDArray) null, true);
        }
        INDArray view = Nd4j.zeros(gradient.dataType(), size);
        memory.put(name, view);
        return updater.instantiate(view, true);
    }

    @Override
    public void close() {
        memory.values().forEach(INDArray::close);
        memory.clear();
        states.clear();
    }
}
