package org.mohawk4j.dl4j.distillation;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.impl.LayerVertex;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A layer of a trained network, with what goes in and what comes out of it. */
public final class TeacherLayer {
    private final Layer layer;
    private final Network network;

    private TeacherLayer(Layer layer, Network network) {
        this.layer = layer;
        this.network = network;
    }

    /** @throws InvalidInputException if there is no such layer */
    public static TeacherLayer of(ComputationGraph network, String layer) {
        Layer found = network.getLayer(layer);
        List<String> inputs = network.getConfiguration().getVertexInputs().get(layer);
        if (found == null || inputs == null || inputs.size() != 1) {
            throw new InvalidInputException("teacher: expected one of the layers "
                    + Arrays.stream(network.getLayers())
                            .map(l -> l.conf().getLayer().getLayerName())
                            .toList()
                    + " with one input, found " + layer);
        }
        return new TeacherLayer(found, features -> {
            Map<String, INDArray> activations = network.feedForward(features, false);
            InputPreProcessor before = ((LayerVertex) network.getVertex(layer)).getLayerPreProcessor();
            return pass(activations.get(inputs.get(0)), before, activations.get(layer));
        });
    }

    /** @throws InvalidInputException if there is no such layer */
    public static TeacherLayer of(MultiLayerNetwork network, int layer) {
        if (layer < 0 || layer >= network.getnLayers()) {
            throw new InvalidInputException(
                    "teacher: expected a layer from 0 to " + (network.getnLayers() - 1) + ", found " + layer);
        }
        return new TeacherLayer(network.getLayer(layer), features -> {
            List<INDArray> activations = network.feedForward(features[0], false);
            InputPreProcessor before = network.getLayerWiseConfigurations().getInputPreProcess(layer);
            return pass(activations.get(layer), before, activations.get(layer + 1));
        });
    }

    private static Pass pass(@Nullable INDArray below, @Nullable InputPreProcessor before, @Nullable INDArray output) {
        INDArray input = Objects.requireNonNull(below, "a layer's input");
        return new Pass(
                before == null
                        ? input
                        : before.preProcess(input, (int) input.size(0), LayerWorkspaceMgr.noWorkspaces()),
                Objects.requireNonNull(output, "a layer's output"));
    }

    /** What a layer computed, [B,D,T] both. */
    record Pass(INDArray input, INDArray output) {}

    private interface Network {
        Pass run(INDArray... features);
    }

    Layer layer() {
        return layer;
    }

    Pass run(INDArray... features) {
        return network.run(features);
    }
}
