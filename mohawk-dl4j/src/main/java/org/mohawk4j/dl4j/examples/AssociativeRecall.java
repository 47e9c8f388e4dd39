package org.mohawk4j.dl4j.examples;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.function.LongFunction;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.mohawk4j.dl4j.layer.MatrixMixerLayer;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.nd4j.linalg.dataset.MultiDataSet;

/**
 * A DL4J network with two discrete Mamba-2 layers learns associative recall from data made on the fly, and the same
 * network with attention in their place beside it. Ends with the share of held-out questions that each answers right.
 */
public final class AssociativeRecall {
    private static final RecallTask TASK = new RecallTask(16, 6);
    private static final int BATCH = 64;
    private static final int CHECK_EVERY = 50;
    private static final int MOST_STEPS = 3_000;
    private static final double GOAL = 0.995;

    private AssociativeRecall() {}

    /** Trains both networks. */
    public static void main(String[] args) {
        run(new PrintWriter(System.out, true, StandardCharsets.UTF_8));
    }

    static void run(PrintWriter out) {
        double mamba = train(
                "Mamba-2",
                width -> DiscreteMamba2.Config.of(width, 4).withStateSize(16).withChunk(32),
                out);
        double attention = train("attention", width -> new SoftmaxAttention.Config(width, 4, 4, 16, 10_000), out);
        out.printf(Locale.ROOT, "mamba2.accuracy=%.4f attention.accuracy=%.4f%n", mamba, attention);
    }

    /** Two residual mixers between an embedding and a classifier of every step. */
    static ComputationGraph network(LongFunction<? extends MixerConfig> mixer) {
        GraphBuilder graph = TASK.network();
        String below = "embedding";
        for (int i = 0; i < 2; i++) {
            graph.addLayer(
                    "mixer" + i, new MatrixMixerLayer.Builder().mixer(mixer).build(), below);
            graph.addVertex("sum" + i, new ElementWiseVertex(ElementWiseVertex.Op.Add), below, "mixer" + i);
            below = "sum" + i;
        }
        return TASK.answering(graph, below);
    }

    private static double train(String name, LongFunction<? extends MixerConfig> mixer, PrintWriter out) {
        ComputationGraph network = network(mixer);
        MultiDataSet heldOut = TASK.batch(512, new SplittableRandom(0));
        SplittableRandom random = new SplittableRandom(1);
        long start = System.nanoTime();
        double accuracy = 0;
        for (int step = 1; step <= MOST_STEPS && accuracy < GOAL; step++) {
            network.fit(TASK.batch(BATCH, random));
            if (step % CHECK_EVERY == 0) {
                accuracy = TASK.accuracy(network, heldOut);
                out.printf(
                        Locale.ROOT,
                        "%-10s step %5d  loss %7.4f  accuracy %.4f  %6.1f s%n",
                        name,
                        step,
                        network.score(),
                        accuracy,
                        (System.nanoTime() - start) / 1e9);
            }
        }
        return accuracy;
    }
}
