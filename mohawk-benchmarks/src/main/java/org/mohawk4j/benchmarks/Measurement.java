package org.mohawk4j.benchmarks;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import org.mohawk4j.backend.Backend;

/**
 * What was measured, of what, where: a line of JSON that stands for itself.
 *
 * @param name of the benchmark
 * @param backend as {@link Backend#description} gives it
 * @param configuration everything that was chosen
 * @param results everything that was found
 */
record Measurement(String name, String backend, Map<String, ?> configuration, Map<String, ?> results) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Path PROCESSORS = Path.of("/proc/cpuinfo");

    /** What decides how the threads of ND4J and of OpenBLAS wait. */
    private static final List<String> THREAD_SETTINGS = List.of("OMP_WAIT_POLICY", "OPENBLAS_THREAD_TIMEOUT");

    /** With four decimals. */
    static double rounded(double value) {
        return Math.round(value * 1e4) / 1e4;
    }

    /** The line, without its end. */
    String toJson() {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("benchmark", name);
        line.put("configuration", configuration);
        line.put("results", results);
        line.put("machine", machine());
        line.put("versions", versions());
        line.put("time", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
        try {
            return JSON.writeValueAsString(line);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a measurement of " + name + " cannot be written as JSON", e);
        }
    }

    private static Map<String, Object> machine() {
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("processor", processor());
        facts.put("processors", Runtime.getRuntime().availableProcessors());
        facts.put("system", System.getProperty("os.name") + " " + System.getProperty("os.version"));
        for (String name : THREAD_SETTINGS) {
            facts.put(name, Objects.requireNonNullElse(System.getenv(name), "not set"));
        }
        return facts;
    }

    private static String processor() {
        String architecture = System.getProperty("os.arch");
        if (!Files.isReadable(PROCESSORS)) {
            return architecture;
        }
        try {
            return Files.readString(PROCESSORS)
                    .lines()
                    .filter(line -> line.startsWith("model name"))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .findFirst()
                    .orElse(architecture);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + PROCESSORS, e);
        }
    }

    private Map<String, Object> versions() {
        Map<String, Object> versions = new LinkedHashMap<>();
        versions.put("java", Runtime.version().toString());
        versions.put("nd4j", version("org.nd4j", "nd4j-api"));
        versions.put("openblas", version("org.bytedeco", "openblas"));
        versions.put("backend", backend);
        return versions;
    }

    /** The version in the jar that Maven built. */
    private static String version(String group, String artifact) {
        String file = "/META-INF/maven/" + group + "/" + artifact + "/pom.properties";
        try (InputStream in = Measurement.class.getResourceAsStream(file)) {
            if (in == null) {
                return "not known";
            }
            Properties properties = new Properties();
            properties.load(in);
            return properties.getProperty("version", "not known");
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + file, e);
        }
    }
}
