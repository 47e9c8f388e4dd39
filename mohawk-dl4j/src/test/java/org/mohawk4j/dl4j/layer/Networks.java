package org.mohawk4j.dl4j.layer;

import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.mohawk4j.mixer.CausalLinearAttention;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.mixer.Toeplitz;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Small networks with a mixer of every kind. */
final class Networks {
    static final int WIDTH = 6;
    static final int CLASSES = 3;

    private Networks() {}

    /** The built-in mixers. */
    enum Kind {
        MAMBA2,
        LINEAR_ATTENTION,
        ATTENTION,
        TOEPLITZ;

        MixerConfig mixer(long width) {
            return switch (this) {
                case MAMBA2 -> new DiscreteMamba2.Config(width, 2, 1, 3, 3, 2);
                case LINEAR_ATTENTION -> new CausalLinearAttention.Config(width, 2, 4, 2);
                case ATTENTION -> new SoftmaxAttention.Config(width, 3, 3, 2, 10_000);
                case TOEPLITZ -> new Toeplitz.Config(width, 2, 9, 2);
            };
        }

        MatrixMixerLayer layer() {
            return new MatrixMixerLayer.Builder().name("mix").mixer(this::mixer).build();
        }
    }

    /** A mixer and a classifier of every step. */
    static MultiLayerConfiguration configuration(MatrixMixerLayer layer, DataType type, IUpdater updater) {
        return configuration(layer, type, updater, RNNFormat.NCW);
    }

    static MultiLayerConfiguration configuration(
            MatrixMixerLayer layer, DataType type, IUpdater updater, RNNFormat format) {
        return new NeuralNetConfiguration.Builder()
                .seed(7)
                .dataType(type)
                .updater(updater)
                .activation(Activation.TANH)
                .list()
                .layer(layer)
                .layer(new RnnOutputLayer.Builder(LossFunction.MCXENT)
                        .nOut(CLASSES)
                        .activation(Activation.SOFTMAX)
                        .dataFormat(format)
                        .build())
                .setInputType(InputType.recurrent(WIDTH, 5, format))
                .build();
    }

    static MultiLayerNetwork network(MatrixMixerLayer layer, DataType type, IUpdater updater) {
        MultiLayerNetwork network = new MultiLayerNetwork(configuration(layer, type, updater));
        network.init();
        return network;
    }

    /** [batch,D,time] */
    static INDArray input(DataType type, int batch, int time) {
        Nd4j.getRandom().setSeed(11);
        return Nd4j.rand(type, batch, WIDTH, time).subi(0.5).muli(2);
    }

    /** One class for every step, [batch,classes,time]. */
    static INDArray labels(DataType type, int batch, int time) {
        INDArray labels = Nd4j.zeros(type, batch, CLASSES, time);
        for (int b = 0; b < batch; b++) {
            for (int t = 0; t < time; t++) {
                labels.putScalar(b, (b + 2 * t) % CLASSES, t, 1);
            }
        }
        return labels;
    }
}
