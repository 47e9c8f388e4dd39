package org.mohawk4j.backend.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;
import org.bytedeco.cuda.global.nvrtc;
import org.bytedeco.cuda.nvrtc._nvrtcProgram;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.SizeTPointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compiles the sources that lie beside this class for one GPU. Machine code is kept in a {@link KernelCache} under source,
 * compiler version and architecture.
 */
final class KernelCompiler {
    private static final Logger LOG = LoggerFactory.getLogger(KernelCompiler.class);
    private static final String COMMON = "common.cuh";

    private final String architecture;
    private final KernelCache cache;

    KernelCompiler(String architecture, KernelCache cache) {
        this.architecture = architecture;
        this.cache = cache;
    }

    /**
     * @param name of the file, such as {@code reduction.cu}
     * @param definitions such as {@code WIDTH=64}, for sources that are compiled for their sizes
     */
    byte[] machineCode(String name, List<String> definitions) {
        String source = withDefinitions(name, definitions);
        return cache.read(key(source)).orElseGet(() -> compiled(name, source));
    }

    /** As {@link #machineCode}, whatever was kept before. */
    byte[] compiledAnew(String name, List<String> definitions) {
        String source = withDefinitions(name, definitions);
        cache.drop(key(source));
        return compiled(name, source);
    }

    private static String withDefinitions(String name, List<String> definitions) {
        return definitions.stream()
                        .map(definition -> "#define " + definition.replace('=', ' ') + "\n")
                        .collect(Collectors.joining())
                + source(COMMON) + "\n#line 1 \"" + name + "\"\n" + source(name);
    }

    private String key(String source) {
        return architecture + " NVRTC " + version() + "\n" + source;
    }

    private byte[] compiled(String name, String source) {
        long start = System.nanoTime();
        byte[] code = compile(name, source);
        LOG.debug("compiled {} for {} in {} ms", name, architecture, (System.nanoTime() - start) / 1_000_000);
        cache.keep(key(source), code);
        return code;
    }

    static String version() {
        int[] major = new int[1];
        int[] minor = new int[1];
        Status.compiler(nvrtc.nvrtcVersion(major, minor), "asking for NVRTC's version");
        return major[0] + "." + minor[0];
    }

    private byte[] compile(String name, String source) {
        _nvrtcProgram program = new _nvrtcProgram();
        try (BytePointer text = new BytePointer(source, StandardCharsets.UTF_8);
                BytePointer title = new BytePointer(name, StandardCharsets.UTF_8);
                PointerPointer<BytePointer> none = new PointerPointer<>(0);
                PointerPointer<BytePointer> options =
                        new PointerPointer<>("--gpu-architecture=" + architecture, "--std=c++17")) {
            Status.compiler(
                    nvrtc.nvrtcCreateProgram(program, text, title, 0, none, none), "handing " + name + " to NVRTC");
            int status = nvrtc.nvrtcCompileProgram(program, 2, options);
            if (status != nvrtc.NVRTC_SUCCESS) {
                throw new CudaException("compiling " + name + " for " + architecture + ": " + log(program));
            }
            try (SizeTPointer size = new SizeTPointer(1)) {
                Status.compiler(nvrtc.nvrtcGetCUBINSize(program, size), "sizing the machine code of " + name);
                byte[] code = new byte[Math.toIntExact(size.get())];
                Status.compiler(nvrtc.nvrtcGetCUBIN(program, code), "fetching the machine code of " + name);
                return code;
            } finally {
                Status.compiler(nvrtc.nvrtcDestroyProgram(program), "closing NVRTC");
            }
        }
    }

    private static String log(_nvrtcProgram program) {
        try (SizeTPointer size = new SizeTPointer(1)) {
            Status.compiler(nvrtc.nvrtcGetProgramLogSize(program, size), "sizing NVRTC's log");
            byte[] log = new byte[Math.toIntExact(size.get())];
            Status.compiler(nvrtc.nvrtcGetProgramLog(program, log), "fetching NVRTC's log");
            return new String(log, StandardCharsets.UTF_8).strip();
        }
    }

    private static String source(String name) {
        try (InputStream in = KernelCompiler.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("no source " + name + " beside " + KernelCompiler.class);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + name + ": " + e, e);
        }
    }
}
