package org.mohawk4j.backend.cuda.compile;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.cuda.global.nvrtc;
import org.bytedeco.cuda.nvrtc._nvrtcProgram;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.SizeTPointer;
import org.mohawk4j.backend.cuda.driver.CudaException;
import org.mohawk4j.backend.cuda.driver.CudaStatus;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compiles the sources that lie beside this class for one GPU. Machine code is kept in a {@link KernelCache} under what it
 * follows from: source, headers, definitions, compiler version and architecture.
 */
public final class KernelCompiler {
    private static final Logger LOG = LoggerFactory.getLogger(KernelCompiler.class);

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
        Unit unit = unit(name, definitions);
        return cache.read(unit.key()).orElseGet(() -> compiled(unit));
    }

    /** As {@link #machineCode}, whatever was kept before. */
    byte[] compiledAnew(String name, List<String> definitions) {
        Unit unit = unit(name, definitions);
        cache.drop(unit.key());
        return compiled(unit);
    }

    /** What NVRTC compiles at once. */
    private record Unit(KernelSource source, List<String> options) {
        String key() {
            return "NVRTC " + version() + " " + options + "\n" + source.content();
        }
    }

    private Unit unit(String name, List<String> definitions) {
        Stream<String> ofAll = Stream.of("--gpu-architecture=" + architecture, "--std=c++17");
        Stream<String> defined = definitions.stream().map(definition -> "--define-macro=" + definition);
        return new Unit(KernelSource.read(name), Stream.concat(ofAll, defined).toList());
    }

    private byte[] compiled(Unit unit) {
        long start = System.nanoTime();
        byte[] code = compile(unit.source(), unit.options());
        LOG.debug(
                "compiled {} for {} in {} ms",
                unit.source().name(),
                architecture,
                (System.nanoTime() - start) / 1_000_000);
        cache.keep(unit.key(), code);
        return code;
    }

    public static String version() {
        int[] major = new int[1];
        int[] minor = new int[1];
        CudaStatus.compiler(nvrtc.nvrtcVersion(major, minor), "asking for NVRTC's version");
        return major[0] + "." + minor[0];
    }

    private byte[] compile(KernelSource source, List<String> options) {
        String name = source.name();
        String[] headerNames = source.headers().keySet().toArray(String[]::new);
        String[] headers = source.headers().values().toArray(String[]::new);
        _nvrtcProgram program = new _nvrtcProgram();
        try (BytePointer text = new BytePointer(source.text(), StandardCharsets.UTF_8);
                BytePointer title = new BytePointer(name, StandardCharsets.UTF_8);
                PointerPointer<BytePointer> included = new PointerPointer<>(headers, StandardCharsets.UTF_8);
                PointerPointer<BytePointer> includedAs = new PointerPointer<>(headerNames, StandardCharsets.UTF_8);
                PointerPointer<BytePointer> with =
                        new PointerPointer<>(options.toArray(String[]::new), StandardCharsets.UTF_8)) {
            CudaStatus.compiler(
                    nvrtc.nvrtcCreateProgram(program, text, title, headers.length, included, includedAs),
                    "handing " + name + " to NVRTC");
            int status = nvrtc.nvrtcCompileProgram(program, options.size(), with);
            if (status != nvrtc.NVRTC_SUCCESS) {
                throw new CudaException("compiling " + name + " for " + architecture + ": " + log(program));
            }
            try (SizeTPointer size = new SizeTPointer(1)) {
                CudaStatus.compiler(nvrtc.nvrtcGetCUBINSize(program, size), "sizing the machine code of " + name);
                byte[] code = new byte[Math.toIntExact(size.get())];
                CudaStatus.compiler(nvrtc.nvrtcGetCUBIN(program, code), "fetching the machine code of " + name);
                return code;
            } finally {
                CudaStatus.compiler(nvrtc.nvrtcDestroyProgram(program), "closing NVRTC");
            }
        }
    }

    private static String log(_nvrtcProgram program) {
        try (SizeTPointer size = new SizeTPointer(1)) {
            CudaStatus.compiler(nvrtc.nvrtcGetProgramLogSize(program, size), "sizing NVRTC's log");
            byte[] log = new byte[Math.toIntExact(size.get())];
            CudaStatus.compiler(nvrtc.nvrtcGetProgramLog(program, log), "fetching NVRTC's log");
            return new String(log, StandardCharsets.UTF_8).strip();
        }
    }
}
