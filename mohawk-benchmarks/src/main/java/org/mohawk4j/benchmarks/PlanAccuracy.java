package org.mohawk4j.benchmarks;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostSource;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.MachineConfig.Precision;
import org.mohawk4j.train.config.StageConfig;
import org.mohawk4j.train.plan.DryTraining;
import org.mohawk4j.train.plan.PlannedGpu;
import org.mohawk4j.train.plan.StageProfile;

/**
 * What {@code ./mohawk plan} predicts beside what an H200 does, for stages of both shapes: memory of arrays, memory that
 * the driver's pool holds for them, tokens per second. Weights are random.
 *
 * <p>Arguments: the rows to measure, by the start of their names, all of them if there is none; {@code --predict} measures
 * nothing and needs no GPU.
 */
public final class PlanAccuracy {
    private static final int CONTEXT = 2048;
    private static final int LONG_CONTEXT = 16_384;
    private static final int WARM_UP = 3;
    private static final int STEPS = 5;
    private static final String PREDICT = "--predict";
    private static final double GIB = 1L << 30;

    private PlanAccuracy() {}

    private record Row(ModelShape shape, int stage, int batch, int context, boolean recompute) {
        String name() {
            return shape.label() + "-stage" + stage + "-" + batch + "x" + context + (recompute ? "-recompute" : "");
        }
    }

    /** Bytes of arrays, bytes that the pool holds for them, tokens per second. */
    private record Figures(double arrays, double reserved, double tokensPerSecond) {}

    public static void main(String[] args) {
        List<String> chosen = new ArrayList<>(List.of(args));
        boolean measured = !chosen.remove(PREDICT);
        List<Row> rows = rows().stream()
                .filter(row -> chosen.isEmpty() || chosen.stream().anyMatch(row.name()::startsWith))
                .toList();
        if (rows.isEmpty()) {
            throw new InvalidInputException("row: expected the start of one of "
                    + rows().stream().map(Row::name).toList() + ", got " + chosen);
        }
        print(
                "%-32s %9s %9s %6s %9s %6s %9s %9s %6s%n",
                "", "GiB", "arrays", "", "pool", "", "tokens/s", "measured", "");
        for (Row row : rows) {
            Figures predicted = predict(row);
            print("%-32s %9.2f", row.name(), predicted.arrays() / GIB);
            if (measured) {
                Figures found = measure(row);
                print(" %9.2f %6.3f", found.arrays() / GIB, predicted.arrays() / found.arrays());
                print(" %9.2f %6.3f", found.reserved() / GIB, predicted.arrays() / found.reserved());
                print(" %9.0f %9.0f", predicted.tokensPerSecond(), found.tokensPerSecond());
                print(" %6.3f%n", predicted.tokensPerSecond() / found.tokensPerSecond());
            } else {
                print(" %33s %9.0f%n", "", predicted.tokensPerSecond());
            }
        }
    }

    private static void print(String format, Object... values) {
        System.out.printf(Locale.ROOT, format, values);
    }

    private static List<Row> rows() {
        List<Row> rows = new ArrayList<>();
        for (int batch : new int[] {1, 2, 4}) {
            rows.add(new Row(ModelShape.PHI, 1, batch, CONTEXT, false));
        }
        rows.add(new Row(ModelShape.PHI, 1, 1, LONG_CONTEXT, false));
        rows.add(new Row(ModelShape.PHI, 2, 8, CONTEXT, false));
        rows.add(new Row(ModelShape.PHI, 2, 16, CONTEXT, false));
        rows.add(new Row(ModelShape.PHI, 3, 4, CONTEXT, false));
        rows.add(new Row(ModelShape.PHI, 3, 8, CONTEXT, false));
        rows.add(new Row(ModelShape.PHI, 3, 8, CONTEXT, true));
        for (int stage = 1; stage <= 3; stage++) {
            rows.add(new Row(ModelShape.LLAMA_1B, stage, 8, CONTEXT, false));
        }
        rows.add(new Row(ModelShape.LLAMA_1B, 3, 8, CONTEXT, true));
        return rows;
    }

    private static CausalLmConfig dimensions(Row row) {
        return row.shape()
                .config(row.context(), row.shape().layers(), row.shape().attention());
    }

    private static Figures predict(Row row) {
        CausalLmConfig teacher = dimensions(row);
        PlannedGpu gpu = PlannedGpu.named("h200");
        StageConfig[] stages = StageConfig.defaults().toArray(StageConfig[]::new);
        for (int i = 0; i < stages.length; i++) {
            stages[i] = stages[i].withShare(i + 1 == row.stage() ? 1 : 0);
        }
        DistillConfig config = DistillConfig.builder()
                .stages(stages)
                .batch(row.batch())
                .context(row.context())
                .dtype(Precision.BFLOAT16)
                .distillation(own -> own.withRecompute(row.recompute()))
                .build();
        try (DryTraining dry = new DryTraining(
                config,
                engine -> new CausalLm(engine, teacher, new SplittableRandom(0)),
                MixerPlan.replacing(teacher, DiscreteMamba2.Config::like, List.of()),
                gpu.model())) {
            StageProfile profile = dry.profiles(1).get(0);
            double seconds = gpu.rates().seconds(profile.step());
            return new Figures(profile.peakBytes(), profile.peakBytes(), profile.tokens() / seconds);
        }
    }

    private static Figures measure(Row row) {
        try (Engine engine = DeviceTimer.open();
                CausalLm teacher = new CausalLm(engine, dimensions(row), new SplittableRandom(0))) {
            fill(teacher);
            try (StageTrial trial = new StageTrial(teacher, row.stage(), row.batch(), row.context(), row.recompute())) {
                fill(trial.student());
                teacher.castWeights();
                double[] seconds = new DeviceTimer(engine).seconds(WARM_UP, STEPS, trial::step);
                MemoryOps memory = engine.backend().memory();
                double tokens = (double) row.batch() * row.context();
                return new Figures(memory.peakBytes(), memory.reservedBytes(), tokens / seconds[STEPS / 2]);
            }
        }
    }

    /** Gives matrices the same random numbers again and again, since to draw each would take most of the time. */
    private static void fill(CausalLm model) {
        SplittableRandom random = new SplittableRandom(1);
        ByteBuffer bytes = ByteBuffer.allocateDirect(HostSource.PIECE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        while (bytes.hasRemaining()) {
            bytes.putFloat((float) (0.04 * random.nextDouble() - 0.02));
        }
        bytes.flip();
        model.parameters().values().stream()
                .filter(parameter -> parameter.shape().rank() == 2)
                .forEach(parameter -> parameter.set(new Repeated(parameter.shape(), bytes)));
    }

    /** @param bytes of float32 */
    private record Repeated(Shape shape, ByteBuffer bytes) implements HostSource {
        @Override
        public DType dtype() {
            return DType.FLOAT32;
        }

        @Override
        public void forEachPiece(PieceAction action) {
            long most = bytes.limit() / Float.BYTES;
            for (long from = 0; from < shape.size(); from += most) {
                int count = (int) Math.min(most, shape.size() - from);
                ByteBuffer piece =
                        bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN).limit(count * Float.BYTES);
                action.accept(from, new HostTensor(DType.FLOAT32, Shape.of(count), piece));
            }
        }
    }
}
