package org.mohawk4j.backend.cuda.compile;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.cuda.cudart.CUfunc_st;
import org.bytedeco.cuda.cudart.CUmod_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.SizeTPointer;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.backend.cuda.driver.CloseStack;
import org.mohawk4j.backend.cuda.driver.CudaContext;
import org.mohawk4j.backend.cuda.driver.CudaDevice;
import org.mohawk4j.backend.cuda.driver.CudaStatus;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.tensor.types.DType;

/** The loaded kernels, and how they are launched. A source is compiled when a kernel of it is first asked for. */
public final class CudaKernels implements AutoCloseable {
    public static final int THREADS = 256;

    /** What every kernel may have without asking. */
    private static final int ALWAYS_SHARED_BYTES = 48 << 10;

    /** The first major version of devices on which kernels can overlap. */
    private static final int FIRST_TO_OVERLAP = 9;

    private final CudaContext context;
    private final KernelCompiler compiler;
    private final KernelArguments arguments = new KernelArguments();
    private final Map<Variant, Source> sources = new HashMap<>();
    /** None where there is no device. */
    private final @Nullable LaunchStructures launcher;

    public CudaKernels(CudaContext context) {
        this.context = context;
        this.compiler = new KernelCompiler(context.device().architecture(), KernelCache.ofUser());
        this.launcher = context.dry().isPresent() ? null : new LaunchStructures(context);
    }

    /** One entry point of a source. */
    public final class CudaFunction {
        private final String name;
        private final CUfunc_st function;
        private int sharedBytesAllowed = ALWAYS_SHARED_BYTES;
        private boolean overlaps;
        private boolean cooperates;

        /** In bytes, of each parameter; read once, so that to check every launch takes nothing that could be measured. */
        private int @Nullable [] declared;

        private CudaFunction(String name, CUfunc_st function) {
            this.name = name;
            this.function = function;
        }

        /**
         * May take its place on the device while the kernel before it still runs, from when that one lets it; its source
         * waits before it reads what others wrote.
         */
        public CudaFunction overlapping() {
            if (!overlaps && launcher != null && context.device().major() >= FIRST_TO_OVERLAP) {
                overlaps = true;
                context.use();
                // two kernels share a multiprocessor only if they divide its memory in the same way
                CudaStatus.driver(
                        cudart.cuFuncSetAttribute(
                                function,
                                cudart.CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT,
                                cudart.CU_SHAREDMEM_CARVEOUT_MAX_SHARED),
                        () -> "dividing the memory for " + name);
            }
            return this;
        }

        /** All blocks of a launch are on the device at once, so that they may wait for each other. */
        public CudaFunction cooperating() {
            cooperates = true;
            return this;
        }

        /** A thread for each of n elements, up to what keeps the device busy; the kernel's loop does the rest. */
        public void each(long n, KernelArguments arguments) {
            long most = 32L * context.device().multiprocessors();
            launch(Math.max(1, Math.min(most, (n + THREADS - 1) / THREADS)), 1, THREADS, 0, arguments);
        }

        /** So many blocks of {@link #THREADS}. */
        public void blocks(long n, KernelArguments arguments) {
            launch(n, 1, THREADS, 0, arguments);
        }

        public void launch(long gridX, long gridY, int threads, int sharedBytes, KernelArguments arguments) {
            launch(gridX, gridY, 1, threads, sharedBytes, arguments);
        }

        public void launch(long gridX, long gridY, int gridZ, int threads, int sharedBytes, KernelArguments arguments) {
            LaunchStructures structures = launcher;
            if (structures == null) {
                DryKernels.note(context.dry().orElseThrow(), name, arguments);
                return;
            }
            context.use();
            arguments.requireSizes(name, declared());
            if (sharedBytes > sharedBytesAllowed) {
                CudaStatus.driver(
                        cudart.cuFuncSetAttribute(
                                function, cudart.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, sharedBytes),
                        () -> "giving " + name + " " + sharedBytes + " bytes of shared memory");
                sharedBytesAllowed = sharedBytes;
            }
            context.profiler().begin();
            int status = cudart.cuLaunchKernelEx(
                    structures.of(gridX, gridY, gridZ, threads, sharedBytes, overlaps, cooperates),
                    function,
                    arguments.places(),
                    structures.noExtra());
            CudaStatus.driver(
                    status,
                    () -> "launching " + name + " on " + gridX + " by " + gridY + " by " + gridZ + " blocks of "
                            + threads + " with " + sharedBytes + " bytes of shared memory, given "
                            + arguments.arrays());
            context.profiler().end(name);
        }

        private int[] declared() {
            int[] known = declared;
            if (known == null) {
                known = readDeclared();
                declared = known;
            }
            return known;
        }

        private int[] readDeclared() {
            int[] sizes = new int[KernelArguments.MOST + 1];
            try (SizeTPointer offset = new SizeTPointer(1);
                    SizeTPointer bytes = new SizeTPointer(1)) {
                for (int i = 0; i < sizes.length; i++) {
                    int status = cudart.cuFuncGetParamInfo(function, i, offset, bytes);
                    if (status == cudart.CUDA_ERROR_INVALID_VALUE) {
                        // there is no parameter of this number
                        return Arrays.copyOf(sizes, i);
                    }
                    CudaStatus.driver(status, () -> "asking for the parameters of " + name);
                    sizes[i] = Math.toIntExact(bytes.get());
                }
            }
            return sizes;
        }
    }

    /** What speaks against blocks with so much dynamic shared memory; empty if the device can run them. */
    public Optional<String> shortage(CudaFunction kernel, int sharedBytes) {
        if (launcher == null) {
            return Optional.empty();
        }
        context.use();
        int[] fixed = new int[1];
        CudaStatus.driver(
                cudart.cuFuncGetAttribute(fixed, cudart.CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, kernel.function),
                () -> "asking for the shared memory of " + kernel.name);
        int needed = sharedBytes + fixed[0];
        CudaDevice device = context.device();
        return needed <= device.sharedBytes()
                ? Optional.empty()
                : Optional.of(kernel.name + " needs " + needed + " bytes of shared memory in a block, " + device.name()
                        + " has " + device.sharedBytes());
    }

    /** Threads for n elements that are taken four at a time. */
    public static long fours(long n) {
        return (n + 3) / 4;
    }

    /** Whether rows of this width lie so in all arrays that four neighbors may be moved at once. */
    public static boolean inFours(long width, CudaArray... arrays) {
        boolean all = width % 4 == 0;
        for (CudaArray array : arrays) {
            all &= array.address() % (4L * array.dtype().bytes()) == 0;
        }
        return all;
    }

    /** Empty arguments, to be filled and used before the next call, for a launch after all work so far. */
    public KernelArguments arguments() {
        context.flush();
        return arguments.clear();
    }

    /** The version of a kernel for its element types. */
    public CudaFunction get(String source, String name, DType... types) {
        return source(source).kernel(ElementType.named(name, types));
    }

    /** A source, compiled with the given definitions such as {@code WIDTH=64} when it is first asked for. */
    public Source source(String name, String... definitions) {
        return sources.computeIfAbsent(new Variant(name, List.of(definitions)), this::load);
    }

    private Source load(Variant variant) {
        CUmod_st module = new CUmod_st();
        if (launcher == null) {
            return new Source(variant, module, new BytePointer());
        }
        context.use();
        BytePointer image = new BytePointer(compiler.machineCode(variant.name(), variant.definitions()));
        int status = cudart.cuModuleLoadData(module, image);
        if (status != cudart.CUDA_SUCCESS && status != cudart.CUDA_ERROR_OUT_OF_MEMORY) {
            // what was kept may be whole and yet nothing that this driver takes; what is compiled now decides
            image.close();
            image = new BytePointer(compiler.compiledAnew(variant.name(), variant.definitions()));
            status = cudart.cuModuleLoadData(module, image);
        }
        CudaStatus.driver(status, () -> "loading " + variant);
        return new Source(variant, module, image);
    }

    private record Variant(String name, List<String> definitions) {}

    /** A compiled source. */
    public final class Source {
        private final Variant variant;
        private final CUmod_st module;
        private final BytePointer image;
        private final Map<String, CudaFunction> kernels = new HashMap<>();
        private final Map<String, int[]> constants = new HashMap<>();

        private Source(Variant variant, CUmod_st module, BytePointer image) {
            this.variant = variant;
            this.module = module;
            this.image = image;
        }

        public CudaFunction kernel(String name) {
            CudaFunction kernel = kernels.get(name);
            if (kernel == null) {
                CUfunc_st function = new CUfunc_st();
                if (launcher != null) {
                    context.use();
                    CudaStatus.driver(
                            cudart.cuModuleGetFunction(function, module, name),
                            () -> "finding " + name + " in " + variant);
                }
                kernel = new CudaFunction(name, function);
                kernels.put(name, kernel);
            }
            return kernel;
        }

        /** Integers that the source has worked out from its definitions. */
        public int[] constants(String name, int count) {
            return constants.computeIfAbsent(name, wanted -> read(wanted, count));
        }

        private int[] read(String name, int count) {
            if (launcher == null) {
                return DryKernels.constants(name, count);
            }
            context.use();
            long[] address = new long[1];
            int[] values = new int[count];
            try (SizeTPointer bytes = new SizeTPointer(1);
                    IntPointer host = new IntPointer(count)) {
                CudaStatus.driver(
                        cudart.cuModuleGetGlobal(address, bytes, module, name),
                        () -> "finding " + name + " in " + variant);
                CudaStatus.driver(
                        cudart.cuMemcpyDtoH(host, address[0], (long) count * Integer.BYTES), () -> "reading " + name);
                host.get(values);
                return values;
            }
        }

        private void unload() {
            if (launcher == null) {
                return;
            }
            context.use();
            CudaStatus.driver(cudart.cuModuleUnload(module), () -> "unloading " + variant);
            image.close();
        }
    }

    @Override
    public void close() {
        CloseStack closing = new CloseStack();
        Optional.ofNullable(launcher).ifPresent(own -> closing.add(own::close));
        closing.add(arguments::close);
        sources.values().forEach(source -> closing.add(source::unload));
        closing.close();
    }
}
