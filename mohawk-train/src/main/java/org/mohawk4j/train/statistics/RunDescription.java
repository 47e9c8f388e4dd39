package org.mohawk4j.train.statistics;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.nn.Layer;

/**
 * The first line of {@code statistics.jsonl}: what is trained, and where.
 *
 * @param backend what it computes with
 * @param java version of the virtual machine
 * @param system name of the operating system
 * @param architecture of the processor
 * @param processors that Java may use
 * @param jvmMaxBytes limit of the Java heap
 * @param machineBytes memory of the machine, or of its container; 0 if unknown
 * @param parts of the student, in order
 */
public record RunDescription(
        String backend,
        String java,
        String system,
        String architecture,
        int processors,
        long jvmMaxBytes,
        long machineBytes,
        List<Part> parts) {
    /**
     * @param name prefix of its parameters' names
     * @param kind its class, for a block that of its mixer
     * @param parameters their elements
     */
    public record Part(String name, String kind, long parameters) {}

    /** Copies the parts. */
    public RunDescription {
        parts = List.copyOf(parts);
    }

    static RunDescription of(CausalLm student) {
        Runtime runtime = Runtime.getRuntime();
        return new RunDescription(
                student.engine().backend().description(),
                System.getProperty("java.version"),
                System.getProperty("os.name") + " " + System.getProperty("os.version"),
                System.getProperty("os.arch"),
                runtime.availableProcessors(),
                runtime.maxMemory(),
                ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean own
                        ? own.getTotalMemorySize()
                        : 0,
                parts(student));
    }

    private static List<Part> parts(CausalLm student) {
        List<Part> parts = new ArrayList<>();
        List<String> names = student.parameters().keySet().stream()
                .map(RunDescription::partOf)
                .distinct()
                .toList();
        for (String name : names) {
            long size = student.parameters().entrySet().stream()
                    .filter(entry -> partOf(entry.getKey()).equals(name))
                    .mapToLong(entry -> entry.getValue().shape().size())
                    .sum();
            parts.add(new Part(name, kind(student, name), size));
        }
        return parts;
    }

    /** The part that a parameter belongs to: {@code layers.3} of {@code layers.3.mixer.in_proj.weight}. */
    public static String partOf(String parameter) {
        String[] names = parameter.split("\\.", -1);
        return names[0].equals("layers") ? names[0] + "." + names[1] : names[0];
    }

    private static String kind(CausalLm student, String part) {
        if (!part.startsWith("layers.")) {
            return part;
        }
        int layer = Integer.parseInt(part.substring("layers.".length()));
        Layer mixer = student.blocks().get(layer).mixer();
        return mixer.getClass().getSimpleName();
    }
}
