package org.mohawk4j.train.parity;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.generation.Generator;
import org.mohawk4j.generation.Sampling;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.models.ModelFormat;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.op.loss.CrossEntropyFunction;
import org.mohawk4j.safetensors.SafetensorsWriter;
import org.mohawk4j.safetensors.TensorSpec;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Gradients;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostSource;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.Shape;

/**
 * Writes {@code expected.safetensors} into exported folders, which {@code docs/peers/check_export.py} compares
 * transformers with. Its arguments are {@code float} or {@code double}, then the folders.
 */
public final class ExportExpectations {
    private static final int BATCH = 2;
    private static final int TIME = 70;
    private static final int PROMPT = 12;
    private static final int NEW_TOKENS = 60;

    private ExportExpectations() {}

    public static void main(String[] arguments) {
        DType dtype = arguments[0].equals("double") ? DType.FLOAT64 : DType.FLOAT32;
        for (int i = 1; i < arguments.length; i++) {
            write(Path.of(arguments[i]), dtype);
        }
    }

    /** For one folder, computed and stored in {@code dtype}. */
    static void write(Path folder, DType dtype) {
        try (Engine engine = Engine.open("nd4j", BackendOptions.defaults().withParameterType(dtype));
                CausalLm model = ModelFolder.load(engine, folder);
                Scope scope = engine.scope()) {
            SplittableRandom random = new SplittableRandom(0);
            int[] ids = random.ints(
                            (long) BATCH * TIME,
                            0,
                            Math.toIntExact(model.config().vocabulary()))
                    .toArray();
            int[] prompt = IntStream.of(ids).limit(PROMPT).toArray();
            List<Integer> greedy = new ArrayList<>();
            new Generator(model, Sampling.GREEDY, 0).generate(prompt, NEW_TOKENS, (token, logits) -> greedy.add(token));
            Map<String, HostSource> tensors = new LinkedHashMap<>();
            tensors.put("input_ids", indices(ids, BATCH, TIME));
            tensors.put("prompt", indices(prompt, PROMPT));
            tensors.put("greedy", indices(greedy.stream().mapToInt(i -> i).toArray(), NEW_TOKENS));
            Tensor batch = engine.indices(ids, BATCH, TIME);
            tensors.put("logits", model.logits(batch).toHost());
            ModelFormat format = ModelFolder.format(folder);
            gradients(model, batch, ids)
                    .forEach((name, gradient) ->
                            tensors.put("grad." + format.fileName(model.config(), name), gradient.toHost()));
            save(folder.resolve("expected.safetensors"), tensors);
        }
    }

    /** Of the mean cross-entropy of each next token; zeros for a parameter that it does not depend on. */
    private static Map<String, Tensor> gradients(CausalLm model, Tensor batch, int[] ids) {
        Engine engine = model.engine();
        int[] next = IntStream.range(0, ids.length)
                .filter(i -> i % TIME != 0)
                .map(i -> ids[i])
                .toArray();
        Map<String, Parameter> parameters = model.parameters();
        try (Tape tape =
                engine.tape(parameters.values().stream().map(Parameter::value).toList())) {
            Tensor hidden = model.hidden(batch.narrow(1, 0, TIME - 1));
            Tensor loss = CrossEntropyFunction.apply(model.head(hidden), engine.indices(next, next.length))
                    .mean();
            Gradients found = tape.gradients(loss);
            Map<String, Tensor> gradients = new LinkedHashMap<>();
            parameters.forEach((name, parameter) -> gradients.put(
                    name,
                    found.of(parameter.value())
                            .orElseGet(() -> engine.zeros(parameter.shape().toArray()))));
            return gradients;
        }
    }

    private static HostTensor indices(int[] values, long... shape) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asIntBuffer().put(values);
        return new HostTensor(DType.INT32, Shape.of(shape), bytes);
    }

    private static void save(Path file, Map<String, HostSource> tensors) {
        List<TensorSpec> specs = new ArrayList<>();
        tensors.forEach((name, tensor) -> specs.add(TensorSpec.of(name, tensor)));
        try (SafetensorsWriter writer = SafetensorsWriter.create(file, specs, SafetensorsWriter.PYTORCH)) {
            tensors.forEach(writer::write);
            writer.commit();
        }
    }
}
