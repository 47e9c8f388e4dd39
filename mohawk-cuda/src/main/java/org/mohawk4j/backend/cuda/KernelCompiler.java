package org.mohawk4j.backend.cuda;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.cuda.global.nvrtc;
import org.bytedeco.cuda.nvrtc._nvrtcProgram;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.SizeTPointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compiles the sources that lie beside this class for one GPU. Machine code is kept on disk under the hash of what it
 * follows from, which is source, headers, definitions, compiler version and architecture: in the folder that the system
 * property {@code mohawk.cuda.cache} names, by default {@code mohawk4j/cuda} in the user's cache.
 */
final class KernelCompiler {
    private static final Logger LOG = LoggerFactory.getLogger(KernelCompiler.class);

    private final String architecture;
    private final Path cache;

    KernelCompiler(String architecture) {
        this.architecture = architecture;
        String folder = System.getProperty("mohawk.cuda.cache");
        String caches = System.getenv("XDG_CACHE_HOME");
        this.cache = folder != null
                ? Path.of(folder)
                : (caches != null ? Path.of(caches) : Path.of(System.getProperty("user.home"), ".cache"))
                        .resolve("mohawk4j/cuda");
    }

    /**
     * @param name of the file, such as {@code reduction.cu}
     * @param definitions such as {@code WIDTH=64}, for sources that are compiled for their sizes
     */
    byte[] machineCode(String name, List<String> definitions) {
        KernelSource source = KernelSource.read(name);
        List<String> options = Stream.concat(
                        Stream.of("--gpu-architecture=" + architecture, "--std=c++17"),
                        definitions.stream().map(definition -> "--define-macro=" + definition))
                .toList();
        Path kept = cache.resolve(hash("NVRTC " + version() + " " + options + "\n" + source.content()) + ".cubin");
        try {
            if (Files.exists(kept)) {
                return Files.readAllBytes(kept);
            }
            long start = System.nanoTime();
            byte[] code = compile(source, options);
            LOG.debug("compiled {} for {} in {} ms", name, architecture, (System.nanoTime() - start) / 1_000_000);
            keep(code, kept);
            return code;
        } catch (IOException e) {
            throw new UncheckedIOException("machine code of " + name + " in " + cache + ": " + e, e);
        }
    }

    static String version() {
        int[] major = new int[1];
        int[] minor = new int[1];
        Status.compiler(nvrtc.nvrtcVersion(major, minor), "asking for NVRTC's version");
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
            Status.compiler(
                    nvrtc.nvrtcCreateProgram(program, text, title, headers.length, included, includedAs),
                    "handing " + name + " to NVRTC");
            int status = nvrtc.nvrtcCompileProgram(program, options.size(), with);
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

    /** Written beside and moved, so that two processes can fill the cache at once. */
    private void keep(byte[] code, Path target) throws IOException {
        Files.createDirectories(cache);
        Path part = Files.createTempFile(cache, "part", ".cubin");
        Files.write(part, code);
        try {
            Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(part, target, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    private static String hash(String text) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
