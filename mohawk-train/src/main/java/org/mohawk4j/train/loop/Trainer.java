package org.mohawk4j.train.loop;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.mohawk4j.data.DataLoader;
import org.mohawk4j.data.TokenBatch;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.train.checkpoint.Position;
import org.mohawk4j.train.config.FaultConfig;
import org.mohawk4j.train.config.FaultConfig.SpikeAction;
import org.mohawk4j.train.loop.StepGuard.Fault;
import org.mohawk4j.train.metrics.SkippedStep;
import org.mohawk4j.train.metrics.StepMetrics;
import org.mohawk4j.train.optimizer.AdamW;
import org.mohawk4j.train.optimizer.Optimizer;
import org.mohawk4j.train.schedule.LearningRateSchedule;
import org.mohawk4j.train.stage.Objective;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes the steps of one stage: batch, losses and gradients, update. A step with a non-finite loss or gradient norm,
 * or with a loss spike, is counted but updates nothing.
 */
public final class Trainer {
    private static final Logger LOG = LoggerFactory.getLogger(Trainer.class);
    private static final String STOPPED = "stopped";

    private final Engine engine;
    private final DataLoader batches;
    private final TrainingListener listener;
    private final GradientAccumulation parts;
    private final FaultConfig faults;
    private final Parallelism ranks;

    /** Takes each batch at once, and passes over faults as the defaults say. */
    public Trainer(Engine engine, DataLoader batches, TrainingListener listener) {
        this(engine, batches, listener, 1, FaultConfig.defaults());
    }

    /**
     * @param accumulate micro-batches that a batch is taken in, a divisor of B
     * @param faults what becomes of losses that jump
     */
    public Trainer(Engine engine, DataLoader batches, TrainingListener listener, int accumulate, FaultConfig faults) {
        this(engine, batches, listener, accumulate, faults, Parallelism.none());
    }

    /**
     * One rank of several. All are given the same batches, of which each takes its share.
     *
     * @param accumulate micro-batches that a batch is taken in; B is a multiple of this times {@link Parallelism#shares}
     * @param faults what becomes of losses that jump
     */
    public Trainer(
            Engine engine,
            DataLoader batches,
            TrainingListener listener,
            int accumulate,
            FaultConfig faults,
            Parallelism ranks) {
        this.ranks = ranks;
        this.engine = engine;
        this.batches = batches;
        this.listener = listener;
        this.parts = new GradientAccumulation(engine, accumulate, ranks);
        this.faults = faults;
    }

    /** Trains with an AdamW of its own; else as {@link #run(int, Objective, Optimizer, LearningRateSchedule, int)}. */
    public void run(int stage, Objective objective, AdamW.Config optimizer, LearningRateSchedule schedule, int steps) {
        run(stage, objective, new AdamW(engine, optimizer), schedule, steps);
    }

    /**
     * Trains.
     *
     * @param stage from 1, for metrics
     * @param optimizer a fresh one, closed at the end
     * @throws TrainingException if three steps in a row have a loss or gradients that are not finite; none of them
     *     updates anything
     */
    public void run(int stage, Objective objective, Optimizer optimizer, LearningRateSchedule schedule, int steps) {
        StageLength length = new StageLength(schedule, steps);
        try (StageState state = new StageState(stage, optimizer, faults.spikeThreshold(), length)) {
            run(state, objective, StepBoundary.NOTHING);
        }
    }

    /** Takes the steps that a stage still has. */
    public void run(StageState state, Objective objective, StepBoundary boundary) {
        listener.onStageStart(state.stage(), state.length().steps());
        state.dataAt(batches.state());
        ranks.stageStarts();
        Clock clock = new Clock(state.seconds());
        while (state.step() < state.length().steps()) {
            if (!boundary.isStopping()) {
                step(state, objective, clock, boundary);
            }
            boundary.between(state);
        }
        listener.onStageEnd(state.stage());
    }

    /** Seconds that a stage has run, those before this process included. */
    private static final class Clock {
        private final double before;
        private final long begin = System.nanoTime();

        Clock(double before) {
            this.before = before;
        }

        double seconds() {
            return before + (System.nanoTime() - begin) / 1e9;
        }
    }

    /** Takes one step, or none if the boundary wants to stop meanwhile. */
    private void step(StageState state, Objective objective, Clock clock, StepBoundary boundary) {
        TokenBatch batch = batches.next();
        double learningRate = state.length().learningRate(state.step());
        BooleanSupplier shown =
                ranks.agreed("whole gradients", () -> listener.readsGradients(state.stage(), state.step() + 1));
        try (Scope scope = engine.scope()) {
            Optional<Evaluation> evaluated = parts.evaluate(objective, batch, boundary::isStopping);
            if (evaluated.isEmpty()) {
                return;
            }
            Map<String, Parameter> trained = objective.trained();
            Map<String, Tensor> gradients = evaluated.get().gradients();
            Parallelism.Totals totals = ranks.totals(state.optimizer(), trained, evaluated.get());
            List<Double> losses = totals.losses();
            double loss = losses.stream().mapToDouble(Double::doubleValue).sum();
            double norm = Double.isFinite(loss) ? totals.norm().item() : Double.NaN;
            Optional<Fault> fault = state.guard().judge(loss, norm);
            if (fault.isEmpty()) {
                if (shown.getAsBoolean()) {
                    ranks.show(
                            gradients,
                            whole -> listener.onGradientCalculation(state.stage(), state.step() + 1, trained, whole));
                }
                ranks.update(state.optimizer(), trained, gradients, totals.norm(), learningRate);
            }
            ranks.progress();
            state.advance(batch.tokens(), clock.seconds());
            state.dataAt(batches.state());
            listener.iterationDone(new StepMetrics(
                    state.position(),
                    state.tokens(),
                    state.seconds(),
                    loss,
                    losses.size() > 1 ? losses : List.of(),
                    learningRate,
                    norm,
                    extra(state, objective, fault)));
            if (fault.isPresent()) {
                handle(fault.get(), state, loss, norm, batch, boundary);
            }
        }
    }

    private Map<String, Object> extra(StageState state, Objective objective, Optional<Fault> fault) {
        Map<String, Object> extra = new LinkedHashMap<>();
        if (objective.layers().size() > 1) {
            extra.put(StepMetrics.LAYERS, objective.layers());
        }
        extra.put("peak_memory_bytes", engine.backend().memory().peakBytes());
        engine.backend().peakFlops().ifPresent(peak -> {
            double flops = objective.flopsPerToken() * state.tokens() / state.seconds();
            extra.put("model_flop_utilization", flops / (peak * ranks.size()));
        });
        extra.putAll(state.length().after(state.step()));
        fault.ifPresent(found -> extra.put(StepMetrics.FAULT, found.reason()));
        return extra;
    }

    private void handle(
            Fault fault, StageState state, double loss, double norm, TokenBatch batch, StepBoundary boundary) {
        Position place = state.position();
        String action = state.guard().isLost() ? STOPPED : "skipped";
        try {
            if (fault.kind() == Fault.Kind.SPIKE
                    && faults.onSpike() == SpikeAction.ROLL_BACK
                    && boundary.rollBack(state)) {
                state.dataAt(batches.state());
                action = "rolled back to " + state.position();
            }
        } catch (TrainingException e) {
            tell(new SkippedStep(place.stage(), place.step(), fault.reason(), STOPPED, loss, norm, batch.origin()));
            throw e;
        }
        tell(new SkippedStep(place.stage(), place.step(), fault.reason(), action, loss, norm, batch.origin()));
        if (state.guard().isLost()) {
            throw new TrainingException(place + ": " + fault.reason() + "; "
                    + StepGuard.IN_A_ROW
                    + " steps in a row were not finite, and none was trained on; a smaller learning"
                    + " rate may help; " + boundary.lost());
        }
    }

    private void tell(SkippedStep fault) {
        LOG.warn(
                "{}: {}; {}; the batch is {}",
                new Position(fault.stage(), fault.step()),
                fault.reason(),
                fault.action(),
                fault.batch());
        listener.onFault(fault);
    }
}
