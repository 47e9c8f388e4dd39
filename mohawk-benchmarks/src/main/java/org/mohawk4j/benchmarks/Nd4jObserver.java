package org.mohawk4j.benchmarks;

import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ops.executioner.OpExecutioner;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Stands between ND4J and its executioner, through which every array operation goes, until it is closed. ND4J's own
 * profiler knows operations by name only, and tells sums from products only by their shapes; and it has no place where
 * memory could be looked at between two operations.
 */
final class Nd4jObserver implements AutoCloseable {
    /** Told of every operation, on the thread that ran it. */
    @FunctionalInterface
    interface Listener {
        /** @param operation ND4J's {@code Op} or {@code CustomOp} */
        void executed(Object operation, long nanos);
    }

    private final OpExecutioner inner = Nd4j.getExecutioner();
    private final Listener listener;
    private boolean inside;

    Nd4jObserver(Listener listener) {
        this.listener = listener;
        replaceExecutioner((OpExecutioner) Proxy.newProxyInstance(
                OpExecutioner.class.getClassLoader(), new Class<?>[] {OpExecutioner.class}, this::invoke));
    }

    private @Nullable Object invoke(Object proxy, Method method, @Nullable Object @Nullable [] arguments)
            throws Throwable {
        Object operation = arguments == null ? null : arguments[0];
        // operations that an operation is made of are part of it
        if (inside || operation == null || !method.getName().startsWith("exec")) {
            return call(method, arguments);
        }
        inside = true;
        try {
            long start = System.nanoTime();
            Object result = call(method, arguments);
            listener.executed(operation, System.nanoTime() - start);
            return result;
        } finally {
            inside = false;
        }
    }

    private @Nullable Object call(Method method, @Nullable Object @Nullable [] arguments) throws Throwable {
        try {
            return method.invoke(inner, arguments);
        } catch (InvocationTargetException e) {
            throw e.getTargetException();
        }
    }

    @Override
    public void close() {
        replaceExecutioner(inner);
    }

    /** ND4J chooses its executioner when it starts, by a property; this is the one way to change it afterwards. */
    private static void replaceExecutioner(OpExecutioner executioner) {
        try {
            Field field = Nd4j.class.getDeclaredField("OP_EXECUTIONER_INSTANCE");
            field.setAccessible(true);
            field.set(null, executioner);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("this version of ND4J keeps its executioner elsewhere", e);
        }
    }
}
