package org.mohawk4j.dl4j.examples;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * Associative recall (as in Zoology, arXiv 2312.04927): a sequence of pairs of a key and a value, all keys different,
 * then every key once more in another order; at each of these the value that stood behind the key is to be said.
 *
 * @param symbols keys, and as many values; the vocabulary is twice as large
 * @param pairs in a sequence, of T = 3 · pairs tokens
 */
record RecallTask(int symbols, int pairs) {
    static final int WIDTH = 64;

    /** V. */
    int vocabulary() {
        return 2 * symbols;
    }

    /** T. */
    int time() {
        return 3 * pairs;
    }

    /** The beginning of a network: tokens as vectors of {@link #WIDTH}, its layer {@code embedding}. */
    GraphBuilder network() {
        return new NeuralNetConfiguration.Builder()
                .seed(1)
                .updater(new Adam(3e-3))
                .weightInit(WeightInit.XAVIER)
                .graphBuilder()
                .addInputs("tokens")
                .setInputTypes(InputType.recurrent(vocabulary(), time()))
                .addLayer(
                        "embedding",
                        new EmbeddingSequenceLayer.Builder()
                                .nIn(vocabulary())
                                .nOut(WIDTH)
                                .inputLength(time())
                                .weightInit(WeightInit.NORMAL)
                                .build(),
                        "tokens");
    }

    /** Its end, {@code answer}, a classifier of every step of the layer below. */
    ComputationGraph answering(GraphBuilder network, String below) {
        network.addLayer(
                        "answer",
                        new RnnOutputLayer.Builder(LossFunction.MCXENT)
                                .nOut(vocabulary())
                                .activation(Activation.SOFTMAX)
                                .build(),
                        below)
                .setOutputs("answer");
        ComputationGraph whole = new ComputationGraph(network.build());
        whole.init();
        return whole;
    }

    /**
     * Fresh sequences.
     *
     * @return tokens [B,1,T], the answers one-hot [B,V,T], a mask [B,T] of the places that ask
     */
    MultiDataSet batch(int batch, SplittableRandom random) {
        INDArray tokens = Nd4j.zeros(DataType.FLOAT, batch, 1, time());
        INDArray answers = Nd4j.zeros(DataType.FLOAT, batch, vocabulary(), time());
        INDArray asked = Nd4j.zeros(DataType.FLOAT, batch, time());
        for (int b = 0; b < batch; b++) {
            int[] keys = some(symbols, pairs, random);
            int[] values = new int[pairs];
            for (int i = 0; i < pairs; i++) {
                values[i] = symbols + random.nextInt(symbols);
                int place = 2 * i;
                tokens.putScalar(b, 0, place, keys[i]);
                tokens.putScalar(b, 0, place + 1, values[i]);
            }
            int[] order = some(pairs, pairs, random);
            for (int i = 0; i < pairs; i++) {
                int place = 2 * pairs + i;
                tokens.putScalar(b, 0, place, keys[order[i]]);
                answers.putScalar(b, values[order[i]], place, 1);
                asked.putScalar(b, place, 1);
            }
        }
        return new MultiDataSet(new INDArray[] {tokens}, new INDArray[] {answers}, null, new INDArray[] {asked});
    }

    /** The share of the questions that a network answers right. */
    double accuracy(ComputationGraph network, MultiDataSet data) {
        INDArray said = network.outputSingle(data.getFeatures(0)).argMax(1);
        INDArray right = data.getLabels(0).argMax(1);
        INDArray asked = data.getLabelsMaskArray(0);
        double correct =
                said.eq(right).castTo(DataType.FLOAT).muli(asked).sumNumber().doubleValue();
        return correct / asked.sumNumber().doubleValue();
    }

    /** Different numbers from 0 to {@code of - 1}, in random order. */
    private static int[] some(int of, int count, SplittableRandom random) {
        int[] all = new int[of];
        for (int i = 0; i < of; i++) {
            int j = random.nextInt(i + 1);
            all[i] = all[j];
            all[j] = i;
        }
        return Arrays.copyOf(all, count);
    }
}
