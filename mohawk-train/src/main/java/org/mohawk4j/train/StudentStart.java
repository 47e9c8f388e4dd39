package org.mohawk4j.train;

import java.util.Collection;
import java.util.Locale;
import org.mohawk4j.data.DataLoader;
import org.mohawk4j.data.Dataset;
import org.mohawk4j.data.TokenBatch;
import org.mohawk4j.mixer.Calibration;
import org.mohawk4j.mixer.ScoreFit;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.MixerInit;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.StudentCalibration;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.StageObjective;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a student starts with besides its teacher's weights. */
final class StudentStart {
    private static final Logger LOG = LoggerFactory.getLogger(StudentStart.class);

    private static final int WINDOWS = 16;

    private StudentStart() {}

    /** Fits new mixers, if they are to be calibrated, on {@value #WINDOWS} windows of the training text. */
    static void calibrate(
            DistillConfig config, CausalLm teacher, CausalLm student, MixerPlan plan, Dataset text, long seed) {
        if (config.student().init() != MixerInit.CALIBRATED) {
            return;
        }
        int context = config.activeStages().get(0).context();
        long begin = System.nanoTime();
        int windows = (int) Math.min(WINDOWS, text.windows(context).orElse((long) WINDOWS));
        try (DataLoader sample = text.batches(context, windows, seed);
                Scope scope = teacher.engine().scope()) {
            TokenBatch batch = sample.next();
            StudentCalibration.apply(
                            teacher,
                            student,
                            plan,
                            teacher.engine().indices(batch.inputs(), batch.batch(), batch.context()),
                            fitted(config))
                    .values()
                    .stream()
                    .flatMap(Collection::stream)
                    .mapToDouble(ScoreFit::relativeError)
                    .average()
                    .ifPresent(error -> LOG.info(String.format(
                            Locale.ROOT,
                            "calibrated in %.2f s: mean relative error of the mixing matrices %.3f",
                            (System.nanoTime() - begin) / 1e9,
                            error)));
        }
    }

    /** A convolution of the values beside a matrix that stage 1 brings near the teacher's would count twice. */
    private static Calibration.Fitted fitted(DistillConfig config) {
        return config.activeStages().stream().anyMatch(stage -> stage.objective() == StageObjective.MATRIX_ORIENTATION)
                ? Calibration.Fitted.MATRIX
                : Calibration.Fitted.APPLIED;
    }
}
