package org.mohawk4j.backend.cuda;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.backend.ElementwiseOps;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.backend.GraphCapture;
import org.mohawk4j.backend.LayoutOps;
import org.mohawk4j.backend.MatmulOps;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.backend.ReductionOps;
import org.mohawk4j.tensor.types.DType;

/** A CUDA backend that notes which of its operations are called, as in {@code ReductionOps.sum}. */
final class CallNotes implements Backend {
    private final CudaBackend backend;
    private final Set<String> called = new TreeSet<>();

    CallNotes(CudaBackend backend) {
        this.backend = backend;
    }

    Set<String> called() {
        return called;
    }

    /** Everything that it can do to numbers: neither counters of memory nor the stopwatch. */
    Set<String> offered() {
        Stream<Class<?>> operations = Stream.of(
                MemoryOps.class,
                ElementwiseOps.class,
                ReductionOps.class,
                MatmulOps.class,
                LayoutOps.class,
                GraphCapture.class);
        Stream<Class<?>> fused = backend.offered().stream().<Class<?>>map(type -> type);
        return Stream.concat(operations, fused)
                // with inherited ones, as of a relative distance
                .flatMap(type -> Arrays.stream(type.getMethods())
                        .filter(method -> Modifier.isAbstract(method.getModifiers()))
                        .filter(method -> method.getReturnType() != long.class)
                        .map(method -> name(type, method.getName())))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static String name(Class<?> type, String method) {
        return type.getSimpleName() + "." + method;
    }

    private <T> T noting(Class<T> type, T operations) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(), new Class<?>[] {type}, (proxy, method, given) -> {
                    called.add(name(type, method.getName()));
                    try {
                        return method.invoke(operations, given);
                    } catch (InvocationTargetException e) {
                        throw e.getTargetException();
                    }
                }));
    }

    @Override
    public String name() {
        return backend.name();
    }

    @Override
    public String description() {
        return backend.description();
    }

    @Override
    public DType parameterType() {
        return backend.parameterType();
    }

    @Override
    public DType productType() {
        return backend.productType();
    }

    @Override
    public MemoryOps memory() {
        return noting(MemoryOps.class, backend.memory());
    }

    @Override
    public ElementwiseOps elementwise() {
        return noting(ElementwiseOps.class, backend.elementwise());
    }

    @Override
    public ReductionOps reductions() {
        return noting(ReductionOps.class, backend.reductions());
    }

    @Override
    public MatmulOps matmul() {
        return noting(MatmulOps.class, backend.matmul());
    }

    @Override
    public LayoutOps layout() {
        return noting(LayoutOps.class, backend.layout());
    }

    @Override
    public <K extends FusedOp> Optional<K> fused(Class<K> type) {
        return backend.fused(type).map(fused -> noting(type, fused));
    }

    @Override
    public Optional<GraphCapture> graphCapture() {
        return backend.graphCapture().map(capture -> noting(GraphCapture.class, capture));
    }

    @Override
    public void close() {
        backend.close();
    }
}
