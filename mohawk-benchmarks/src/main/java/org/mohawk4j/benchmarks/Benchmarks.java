package org.mohawk4j.benchmarks;

import java.util.LinkedHashMap;
import java.util.Map;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.tensor.Engine;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;

/**
 * Runs JMH benchmarks, with JMH's own arguments, and then prints a line of JSON for each. They time calls on the host, so
 * they run on the CPU; {@link GpuBenchmarks} are the GPU's.
 */
public final class Benchmarks {
    private Benchmarks() {}

    public static void main(String[] args) throws CommandLineOptionException, RunnerException {
        var runs = new Runner(new CommandLineOptions(args)).run();
        String backend;
        try (Engine engine = Engine.open("nd4j", BackendOptions.defaults())) {
            backend = engine.backend().description();
        }
        for (RunResult run : runs) {
            System.out.println(measurement(run, backend).toJson());
        }
    }

    private static Measurement measurement(RunResult run, String backend) {
        BenchmarkParams parameters = run.getParams();
        Map<String, Object> configuration = new LinkedHashMap<>();
        parameters.getParamsKeys().forEach(key -> configuration.put(key, parameters.getParam(key)));
        configuration.put("mode", parameters.getMode().shortLabel());
        configuration.put("forks", parameters.getForks());
        configuration.put("iterations", parameters.getMeasurement().getCount());
        configuration.put(
                "iteration_time", parameters.getMeasurement().getTime().toString());
        Result<?> result = run.getPrimaryResult();
        Map<String, Object> results = new LinkedHashMap<>();
        results.put("score", result.getScore());
        results.put("error", finite(result.getScoreError()));
        results.put("unit", result.getScoreUnit());
        String name = parameters.getBenchmark();
        return new Measurement(
                name.substring(name.lastIndexOf('.', name.lastIndexOf('.') - 1) + 1), backend, configuration, results);
    }

    /** JMH has no error for few iterations, and JSON no NaN. */
    private static Object finite(double value) {
        return Double.isFinite(value) ? (Object) value : "too few iterations";
    }
}
