package org.mohawk4j.nn;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.mohawk4j.Arguments;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.types.Shape;

/** Has named parameters: its own and those of its parts. */
public abstract class Layer implements AutoCloseable {
    private final Engine engine;
    private final Map<String, Parameter> own = new LinkedHashMap<>();
    private final Map<String, Layer> parts = new LinkedHashMap<>();

    protected Layer(Engine engine) {
        this.engine = engine;
    }

    public final Engine engine() {
        return engine;
    }

    /** Declares a parameter. */
    protected final Parameter parameter(String name, Shape shape, Initializer initializer) {
        for (long extent : shape.toArray()) {
            Arguments.require(extent > 0, getClass().getSimpleName() + ": " + name, "extents of at least 1", shape);
        }
        Parameter parameter = new Parameter(engine, shape, initializer);
        requireNew(name, own.put(name, parameter) == null && !parts.containsKey(name));
        return parameter;
    }

    /** Declares a part, whose parameters appear under {@code name.}. */
    protected final <M extends Layer> M part(String name, M module) {
        requireNew(name, parts.put(name, module) == null && !own.containsKey(name));
        return module;
    }

    /** All parameters, own first, then those of the parts, by dotted name in order of declaration. */
    public final Map<String, Parameter> parameters() {
        Map<String, Parameter> all = new LinkedHashMap<>(own);
        parts.forEach((name, part) ->
                part.parameters().forEach((inner, parameter) -> all.put(name + "." + inner, parameter)));
        return all;
    }

    /**
     * Keeps the weights of linear maps in the type that the backend's products round them to anyway: the same results from
     * less memory, and less of it to read. They cannot be trained then, and what is saved of them is rounded.
     */
    public final void castWeights() {
        linearWeights().forEach(weight -> weight.narrow(engine.backend().productType()));
    }

    /** The weights of linear maps, which {@link #castWeights} rounds. */
    public List<Parameter> linearWeights() {
        return parts.values().stream()
                .flatMap(part -> part.linearWeights().stream())
                .toList();
    }

    /** How many numbers these parameters have together. */
    public static long sizeOf(Map<String, Parameter> parameters) {
        return parameters.values().stream()
                .mapToLong(parameter -> parameter.shape().size())
                .sum();
    }

    /** Frees all parameters. The module cannot be used any more. */
    @Override
    public void close() {
        own.values().forEach(Parameter::close);
        parts.values().forEach(Layer::close);
    }

    private void requireNew(String name, boolean fresh) {
        if (!fresh || name.isEmpty()) {
            throw new IllegalArgumentException(getClass().getSimpleName() + " declares '" + name + "' twice");
        }
    }
}
