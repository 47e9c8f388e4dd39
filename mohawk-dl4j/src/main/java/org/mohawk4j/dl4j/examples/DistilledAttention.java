package org.mohawk4j.dl4j.examples;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.SelfAttentionLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.weights.WeightInit;
import org.mohawk4j.dl4j.distillation.LayerDistillation;
import org.mohawk4j.dl4j.distillation.TeacherLayer;
import org.mohawk4j.dl4j.layer.MatrixMixerLayer;
import org.mohawk4j.dl4j.learning.AdamW;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.train.schedule.CosineSchedule;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.dataset.MultiDataSet;

/**
 * DL4J's own attention as a teacher. A DL4J network with a {@link SelfAttentionLayer} learns associative recall; then a
 * discrete Mamba-2 layer in another network learns to do what that layer does, in stages 1 and 2, from inputs without
 * answers. Ends with the share of held-out questions that each network answers right.
 */
public final class DistilledAttention {
    private static final RecallTask TASK = new RecallTask(16, 6);
    private static final int HEADS = 4;
    private static final int BATCH = 64;
    private static final int TEACHER_STEPS = 200;
    private static final int STAGE_1_STEPS = 200;
    private static final int STAGE_2_STEPS = 800;
    private static final int REPORT_EVERY = 100;

    private DistilledAttention() {}

    /** Trains the teacher, distills its attention. */
    public static void main(String[] args) {
        run(new PrintWriter(System.out, true, StandardCharsets.UTF_8));
    }

    static void run(PrintWriter out) {
        MultiDataSet heldOut = TASK.batch(512, new SplittableRandom(0));
        SplittableRandom random = new SplittableRandom(1);

        ComputationGraph teacher = network(new SelfAttentionLayer.Builder()
                .nOut(RecallTask.WIDTH)
                .nHeads(HEADS)
                .projectInput(true)
                .weightInit(WeightInit.XAVIER)
                .build());
        for (int step = 1; step <= TEACHER_STEPS; step++) {
            teacher.fit(TASK.batch(BATCH, random));
            report(out, "teacher", step, teacher.score());
        }
        double teacherAccuracy = TASK.accuracy(teacher, heldOut);

        ComputationGraph student = network(new MatrixMixerLayer.Builder()
                .mixer(width -> DiscreteMamba2.Config.of(width, HEADS)
                        .withStateSize(16)
                        .withConvWidth(2)
                        .withChunk(32))
                .build());
        for (String shared : List.of("embedding", "shift", "answer")) {
            student.getLayer(shared).setParams(teacher.getLayer(shared).params());
        }
        double startAccuracy = TASK.accuracy(student, heldOut);

        TeacherLayer attention = TeacherLayer.of(teacher, "mixer");
        try (LayerDistillation stage = stage(attention, student, STAGE_1_STEPS)) {
            for (int step = 1; step <= STAGE_1_STEPS; step++) {
                double loss = stage.matrixOrientation(TASK.batch(BATCH, random).getFeatures());
                report(out, "stage 1", step, loss);
            }
        }
        try (LayerDistillation stage = stage(attention, student, STAGE_2_STEPS)) {
            for (int step = 1; step <= STAGE_2_STEPS; step++) {
                double loss =
                        stage.hiddenStateAlignment(TASK.batch(BATCH, random).getFeatures());
                report(out, "stage 2", step, loss);
            }
        }
        out.printf(
                Locale.ROOT,
                "teacher.accuracy=%.4f student.start.accuracy=%.4f student.accuracy=%.4f%n",
                teacherAccuracy,
                startAccuracy,
                TASK.accuracy(student, heldOut));
    }

    private static LayerDistillation stage(TeacherLayer teacher, ComputationGraph student, int steps) {
        AdamW updater = new AdamW(new CosineSchedule(5e-3, steps / 10, steps, 0), 0.9, 0.95, 1e-8);
        return new LayerDistillation(teacher, student.getLayer("mixer"), updater, List.of());
    }

    /** A mixer between tokens that know the one before them and a classifier of every step. */
    private static ComputationGraph network(Layer mixer) {
        return TASK.answering(
                TASK.network()
                        .addLayer(
                                "shift",
                                new Convolution1DLayer.Builder(2)
                                        .nOut(RecallTask.WIDTH)
                                        .convolutionMode(ConvolutionMode.Causal)
                                        .activation(Activation.IDENTITY)
                                        .build(),
                                "embedding")
                        .addLayer("mixer", mixer, "shift"),
                "mixer");
    }

    private static void report(PrintWriter out, String phase, int step, double loss) {
        if (step % REPORT_EVERY == 0) {
            out.printf(Locale.ROOT, "%-8s step %5d  loss %8.4f%n", phase, step, loss);
        }
    }
}
