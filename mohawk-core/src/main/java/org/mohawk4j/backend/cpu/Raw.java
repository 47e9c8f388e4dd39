package org.mohawk4j.backend.cpu;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Field;

/**
 * Numbers outside of the Java heap by address, nothing checked. Through {@code sun.misc.Unsafe}, which is what Java 17
 * has; as constant method handles, which the compiler inlines, because javac warns of every direct use.
 */
public final class Raw {
    private static final MethodHandle GET;
    private static final MethodHandle PUT;
    private static final MethodHandle GET_INT;
    private static final MethodHandle PUT_INT;
    private static final MethodHandle COPY;
    private static final MethodHandle FILL;
    private static final long BASE;

    static {
        try {
            Class<?> type = Class.forName("sun.misc.Unsafe");
            Field field = type.getDeclaredField("theUnsafe");
            field.setAccessible(true);
            Object unsafe = field.get(null);
            MethodHandles.Lookup lookup = MethodHandles.publicLookup();
            GET = lookup.findVirtual(type, "getFloat", MethodType.methodType(float.class, long.class))
                    .bindTo(unsafe);
            PUT = lookup.findVirtual(type, "putFloat", MethodType.methodType(void.class, long.class, float.class))
                    .bindTo(unsafe);
            GET_INT = lookup.findVirtual(type, "getInt", MethodType.methodType(int.class, long.class))
                    .bindTo(unsafe);
            PUT_INT = lookup.findVirtual(type, "putInt", MethodType.methodType(void.class, long.class, int.class))
                    .bindTo(unsafe);
            COPY = lookup.findVirtual(
                            type,
                            "copyMemory",
                            MethodType.methodType(
                                    void.class, Object.class, long.class, Object.class, long.class, long.class))
                    .bindTo(unsafe);
            FILL = lookup.findVirtual(
                            type, "setMemory", MethodType.methodType(void.class, long.class, long.class, byte.class))
                    .bindTo(unsafe);
            BASE = (int) lookup.findVirtual(type, "arrayBaseOffset", MethodType.methodType(int.class, Class.class))
                    .bindTo(unsafe)
                    .invoke(float[].class);
        } catch (Throwable e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private Raw() {}

    public static float get(long address) {
        try {
            return (float) GET.invokeExact(address);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    public static int getInt(long address) {
        try {
            return (int) GET_INT.invokeExact(address);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    public static void put(long address, float value) {
        try {
            PUT.invokeExact(address, value);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    public static void putInt(long address, int value) {
        try {
            PUT_INT.invokeExact(address, value);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** {@code count} numbers into the heap. */
    static void get(float[] to, long address, int count) {
        try {
            COPY.invokeExact((Object) null, address, (Object) to, BASE, (long) count * Float.BYTES);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** {@code count} numbers from the heap. */
    static void put(long address, float[] from, int count) {
        try {
            COPY.invokeExact((Object) from, BASE, (Object) null, address, (long) count * Float.BYTES);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** {@code count} numbers to another place, which does not overlap. */
    public static void copy(long to, long from, long count) {
        copyBytes(to, from, count * Float.BYTES);
    }

    /** Bytes to another place, which does not overlap. */
    public static void copyBytes(long to, long from, long bytes) {
        try {
            COPY.invokeExact((Object) null, from, (Object) null, to, bytes);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** {@code count} zeros. */
    public static void zero(long address, long count) {
        try {
            FILL.invokeExact(address, count * Float.BYTES, (byte) 0);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    private static IllegalStateException impossible(Throwable e) {
        return new IllegalStateException("access to memory failed", e);
    }
}
