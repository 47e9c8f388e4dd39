package org.mohawk4j.dl4j.run;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.List;
import org.deeplearning4j.nn.api.Model;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.metrics.StepMetrics;

/**
 * Lets DL4J's listeners listen to a distillation: {@code ScoreIterationListener}, {@code CollectScoresListener},
 * {@code TimeIterationListener} and all others that ask the model for no more than its score, which is the step's loss.
 * Iterations count from 0 over all stages, as DL4J's do; an epoch is a stage, from 0.
 */
public final class ListenerBridge implements TrainingListener {
    private final List<org.deeplearning4j.optimize.api.TrainingListener> listeners;
    private final Model model;
    private double score = Double.NaN;
    private int iteration;

    /** @param listeners told in this order, on the training thread */
    public ListenerBridge(org.deeplearning4j.optimize.api.TrainingListener... listeners) {
        this.listeners = List.of(listeners);
        this.model = (Model) Proxy.newProxyInstance(
                ListenerBridge.class.getClassLoader(), new Class<?>[] {Model.class}, this::answer);
    }

    @Override
    public void onStageStart(int stage, int steps) {
        listeners.forEach(listener -> listener.onEpochStart(model));
    }

    @Override
    public boolean readsGradients(int stage, int step) {
        return false;
    }

    @Override
    public void iterationDone(StepMetrics metrics) {
        score = metrics.loss();
        listeners.forEach(listener -> listener.iterationDone(model, iteration, metrics.stage() - 1));
        iteration++;
    }

    @Override
    public void onStageEnd(int stage) {
        listeners.forEach(listener -> listener.onEpochEnd(model));
    }

    /** DL4J's model has some fifty methods; a run can answer for its score. */
    private Object answer(Object proxy, Method method, Object[] arguments)
            throws InvocationTargetException, IllegalAccessException {
        if (method.getDeclaringClass() == Object.class) {
            return method.getName().equals("equals") ? proxy == arguments[0] : method.invoke(this, arguments);
        }
        if (method.getName().equals("score") && method.getParameterCount() == 0) {
            return score;
        }
        throw new UnsupportedOperationException("a distillation is no DL4J model: it has a score, but not "
                + method.getName() + "(); this listener cannot listen to it");
    }
}
