package org.mohawk4j.backend.cuda;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.cuda.cudart.CUfunc_st;
import org.bytedeco.cuda.cudart.CUmod_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerPointer;
import org.mohawk4j.tensor.DType;

/** The loaded kernels, and how they are launched. A source is compiled when a kernel of it is first asked for. */
final class CudaKernels implements AutoCloseable {
    static final int THREADS = 256;

    private final CudaContext context;
    private final KernelCompiler compiler;
    private final Arguments arguments = new Arguments();
    private final PointerPointer<?> noExtra = new PointerPointer<>();
    private final Map<String, CUmod_st> modules = new HashMap<>();
    private final Map<String, Kernel> kernels = new HashMap<>();
    private final List<BytePointer> images = new ArrayList<>();

    CudaKernels(CudaContext context) {
        this.context = context;
        this.compiler = new KernelCompiler(context.device().architecture());
    }

    /** One entry point of a source. */
    final class Kernel {
        private final String name;
        private final CUfunc_st function;

        private Kernel(String name, CUfunc_st function) {
            this.name = name;
            this.function = function;
        }

        /** A thread for each of n elements, up to what keeps the device busy; the kernel's loop does the rest. */
        void each(long n, Arguments arguments) {
            long most = 32L * context.device().multiprocessors();
            launch(Math.max(1, Math.min(most, (n + THREADS - 1) / THREADS)), 1, THREADS, 0, arguments);
        }

        void launch(long gridX, long gridY, int threads, int sharedBytes, Arguments arguments) {
            int status = cudart.cuLaunchKernel(
                    function,
                    Math.toIntExact(gridX),
                    Math.toIntExact(gridY),
                    1,
                    threads,
                    1,
                    1,
                    sharedBytes,
                    context.stream(),
                    arguments.places(),
                    noExtra);
            Status.driver(
                    status, () -> "launching " + name + " on " + gridX + " by " + gridY + " blocks of " + threads);
        }
    }

    /** Empty arguments, to be filled and used before the next call. */
    Arguments arguments() {
        return arguments.clear();
    }

    /** The version of a kernel for an element type. */
    Kernel get(String source, String name, DType dtype) {
        return get(source, name + ElementType.suffix(dtype));
    }

    Kernel get(String source, String name) {
        Kernel kernel = kernels.get(name);
        if (kernel == null) {
            CUfunc_st function = new CUfunc_st();
            CUmod_st module = modules.computeIfAbsent(source, this::load);
            Status.driver(cudart.cuModuleGetFunction(function, module, name), "finding " + name + " in " + source);
            kernel = new Kernel(name, function);
            kernels.put(name, kernel);
        }
        return kernel;
    }

    private CUmod_st load(String source) {
        CUmod_st module = new CUmod_st();
        BytePointer image = new BytePointer(compiler.machineCode(source));
        images.add(image);
        Status.driver(cudart.cuModuleLoadData(module, image), "loading " + source);
        return module;
    }

    @Override
    public void close() {
        modules.forEach((source, module) -> Status.driver(cudart.cuModuleUnload(module), "unloading " + source));
        images.forEach(image -> image.close());
        arguments.close();
    }
}
