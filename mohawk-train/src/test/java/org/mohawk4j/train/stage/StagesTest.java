package org.mohawk4j.train.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.mohawk4j.testing.TensorAssert.assertClose;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.loss.DistillationFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.train.optimizer.AdamW;

class StagesTest {
    private static final Path GOLDEN = Path.of(System.getProperty("mohawk.golden", "../src/test/golden"));
    private static final AdamW.Config ADAMW = new AdamW.Config(0.9, 0.95, 1e-8, 0.1, 1);

    private Engine engine;
    private CausalLm teacher;

    @BeforeEach
    void open() {
        engine = Engine.open("nd4j", BackendOptions.defaults());
        teacher = ModelFolder.load(engine, GOLDEN.resolve("teacher"));
    }

    @AfterEach
    void close() {
        engine.close();
    }

    @Test
    void stageOneTrainsOnlyWhatTheMatrixDependsOn() {
        Objective objective = plan(List.of(), List.of()).matrixOrientation();

        assertThat(trainedNames(objective))
                .containsExactly("mixer.D", "mixer.conv1d.bias", "mixer.conv1d.weight", "mixer.in_proj.weight");
    }

    @Test
    void stageTwoTrainsTheMixerOrTheBlock() {
        StagePlan plan = plan(List.of(), List.of());

        assertThat(trainedNames(plan.hiddenStateAlignment(HiddenStateAlignment.Target.MIXER)))
                .containsExactly(
                        "mixer.D",
                        "mixer.conv1d.bias",
                        "mixer.conv1d.weight",
                        "mixer.in_proj.weight",
                        "mixer.out_proj.weight",
                        "mixer.z_bias");
        assertThat(trainedNames(plan.hiddenStateAlignment(HiddenStateAlignment.Target.BLOCK)))
                .contains("input_layernorm.weight", "mlp.fc1.weight", "mixer.in_proj.weight");
    }

    @Test
    void stageThreeTrainsAllButWhatIsFrozen() {
        Map<String, ?> trained = plan(List.of(), List.of("*.mlp.*", "embedding.weight"))
                .knowledgeDistillation(DistillationFunction.Weights.PLAIN)
                .trained();

        assertThat(trained).containsKeys("lm_head.weight", "layers.2.mixer.in_proj.weight");
        assertThat(trained.keySet()).noneMatch(name -> name.contains(".mlp.") || name.startsWith("embedding"));
    }

    @Test
    void layersThatKeepTheirAttentionAreNotAligned() {
        Objective objective = plan(List.of(1), List.of()).matrixOrientation();

        assertThat(objective.trained().keySet()).noneMatch(name -> name.startsWith("layers.1."));
        try (Scope scope = engine.scope()) {
            assertThat(evaluate(objective, scope).losses()).hasSize(2);
        }
    }

    @Test
    void nothingToTrainIsRefused() {
        StagePlan plan = plan(List.of(0, 1, 2), List.of());

        assertThatThrownBy(plan::matrixOrientation)
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("matrix orientation has nothing to train");
    }

    @Test
    void aFreezePatternThatMeetsNothingIsRefused() {
        assertThatThrownBy(() -> plan(List.of(), List.of("layers.9.*")))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("layers.9.*");
    }

    @Test
    void everyStageLowersItsLoss() {
        StagePlan plan = plan(List.of(), List.of());
        for (Objective objective : List.of(
                plan.matrixOrientation(),
                plan.hiddenStateAlignment(HiddenStateAlignment.Target.MIXER),
                plan.knowledgeDistillation(DistillationFunction.Weights.PLAIN))) {
            double first = step(objective, null);
            try (AdamW optimizer = new AdamW(engine, ADAMW)) {
                for (int i = 0; i < 8; i++) {
                    step(objective, optimizer);
                }
            }
            assertThat(step(objective, null)).isLessThan(first);
        }
    }

    @Test
    void sixtyStepsOfEachStageHoldConstantMemory() {
        StagePlan plan = plan(List.of(1), List.of());
        for (Objective objective : List.of(
                plan.matrixOrientation(),
                plan.hiddenStateAlignment(HiddenStateAlignment.Target.BLOCK),
                plan.knowledgeDistillation(DistillationFunction.Weights.PLAIN))) {
            try (AdamW optimizer = new AdamW(engine, ADAMW)) {
                long live = 0;
                long reserved = 0;
                for (int i = 1; i <= 60; i++) {
                    step(objective, optimizer);
                    if (i == 10) {
                        live = engine.backend().memory().liveBytes();
                        reserved = engine.backend().memory().reservedBytes();
                    }
                }
                assertThat(engine.backend().memory().liveBytes()).isEqualTo(live);
                assertThat(engine.backend().memory().reservedBytes()).isEqualTo(reserved);
            }
        }
    }

    @Test
    void theSameSeedGivesTheSameStudent() {
        assertThat(trainedWeights()).isEqualTo(trainedWeights());
    }

    /** What stages 1 and 2 hold at most, beyond both models, is that of one layer however many there are. */
    @Test
    void memoryOfStagesOneAndTwoDoesNotGrowWithTheNumberOfLayers() {
        assertThat(reservedForAlignment(8)).isLessThan(reservedForAlignment(2) * 5 / 4);
    }

    @Test
    void recomputedBlocksGiveTheSameLossAndGradientsInLessMemory() {
        CausalLm deep = deep(engine, 6);
        MixerPlan mixers = deepMixers(deep.config());
        StagePlan plan = new StagePlan(deep, mixers.student(deep, new SplittableRandom(2)), mixers, List.of());
        Evaluated recomputed = evaluated(plan.knowledgeDistillation(DistillationFunction.Weights.PLAIN, true));
        Evaluated stored = evaluated(plan.knowledgeDistillation(DistillationFunction.Weights.PLAIN, false));

        assertThat(recomputed.loss()).isEqualTo(stored.loss());
        assertThat(recomputed.gradients().keySet())
                .isEqualTo(stored.gradients().keySet())
                .isNotEmpty();
        recomputed
                .gradients()
                .forEach((name, gradient) -> assertThat(gradient)
                        .as(name)
                        .usingComparatorWithPrecision(1e-7)
                        .containsExactly(stored.gradients().get(name)));
        assertThat(recomputed.peakBytes()).isLessThan(stored.peakBytes() / 2);
    }

    /** Gradients of the cross-entropy, and those of the hidden-state loss, which is computed here as its formula says. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aHiddenStateLossAddsItsGradients(boolean recompute) {
        StagePlan plan = plan(List.of(), List.of());
        TeacherDistribution whole = TeacherDistribution.whole(plan.teacher(), TeacherStates.UNCACHED);
        Evaluated alone =
                evaluated(plan.knowledgeDistillation(whole, DistillationFunction.Weights.PLAIN, 0, recompute));
        Evaluated both = evaluated(plan.knowledgeDistillation(whole, DistillationFunction.Weights.PLAIN, 3, recompute));
        Map<String, double[]> expected = gradientsOfHiddenStates(plan.teacher(), plan.student());

        assertThat(both.loss()).isEqualTo(alone.loss());
        assertThat(expected).containsKeys("embedding.weight", "layers.2.mixer.in_proj.weight");
        both.gradients().forEach((name, gradient) -> {
            double[] sum = alone.gradients().get(name).clone();
            double[] added = expected.getOrDefault(name, new double[sum.length]);
            Arrays.setAll(sum, i -> sum[i] + 3 * added[i]);
            assertClose(name, gradient, sum, 1e-5);
        });
    }

    private Map<String, double[]> gradientsOfHiddenStates(CausalLm teacher, CausalLm student) {
        int[] ids = new SplittableRandom(1).ints(4 * 256, 0, 32).toArray();
        Map<String, Parameter> parameters = student.parameters();
        Map<String, double[]> gradients = new LinkedHashMap<>();
        try (Scope scope = engine.scope()) {
            Tensor input = engine.indices(ids, 4, 256);
            List<Tensor> targets = new ArrayList<>();
            teacher.hidden(input, (h, index) -> targets.add(scope.hold(h)));
            try (Tape tape = engine.tape(
                    parameters.values().stream().map(Parameter::value).toList())) {
                List<Tensor> terms = new ArrayList<>();
                student.hidden(input, (h, index) -> {
                    if (index > 0) {
                        Tensor difference =
                                h.sub(targets.get(index)).square().sum(-1).sqrt();
                        terms.add(difference
                                .div(targets.get(index).square().sum(-1).sqrt())
                                .mean());
                    }
                });
                Tensor mean = terms.stream().reduce(Tensor::add).orElseThrow().mul(1.0 / terms.size());
                tape.gradients(
                        mean,
                        (watched, gradient) -> parameters.forEach((name, parameter) -> {
                            if (parameter.value() == watched) {
                                gradients.put(name, gradient.toDoubles());
                            }
                        }));
            }
        }
        return gradients;
    }

    private record Evaluated(double loss, Map<String, double[]> gradients, long peakBytes) {}

    /** Called with what takes less first: a backend's peak never goes down. */
    private Evaluated evaluated(Objective objective) {
        try (Scope scope = engine.scope()) {
            int[] ids = new SplittableRandom(1).ints(4 * 256, 0, 32).toArray();
            long before = engine.backend().memory().liveBytes();
            Objective.Result result =
                    objective.evaluate(scope.adopt(engine.indices(ids, 4, 256)), engine.indices(ids, 4 * 256));
            Map<String, double[]> gradients = new LinkedHashMap<>();
            result.gradients().forEach((name, gradient) -> gradients.put(name, gradient.toDoubles()));
            return new Evaluated(
                    result.losses().get(0).item(),
                    gradients,
                    engine.backend().memory().peakBytes() - before);
        }
    }

    private static CausalLm deep(Engine own, int layers) {
        MixerConfig attention = new SoftmaxAttention.Config(16, 2, 2, 4, 10_000);
        CausalLmConfig config =
                new CausalLmConfig(32, 16, 32, Activation.GELU_TANH, 1e-5, 512, Collections.nCopies(layers, attention));
        return new CausalLm(own, config, new SplittableRandom(1));
    }

    private static MixerPlan deepMixers(CausalLmConfig config) {
        return MixerPlan.replacing(config, c -> new DiscreteMamba2.Config(16, 2, 2, 8, 4, 32), List.of());
    }

    private long reservedForAlignment(int layers) {
        try (Engine own = Engine.open("nd4j", BackendOptions.defaults())) {
            CausalLm deep = deep(own, layers);
            MixerPlan mixers = deepMixers(deep.config());
            CausalLm student = mixers.student(deep, new SplittableRandom(2));
            StagePlan plan = new StagePlan(deep, student, mixers, List.of());
            long parameters = own.backend().memory().liveBytes();
            for (Objective objective :
                    List.of(plan.matrixOrientation(), plan.hiddenStateAlignment(HiddenStateAlignment.Target.BLOCK))) {
                try (Scope scope = own.scope()) {
                    objective.evaluate(
                            scope.adopt(own.indices(new int[4 * 256], 4, 256)), own.indices(new int[4 * 256], 4 * 256));
                }
            }
            return own.backend().memory().reservedBytes() - parameters;
        }
    }

    private double[] trainedWeights() {
        CausalLm student = mixers(List.of()).student(teacher, new SplittableRandom(3));
        Objective objective = new StagePlan(teacher, student, mixers(List.of()), List.of())
                .knowledgeDistillation(DistillationFunction.Weights.PLAIN);
        try (AdamW optimizer = new AdamW(engine, ADAMW)) {
            for (int i = 0; i < 3; i++) {
                step(objective, optimizer);
            }
        }
        return student.parameters().get("layers.0.mixer.in_proj.weight").value().toDoubles();
    }

    /** One step, or only the loss without an optimizer. */
    private double step(Objective objective, AdamW optimizer) {
        try (Scope scope = engine.scope()) {
            Objective.Result result = evaluate(objective, scope);
            if (optimizer != null) {
                optimizer.step(objective.trained(), result.gradients(), 2e-3);
            }
            return result.losses().stream().mapToDouble(loss -> loss.item()).sum();
        }
    }

    private Objective.Result evaluate(Objective objective, Scope scope) {
        int[] ids = new SplittableRandom(1).ints(2 * 40, 0, 128).toArray();
        return objective.evaluate(scope.adopt(engine.indices(ids, 2, 40)), engine.indices(ids, 80));
    }

    private SortedSet<String> trainedNames(Objective objective) {
        SortedSet<String> names = new TreeSet<>();
        try (Scope scope = engine.scope()) {
            evaluate(objective, scope).gradients().keySet().forEach(name -> {
                assertThat(objective.trained()).containsKey(name);
                names.add(name.replaceFirst("layers\\.\\d+\\.", ""));
            });
        }
        return names;
    }

    private MixerPlan mixers(List<Integer> kept) {
        return MixerPlan.replacing(teacher.config(), own -> new DiscreteMamba2.Config(32, 4, 4, 16, 4, 16), kept);
    }

    private StagePlan plan(List<Integer> kept, List<String> freeze) {
        return new StagePlan(teacher, mixers(kept).student(teacher, new SplittableRandom(1)), mixers(kept), freeze);
    }
}
