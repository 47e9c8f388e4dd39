package com.example;

import com.example.mixer.OwnMixer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.train.Distillation;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.DistillConfigYaml;
import org.mohawk4j.train.config.StageConfig;
import org.mohawk4j.train.config.StageObjective;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.metrics.StepMetrics;

/** Distills the own teacher into a student with the own mixer, whose mixers the program gives or a configuration names. */
public enum DistillOwn {
    BY_PROGRAM {
        @Override
        Distillation begin(Path place, Path run) {
            DistillConfig config = config(DistillConfig.builder(), place).out(run).build();
            return withMixers(Distillation.of(config));
        }

        @Override
        Distillation resume(Path run) {
            return withMixers(Distillation.resume(run));
        }

        private Distillation withMixers(Distillation distillation) {
            return distillation.mixers((config, teacher) -> MixerPlan.replacing(
                    teacher,
                    own -> new OwnMixer.Config(own.width(), own.innerWidth(), own.heads(), 8),
                    List.of()));
        }
    },
    BY_NAME {
        @Override
        Distillation begin(Path place, Path run) throws IOException {
            Path file = Files.writeString(
                    place.resolve("own.yaml"), "student: {mixer: own-mixer, mixer-options: {state-size: 8}}");
            DistillConfig.Builder named = DistillConfigYaml.read(file).toBuilder();
            return Distillation.of(config(named, place).out(run).build());
        }
    };

    static final int STEPS = 12;

    /** A new run. */
    abstract Distillation begin(Path place, Path run) throws IOException;

    /** A run that was ended. */
    Distillation resume(Path run) {
        return Distillation.resume(run);
    }

    /** @param place as {@link TinyTeacher#write} leaves it */
    private static DistillConfig.Builder config(DistillConfig.Builder builder, Path place) {
        return builder.teacher(place.resolve("teacher"))
                .text(place.resolve("text.txt").toString())
                .valid(place.resolve("valid.txt").toString())
                .stages(
                        stage(StageObjective.MATRIX_ORIENTATION),
                        stage(StageObjective.HIDDEN_STATE_ALIGNMENT),
                        stage(StageObjective.KNOWLEDGE_DISTILLATION))
                .context(32)
                .batch(4)
                .threads(1)
                .report(false)
                .checkpoint(when -> when.withEvery(5));
    }

    private static StageConfig stage(StageObjective objective) {
        return StageConfig.of(objective).withTokens(STEPS * 4 * 32);
    }

    /**
     * Begins a run in a process of its own, and stands still in its second stage.
     *
     * @param args how the mixers are given, the place, the run folder
     */
    public static void main(String[] args) throws IOException {
        DistillOwn way = valueOf(args[0]);
        TrainingListener standsStill = new TrainingListener() {
            @Override
            public void iterationDone(StepMetrics metrics) {
                if (metrics.stage() == 2 && metrics.step() == 3) {
                    LockSupport.parkNanos(TimeUnit.MINUTES.toNanos(1));
                }
            }
        };
        way.begin(Path.of(args[1]), Path.of(args[2])).listener(standsStill).run();
    }
}
