package org.mohawk4j.train.plan;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.mohawk4j.backend.Backends;
import org.mohawk4j.backend.DeviceModel;
import org.mohawk4j.backend.DryRun;
import org.mohawk4j.backend.DryRun.Allocation;
import org.mohawk4j.backend.DryRun.Launch;
import org.mohawk4j.data.DataLoader;
import org.mohawk4j.data.TokenBatch;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.MixerInit;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.nn.Layer;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostSource;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.train.StageObjectives;
import org.mohawk4j.train.cache.OpenCache;
import org.mohawk4j.train.config.ActiveStage;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.distributed.DataParallel;
import org.mohawk4j.train.loop.Parallelism;
import org.mohawk4j.train.loop.Trainer;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.metrics.StepMetrics;
import org.mohawk4j.train.optimizer.AdamW;
import org.mohawk4j.train.stage.Objective;
import org.mohawk4j.train.stage.StagePlan;

/**
 * Two training steps of each stage by the trainer itself, on a backend that computes nothing: memory and work follow from
 * the same code as those of a run, whatever the model, the mixers and the options.
 */
public final class DryTraining implements AutoCloseable {
    private static final String BACKEND = "cuda";

    /** The first makes what stays, the second is like all others. */
    private static final int STEPS = 2;

    private final DistillConfig config;
    private final Engine engine;
    private final DryRun dry;
    private final Set<Long> workspace;
    private final CausalLm teacher;
    private final CausalLm student;
    private final MixerPlan mixers;

    /**
     * @param config whose batches are those of all devices together
     * @param teacher makes the teacher, whose numbers are not read
     * @param device one of the devices
     */
    public DryTraining(DistillConfig config, Function<Engine, CausalLm> teacher, MixerPlan mixers, DeviceModel device) {
        this.config = config;
        this.mixers = mixers;
        engine = new Engine(Backends.openDry(BACKEND, config.machine().dtype().options(), device));
        try {
            dry = engine.backend().dryRun().orElseThrow();
            workspace = dry.live().stream().map(Allocation::address).collect(Collectors.toSet());
            this.teacher = teacher.apply(engine);
            fill(this.teacher);
            student = mixers.student(this.teacher, MixerInit.RANDOM, new SplittableRandom(0));
            fill(student);
            this.teacher.castWeights();
        } catch (RuntimeException e) {
            engine.close();
            throw e;
        }
    }

    /** Gives every parameter its memory, without numbers. */
    private static void fill(CausalLm model) {
        model.parameters().values().forEach(parameter -> parameter.set(new NoNumbers(parameter.shape())));
    }

    /** Numbers that nobody reads. */
    private record NoNumbers(Shape shape) implements HostSource {
        @Override
        public DType dtype() {
            return DType.FLOAT32;
        }

        @Override
        public void forEachPiece(PieceAction action) {
            throw new IllegalStateException("numbers of a " + shape + " are read that do not exist");
        }
    }

    public long teacherParameters() {
        return Layer.sizeOf(teacher.parameters());
    }

    public long studentParameters() {
        return Layer.sizeOf(student.parameters());
    }

    /** Elements of each of the student's parameters. */
    List<Long> sizes() {
        return student.parameters().values().stream()
                .map(parameter -> parameter.shape().size())
                .toList();
    }

    /** The teacher, without numbers. */
    CausalLm teacher() {
        return teacher;
    }

    /**
     * The profile of each stage.
     *
     * @param devices that share each batch evenly, or divide the layers of a stage; the first of them is profiled
     */
    public List<StageProfile> profiles(int devices) {
        Map<ActiveStage, Objective> objectives = new StageObjectives(config, OpenCache.NONE)
                .of(new StagePlan(teacher, student, mixers, config.training().freeze()));
        List<StageProfile> profiles = new ArrayList<>();
        objectives.forEach((stage, objective) -> profiles.add(profile(stage, objective, devices)));
        return profiles;
    }

    private StageProfile profile(ActiveStage stage, Objective objective, int devices) {
        DryGroup group = new DryGroup(devices);
        try (Parallelism ranks = devices == 1 ? Parallelism.none() : new DataParallel(engine, group)) {
            Parallelism.Divided divided = StageObjectives.divided(
                    config, stage, objective, ranks, config.training().accumulate());
            divided.ranks().shard(student.parameters().values());
            StageProfile first = profile(stage, divided.objective(), group, divided.ranks());
            divided.ranks().unshard(student.parameters().values());
            double share = (double) Layer.sizeOf(divided.objective().trained()) / Layer.sizeOf(objective.trained());
            return first.withTrained(Math.round(first.trained() / share));
        }
    }

    private StageProfile profile(ActiveStage stage, Objective objective, DryGroup group, Parallelism parallel) {
        dry.startPeak();
        // closed by the trainer
        AdamW optimizer = new AdamW(engine, AdamW.Config.defaults(), parallel.sharding());
        Observer observer = new Observer(objective, optimizer, group);
        new Trainer(
                        engine,
                        new OneBatch(stage),
                        observer,
                        config.training().accumulate(),
                        config.recovery().faults(),
                        parallel)
                .run(stage.number(), objective, optimizer, step -> stage.learningRate(), STEPS);
        long largest = student.blocks().stream()
                .mapToLong(block -> Layer.sizeOf(block.parameters()))
                .max()
                .orElse(0);
        long inBlocks = student.blocks().stream()
                .mapToLong(block -> Layer.sizeOf(block.parameters()))
                .sum();
        return new StageProfile(
                stage.withBatch(stage.batch() / parallel.shares()),
                group.size(),
                observer.memory,
                observer.work,
                observer.trained,
                largest,
                Layer.sizeOf(student.parameters()) - inBlocks);
    }

    /** Looks at the backend after each step. */
    private final class Observer implements TrainingListener {
        private final Map<String, Parameter> parameters;
        private final Set<Shape> trainedShapes;
        private final AdamW optimizer;
        private Map<MemoryPart, Long> memory = Map.of();
        private StageProfile.Work work = new StageProfile.Work(List.of(), List.of(), 0);
        private List<Launch> beforeNext = List.of();
        private final DryGroup group;
        private long trained;

        Observer(Objective objective, AdamW optimizer, DryGroup group) {
            this.optimizer = optimizer;
            this.group = group;
            group.onBroadcast(() -> beforeNext = beforeNext.isEmpty() ? dry.launches() : beforeNext);
            parameters = objective.trained();
            trainedShapes = parameters.values().stream().map(Parameter::shape).collect(Collectors.toSet());
        }

        /** To show gradients takes traffic that most steps do not have. */
        @Override
        public boolean readsGradients(int stage, int number) {
            return false;
        }

        @Override
        public void iterationDone(StepMetrics metrics) {
            work = new StageProfile.Work(dry.launches(), beforeNext, group.takeSentBytes());
            dry.forgetLaunches();
            beforeNext = List.of();
            memory = parts();
            Set<String> moments = optimizer.moments().keySet();
            trained = parameters.entrySet().stream()
                    .filter(parameter -> moments.contains(parameter.getKey() + AdamW.FIRST))
                    .mapToLong(parameter -> parameter.getValue().shape().size())
                    .sum();
        }

        private Map<MemoryPart, Long> parts() {
            Set<Long> ofTeacher = addresses(values(teacher));
            Set<Long> ofStudent = addresses(values(student));
            Set<Long> moments = addresses(optimizer.moments().values());
            Map<MemoryPart, Long> parts = new EnumMap<>(MemoryPart.class);
            for (Allocation allocation : dry.peak()) {
                MemoryPart part = part(allocation, ofTeacher, ofStudent, moments);
                parts.merge(part, allocation.bytes(), Long::sum);
            }
            return parts;
        }

        private MemoryPart part(Allocation allocation, Set<Long> ofTeacher, Set<Long> ofStudent, Set<Long> moments) {
            long address = allocation.address();
            if (workspace.contains(address)) {
                return MemoryPart.WORKSPACE;
            }
            if (ofTeacher.contains(address)) {
                return MemoryPart.TEACHER;
            }
            if (ofStudent.contains(address)) {
                return MemoryPart.STUDENT;
            }
            return moments.contains(address) ? MemoryPart.MOMENTS : work(allocation);
        }

        /** What is neither of a model nor of the optimizer. */
        private MemoryPart work(Allocation allocation) {
            Shape shape = allocation.shape();
            if (allocation.dtype() == engine.parameterType() && trainedShapes.contains(shape)) {
                return MemoryPart.GRADIENTS;
            }
            boolean logits =
                    shape.rank() == 2 && shape.dim(1) == teacher.config().vocabulary();
            return logits ? MemoryPart.LOGITS : MemoryPart.ACTIVATIONS;
        }
    }

    private static List<Tensor> values(CausalLm model) {
        return model.parameters().values().stream()
                .filter(parameter -> !parameter.isElsewhere())
                .map(Parameter::value)
                .toList();
    }

    private Set<Long> addresses(Collection<Tensor> tensors) {
        Set<Long> addresses = new HashSet<>();
        tensors.forEach(tensor -> addresses.add(dry.addressOf(tensor.array())));
        return addresses;
    }

    /** The same batch of zeros again and again. */
    private record OneBatch(ActiveStage stage) implements DataLoader {
        @Override
        public TokenBatch next() {
            int tokens = stage.batch() * stage.context();
            return new TokenBatch("none", stage.batch(), stage.context(), new int[tokens], new int[tokens]);
        }

        @Override
        public double epochs() {
            return 0;
        }

        @Override
        public ObjectNode state() {
            return JsonNodeFactory.instance.objectNode();
        }

        @Override
        public void restore(ObjectNode state) {
            throw new IllegalStateException("a batch of zeros has no state");
        }
    }

    @Override
    public void close() {
        engine.close();
    }
}
