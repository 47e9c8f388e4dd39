package org.mohawk4j.dl4j.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.optimize.listeners.CollectScoresListener;
import org.deeplearning4j.optimize.listeners.PerformanceListener;
import org.deeplearning4j.optimize.listeners.ScoreIterationListener;
import org.deeplearning4j.optimize.listeners.TimeIterationListener;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.data.InMemoryLoader;
import org.mohawk4j.data.TokenSequence;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.nn.Linear;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.train.loop.Trainer;
import org.mohawk4j.train.optimizer.AdamW;
import org.mohawk4j.train.schedule.CosineSchedule;
import org.mohawk4j.train.stage.Objective;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

class RunTest {
    private static final int CONTEXT = 3;

    private Engine engine;
    private final TokenSequence text =
            TokenSequence.of("text", IntStream.range(0, 7 * CONTEXT + 1).toArray());

    @BeforeEach
    void open() {
        engine = Engine.open("nd4j", BackendOptions.defaults());
    }

    @AfterEach
    void close() {
        engine.close();
    }

    @Test
    void anEpochHasEachWindowAtMostOnceWithItsSuccessorsAsLabels() {
        TokenWindowIterator iterator = new TokenWindowIterator(new TokenWindows(text, CONTEXT), 2, 30, 1);
        for (int epoch = 0; epoch < 2; epoch++) {
            Set<Integer> firsts = new HashSet<>();
            while (iterator.hasNext()) {
                MultiDataSet data = iterator.next();
                assertThat(data.getFeatures(0).shape()).containsExactly(2, 1, CONTEXT);
                assertThat(data.getLabels(0).shape()).containsExactly(2, 30, CONTEXT);
                assertThat(data.getLabels(0).sumNumber().intValue()).isEqualTo(2 * CONTEXT);
                for (int b = 0; b < 2; b++) {
                    firsts.add(data.getFeatures(0).getInt(b, 0, 0));
                    for (int t = 0; t < CONTEXT; t++) {
                        int id = data.getFeatures(0).getInt(b, 0, t);
                        assertThat(data.getLabels(0).getInt(b, id + 1, t)).isEqualTo(1);
                    }
                }
            }
            assertThat(firsts).hasSizeGreaterThanOrEqualTo(5).allMatch(first -> first % CONTEXT == 0);
            assertThatThrownBy(iterator::next).isInstanceOf(NoSuchElementException.class);
            iterator.reset();
        }
    }

    @Test
    void aTextWithoutABatchIsRefused() {
        assertThatThrownBy(() -> new TokenWindowIterator(new TokenWindows(text, CONTEXT), 8, 30, 1))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("text text: expected at least 8 windows of context 3, one batch, found 7");
        assertThatThrownBy(() -> new TokenWindowIterator(new TokenWindows(text, CONTEXT), 2, 20, 1))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("found 20");
    }

    @Test
    void dl4jsListenersHearTheLossOfEachStep() {
        List<Double> losses = new ArrayList<>();
        List<String> calls = new ArrayList<>();
        CollectScoresListener scores = new CollectScoresListener(1);
        ListenerBridge bridge = new ListenerBridge(
                scores, new ScoreIterationListener(1), new TimeIterationListener(4), new BaseTrainingListener() {
                    @Override
                    public void onEpochStart(Model model) {
                        calls.add("start");
                    }

                    @Override
                    public void iterationDone(Model model, int iteration, int epoch) {
                        losses.add(model.score());
                        calls.add(iteration + "/" + epoch);
                    }

                    @Override
                    public void onEpochEnd(Model model) {
                        calls.add("end");
                    }
                });
        Trainer trainer = new Trainer(engine, new InMemoryLoader(new TokenWindows(text, CONTEXT), 2, 0), bridge);
        AdamW.Config adamW = new AdamW.Config(0.9, 0.95, 1e-8, 0, 0);

        Pull objective = new Pull();
        trainer.run(1, objective, adamW, new CosineSchedule(0.1, 0, 2, 0), 2);
        trainer.run(3, objective, adamW, new CosineSchedule(0.1, 0, 2, 0), 2);

        assertThat(calls).containsExactly("start", "0/0", "1/0", "end", "start", "2/2", "3/2", "end");
        assertThat(losses).hasSize(4).doesNotHaveDuplicates();
        assertThat(scores.getListIteration().toIntArray()).containsExactly(0, 1, 2, 3);
        assertThat(scores.getListScore().toDoubleArray())
                .containsExactly(
                        losses.stream().mapToDouble(Double::doubleValue).toArray());
    }

    @Test
    void aListenerThatWantsMoreThanAScoreIsToldSo() {
        ListenerBridge bridge = new ListenerBridge(new PerformanceListener(1));
        Trainer trainer = new Trainer(engine, new InMemoryLoader(new TokenWindows(text, CONTEXT), 2, 0), bridge);

        assertThatThrownBy(() -> trainer.run(
                        1, new Pull(), new AdamW.Config(0.9, 0.95, 1e-8, 0, 0), new CosineSchedule(0.1, 0, 2, 0), 2))
                .isInstanceOf(UnsupportedOperationException.class)
                .hasMessageStartingWith("a distillation is no DL4J model: it has a score, but not ");
    }

    @Test
    void weightsAreTheModelsOwnMemoryAndComeBack() {
        Linear linear = new Linear(engine, 2, 3, true, new SplittableRandom(1));
        Map<String, INDArray> weights = ModelWeights.of(linear);
        assertThat(weights).containsOnlyKeys("weight", "bias");

        weights.get("bias").assign(7);

        assertThat(linear.bias().orElseThrow().toDoubles()).containsExactly(7, 7, 7);
        Linear other = new Linear(engine, 2, 3, true, new SplittableRandom(2));
        ModelWeights.copyInto(other, weights);
        assertThat(other.weight().toDoubles()).containsExactly(linear.weight().toDoubles());
    }

    @Test
    void weightsThatDoNotFitAreRefusedAndNothingChanges() {
        Linear linear = new Linear(engine, 2, 3, true, new SplittableRandom(1));
        double[] before = linear.weight().toDoubles();
        Map<String, INDArray> weights = new LinkedHashMap<>();
        weights.put("weight", Nd4j.ones(DataType.FLOAT, 3, 2));

        assertThatThrownBy(() -> ModelWeights.copyInto(linear, weights))
                .hasMessage("weights: expected bias of shape [3], found none");
        weights.put("bias", Nd4j.ones(DataType.FLOAT, 4));
        assertThatThrownBy(() -> ModelWeights.copyInto(linear, weights))
                .hasMessage("weights: expected bias of shape [3], found shape [4]");
        weights.put("gain", Nd4j.ones(DataType.FLOAT, 4));
        assertThatThrownBy(() -> ModelWeights.copyInto(linear, weights))
                .hasMessage("weights: expected names of the model's 2 parameters, found gain");
        assertThat(linear.weight().toDoubles()).containsExactly(before);
    }

    /** Pulls a weight to zero. */
    private final class Pull implements Objective {
        private final Linear linear = new Linear(engine, 2, 1, false, new SplittableRandom(4));

        @Override
        public Map<String, Parameter> trained() {
            return linear.parameters();
        }

        @Override
        public double flopsPerToken() {
            return 0;
        }

        @Override
        public Result evaluate(Tensor ids, Tensor labels) {
            try (Scope scope = engine.scope();
                    Tape tape = engine.tape(List.of(linear.weight()))) {
                Tensor loss = scope.keep(linear.weight().square().sum());
                Tensor gradient =
                        scope.keep(tape.gradients(loss).of(linear.weight()).orElseThrow());
                return new Result(List.of(loss), Map.of("weight", gradient));
            }
        }
    }
}
