package org.mohawk4j.train.stage;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.op.loss.DistillationFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.train.optimizer.AdamW;

/** Chance, such as which thread takes which task, has no part in what a training run on a CPU gives. */
class CpuTrainingTest {
    private static final Path GOLDEN = Path.of(System.getProperty("mohawk.golden", "../src/test/golden"));
    /** Methods are compiled between the first and the last. */
    private static final int STEPS = 6;

    private static final int BATCH = 3;
    /** Several blocks of queries and several chunks, the last of each shorter. */
    private static final int CONTEXT = 150;

    /** A run's losses and what it trained. */
    private record Run(List<Double> losses, List<HostTensor> parameters) {}

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void trainsToTheSameBitsTwiceAndWithAnyNumberOfThreads(int stage) {
        Run first = train(stage, 2);

        assertThat(first.losses()).allMatch(Double::isFinite);
        assertThat(first.losses().get(STEPS - 1)).isNotEqualTo(first.losses().get(0));
        for (int threads : new int[] {2, 3}) {
            Run again = train(stage, threads);
            assertThat(again.losses()).isEqualTo(first.losses());
            assertThat(again.parameters().equals(first.parameters()))
                    .as("parameters with %d threads", threads)
                    .isTrue();
        }
    }

    private static Run train(int stage, int threads) {
        SplittableRandom random = new SplittableRandom(1);
        try (Engine engine = Engine.open("nd4j", BackendOptions.defaults().withThreads(threads));
                CausalLm teacher = ModelFolder.load(engine, GOLDEN.resolve("teacher"))) {
            MixerPlan plan = MixerPlan.replacing(teacher.config(), DiscreteMamba2.Config::like, List.of());
            try (CausalLm student = plan.student(teacher, random);
                    AdamW optimizer = new AdamW(engine, new AdamW.Config(0.9, 0.95, 1e-8, 0.1, 1))) {
                StagePlan stages = new StagePlan(teacher, student, plan, List.of());
                Objective objective = switch (stage) {
                    case 1 -> stages.matrixOrientation();
                    case 2 -> stages.hiddenStateAlignment(HiddenStateAlignment.Target.MIXER);
                    default -> stages.knowledgeDistillation(DistillationFunction.Weights.PLAIN);
                };
                int vocabulary = Math.toIntExact(teacher.config().vocabulary());
                List<Double> losses = new ArrayList<>();
                for (int step = 0; step < STEPS; step++) {
                    int[] ids =
                            random.ints((long) BATCH * CONTEXT, 0, vocabulary).toArray();
                    losses.add(step(engine, objective, optimizer, ids));
                }
                return new Run(
                        losses,
                        student.parameters().values().stream()
                                .map(Parameter::value)
                                .map(Tensor::toHost)
                                .toList());
            }
        }
    }

    private static double step(Engine engine, Objective objective, AdamW optimizer, int[] ids) {
        try (Scope scope = engine.scope()) {
            Tensor inputs = scope.adopt(engine.indices(ids, BATCH, CONTEXT));
            Objective.Result result = objective.evaluate(inputs, engine.indices(ids, (long) BATCH * CONTEXT));
            optimizer.step(objective.trained(), result.gradients(), 1e-3);
            return result.losses().stream().mapToDouble(Tensor::item).sum();
        }
    }
}
