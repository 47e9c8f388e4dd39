package org.mohawk4j.dl4j.learning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.nn.Linear;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.train.optimizer.Optimizer;
import org.mohawk4j.train.schedule.WarmupStableDecaySchedule;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.AMSGrad;
import org.nd4j.linalg.learning.config.AdaBelief;
import org.nd4j.linalg.learning.config.AdaDelta;
import org.nd4j.linalg.learning.config.AdaGrad;
import org.nd4j.linalg.learning.config.AdaMax;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nadam;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.learning.config.RmsProp;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.learning.regularization.L2Regularization;
import org.nd4j.linalg.learning.regularization.Regularization;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

class UpdaterOptimizerTest {
    private static final int STEPS = 5;

    private Engine engine;

    @BeforeEach
    void open() {
        engine = Engine.open("nd4j", BackendOptions.defaults().withParameterType(DType.FLOAT64));
    }

    @AfterEach
    void close() {
        engine.close();
    }

    @Test
    void withItsWeightDecayItIsTheAdamWOfOurTraining() {
        org.mohawk4j.train.optimizer.AdamW.Config config =
                new org.mohawk4j.train.optimizer.AdamW.Config(0.9, 0.95, 1e-8, 0.1, 1.0);
        double[] expected = train(new org.mohawk4j.train.optimizer.AdamW(engine, config));

        double[] actual = train(
                new UpdaterOptimizer(engine, new AdamW(1, 0.9, 0.95, 1e-8), List.of(AdamW.weightDecay(0.1)), 1.0));

        assertThat(actual).usingComparatorWithPrecision(1e-12).containsExactly(expected);
    }

    static Stream<IUpdater> updaters() {
        return Stream.of(
                new Sgd(),
                new Adam(),
                new AdamW(1, 0.9, 0.95, 1e-8),
                new AdaMax(),
                new Nadam(),
                new AMSGrad(),
                new Nesterovs(),
                new RmsProp(),
                new AdaGrad(),
                new AdaDelta(),
                new NoOp());
    }

    /** DL4J applies the same updater to the same gradients. */
    @ParameterizedTest
    @MethodSource("updaters")
    void anUpdaterDoesWhatItDoesInADl4jNetwork(IUpdater updater) {
        List<Regularization> regularization = List.of(new L2Regularization(0.05));
        double rate = updater.hasLearningRate() ? 0.03 : Double.NaN;
        IUpdater own = updater.clone();
        if (own.hasLearningRate()) {
            own.setLrAndSchedule(rate, null);
        }
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder()
                .dataType(DataType.DOUBLE)
                .updater(own)
                .list()
                .layer(new OutputLayer.Builder(LossFunction.MSE)
                        .nIn(3)
                        .nOut(2)
                        .activation(Activation.IDENTITY)
                        .regularization(regularization)
                        .build())
                .build());
        network.init();
        INDArray x = Nd4j.createFromArray(new double[][] {{1, -2, 0.5}});
        INDArray y = Nd4j.createFromArray(new double[][] {{0.3, -0.7}});
        Linear linear = new Linear(engine, 3, 2, true, new SplittableRandom(0));
        network.setParam("0_W", array(linear.weight(), 2, 3).transpose());
        network.setParam("0_b", array(linear.bias().orElseThrow(), 1, 2));

        try (Optimizer optimizer = new UpdaterOptimizer(engine, updater, regularization, 0)) {
            for (int step = 0; step < STEPS; step++) {
                network.fit(x, y);
                step(linear, optimizer, rate);
            }
        }

        assertThat(linear.weight().toDoubles())
                .usingComparatorWithPrecision(1e-10)
                .containsExactly(
                        network.getParam("0_W").transpose().dup('c').data().asDouble());
    }

    /** In M2.1 it expects a matrix where it has just made a row. The documentation says so; this notices a repair. */
    @Test
    void adaBeliefIsBrokenInNd4jItself() {
        assertThatThrownBy(() -> new AdaBelief().instantiate(Nd4j.zeros(DataType.DOUBLE, 8), true))
                .isInstanceOf(ArrayIndexOutOfBoundsException.class);
    }

    @Test
    void aFreshUpdaterRemembersNothing() {
        IUpdater updater = new AdamW(1, 0.9, 0.95, 1e-8);

        assertThat(train(new UpdaterOptimizer(engine, updater, List.of(), 0)))
                .containsExactly(train(new UpdaterOptimizer(engine, updater, List.of(), 0)));
    }

    @Test
    void adamWGoesThroughJsonWithItsSchedule() {
        MultiLayerConfiguration configuration = new NeuralNetConfiguration.Builder()
                .updater(new AdamW(new WarmupStableDecaySchedule(1e-3, 2, 10, 3, 0.1), 0.9, 0.95, 1e-8))
                .regularization(List.of(AdamW.weightDecay(0.1)))
                .list()
                .layer(new OutputLayer.Builder(LossFunction.MSE).nIn(3).nOut(2).build())
                .build();

        assertThat(MultiLayerConfiguration.fromJson(configuration.toJson())).isEqualTo(configuration);
        assertThat(configuration.toJson()).contains("org.mohawk4j.train.schedule.WarmupStableDecaySchedule");
    }

    @ParameterizedTest
    @MethodSource("updaters")
    void savedMomentsGoOnToTheSameBits(IUpdater updater) {
        Linear linear = new Linear(engine, 3, 2, true, new SplittableRandom(0));
        Linear other = new Linear(engine, 3, 2, true, new SplittableRandom(0));
        try (Optimizer whole = new UpdaterOptimizer(engine, updater, List.of(), 0);
                Optimizer rest = new UpdaterOptimizer(engine, updater, List.of(), 0)) {
            step(linear, whole, 0.1);
            step(linear, whole, 0.1);
            Map<String, HostTensor> saved = new LinkedHashMap<>();
            whole.moments().forEach((name, tensor) -> saved.put(name, tensor.toHost()));
            other.parameters()
                    .forEach((name, parameter) ->
                            parameter.set(linear.parameters().get(name)));
            rest.restore(whole.steps(), saved);
            step(linear, whole, 0.1);
            step(other, rest, 0.1);
        }
        assertThat(other.weight().toDoubles()).containsExactly(linear.weight().toDoubles());
    }

    @Test
    void theNormIsThatOfTheGradientsBeforeClipping() {
        Linear linear = new Linear(engine, 3, 2, true, new SplittableRandom(0));
        try (Optimizer optimizer = new UpdaterOptimizer(engine, new Sgd(), List.of(), 1e-3)) {
            double[] before = linear.weight().toDoubles();
            double norm = step(linear, optimizer, 1.0);
            double[] after = linear.weight().toDoubles();
            double moved = 0;
            for (int i = 0; i < before.length; i++) {
                moved += (after[i] - before[i]) * (after[i] - before[i]);
            }
            assertThat(norm).isGreaterThan(0.1);
            assertThat(Math.sqrt(moved)).isLessThan(1e-3).isGreaterThan(5e-4);
        }
    }

    private double[] train(Optimizer optimizer) {
        Linear linear = new Linear(engine, 3, 2, true, new SplittableRandom(0));
        try (optimizer) {
            for (int i = 0; i < STEPS; i++) {
                assertThat(step(linear, optimizer, 0.01 * (i + 1))).isNotCloseTo(0, within(1e-9));
            }
        }
        return linear.weight().toDoubles();
    }

    /** Half the mean of squares per output, as DL4J's MSE of one example is. */
    private double step(Linear linear, Optimizer optimizer, double rate) {
        Map<String, Parameter> parameters = linear.parameters();
        try (Scope scope = engine.scope();
                Tape tape = engine.tape(
                        parameters.values().stream().map(Parameter::value).toList())) {
            Tensor error = linear.apply(engine.tensor(new double[] {1, -2, 0.5}, 1, 3))
                    .sub(engine.tensor(new double[] {0.3, -0.7}, 1, 2));
            Tensor loss = error.square().mean();
            var gradients = tape.gradients(loss);
            Map<String, Tensor> byName = new LinkedHashMap<>();
            parameters.forEach((name, parameter) ->
                    gradients.of(parameter.value()).ifPresent(gradient -> byName.put(name, gradient)));
            return optimizer.step(parameters, byName, rate).item();
        }
    }

    private static INDArray array(Tensor tensor, long... shape) {
        return Nd4j.createFromArray(tensor.toDoubles()).reshape('c', shape);
    }
}
