package org.mohawk4j.train;

import java.util.List;
import java.util.Map;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.metrics.SkippedStep;
import org.mohawk4j.train.metrics.StepMetrics;
import org.mohawk4j.train.report.RunResult;

/** Several listeners as one, told in order. */
record TrainingListeners(List<TrainingListener> all) implements TrainingListener {
    TrainingListeners {
        all = List.copyOf(all);
    }

    @Override
    public void onFact(String subject, String fact) {
        all.forEach(listener -> listener.onFact(subject, fact));
    }

    @Override
    public void onTextWritten(long done, long total, double tokensPerSecond) {
        all.forEach(listener -> listener.onTextWritten(done, total, tokensPerSecond));
    }

    @Override
    public void onStageStart(int stage, int steps) {
        all.forEach(listener -> listener.onStageStart(stage, steps));
    }

    @Override
    public boolean readsGradients(int stage, int step) {
        return all.stream().anyMatch(listener -> listener.readsGradients(stage, step));
    }

    @Override
    public void onGradientCalculation(
            int stage, int step, Map<String, Parameter> trained, Map<String, Tensor> gradients) {
        all.forEach(listener -> listener.onGradientCalculation(stage, step, trained, gradients));
    }

    @Override
    public void iterationDone(StepMetrics metrics) {
        all.forEach(listener -> listener.iterationDone(metrics));
    }

    @Override
    public void onFault(SkippedStep fault) {
        all.forEach(listener -> listener.onFault(fault));
    }

    @Override
    public void onStageEnd(int stage) {
        all.forEach(listener -> listener.onStageEnd(stage));
    }

    @Override
    public void onEvaluated(RunResult result) {
        all.forEach(listener -> listener.onEvaluated(result));
    }
}
