package org.mohawk4j.dl4j.layer;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.regex.Pattern;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.mohawk4j.backend.nd4j.NdArrays;
import org.mohawk4j.mixer.MatrixMixer;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * A mixer's parameters in DL4J's flat arrays, each row-major, in the mixer's order.
 *
 * <p>Names are DL4J's way: {@code in_proj.weight} is {@code inProj.W}, {@code conv1d.bias} is {@code conv1d.b},
 * {@code z_bias} is {@code zBias}. An underscore would not do: a {@code ComputationGraph} takes what follows the last
 * one for the parameter's name. Weights are the parameters of rank 2 and more, which regularization is for; all others
 * count as biases.
 */
final class MixerParameters implements ParamInitializer {
    private static final int WEIGHT_RANK = 2;
    private static final Pattern UNDERSCORE = Pattern.compile("_(.)");

    private final Map<String, Shape> shapes = new LinkedHashMap<>();

    /** Makes a mixer once, without its arrays, to see what it has. */
    MixerParameters(MatrixMixerLayer layer) {
        try (Engine engine = MixerHost.engine(DType.FLOAT32);
                MatrixMixer mixer = layer.create(engine, new SplittableRandom(0))) {
            mixer.parameters().forEach((name, parameter) -> shapes.put(name(name), parameter.shape()));
        }
    }

    /** DL4J's name for a mixer's parameter. */
    static String name(String parameter) {
        String camel =
                UNDERSCORE.matcher(parameter).replaceAll(match -> match.group(1).toUpperCase(Locale.ROOT));
        return camel.replaceFirst("(^|\\.)weight$", "$1W").replaceFirst("(^|\\.)bias$", "$1b");
    }

    @Override
    public long numParams(NeuralNetConfiguration conf) {
        return numParams(conf.getLayer());
    }

    @Override
    public long numParams(Layer ignored) {
        return shapes.values().stream().mapToLong(Shape::size).sum();
    }

    @Override
    public List<String> paramKeys(Layer ignored) {
        return new ArrayList<>(shapes.keySet());
    }

    @Override
    public List<String> weightKeys(Layer ignored) {
        return shapes.keySet().stream().filter(this::isWeight).toList();
    }

    @Override
    public List<String> biasKeys(Layer ignored) {
        return shapes.keySet().stream().filter(key -> !isWeight(key)).toList();
    }

    @Override
    public boolean isWeightParam(Layer ignored, String key) {
        return shapes.containsKey(key) && isWeight(key);
    }

    @Override
    public boolean isBiasParam(Layer ignored, String key) {
        return shapes.containsKey(key) && !isWeight(key);
    }

    private boolean isWeight(String key) {
        return Objects.requireNonNull(shapes.get(key), key).rank() >= WEIGHT_RANK;
    }

    /** The parameters as views; with {@code initializeParams} as a fresh mixer has them, by ND4J's random numbers. */
    @Override
    public Map<String, INDArray> init(NeuralNetConfiguration conf, INDArray paramsView, boolean initializeParams) {
        Map<String, INDArray> views = views(paramsView);
        views.keySet().forEach(conf::addVariable);
        if (initializeParams) {
            SplittableRandom random = new SplittableRandom(Nd4j.getRandom().nextLong());
            try (Engine engine = MixerHost.engine(DType.FLOAT32);
                    MatrixMixer mixer = ((MatrixMixerLayer) conf.getLayer()).create(engine, random)) {
                for (Map.Entry<String, Parameter> entry : mixer.parameters().entrySet()) {
                    String key = name(entry.getKey());
                    Objects.requireNonNull(views.get(key), key)
                            .assign(NdArrays.share(entry.getValue().value()));
                }
            }
        }
        return views;
    }

    @Override
    public Map<String, INDArray> getGradientsFromFlattened(NeuralNetConfiguration conf, INDArray gradientView) {
        return views(gradientView);
    }

    private Map<String, INDArray> views(INDArray flat) {
        INDArray row = flat.reshape(new long[] {flat.length()});
        Map<String, INDArray> views = new LinkedHashMap<>();
        long from = 0;
        for (Map.Entry<String, Shape> entry : shapes.entrySet()) {
            long to = from + entry.getValue().size();
            views.put(
                    entry.getKey(),
                    row.get(NDArrayIndex.interval(from, to))
                            .reshape('c', entry.getValue().toArray()));
            from = to;
        }
        return views;
    }
}
