package org.mohawk4j.dl4j.layer;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.LongFunction;
import java.util.random.RandomGenerator;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BaseRecurrentLayer;
import org.deeplearning4j.nn.conf.memory.LayerMemoryReport;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.mixer.MatrixMixer;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.types.DType;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Any mixer as a layer of a {@code MultiLayerNetwork} or {@code ComputationGraph}, on DL4J's recurrent activations
 * [B,D,T] (or [B,T,D] with {@code RNNFormat.NWC}), as wide as its input:
 *
 * <pre>
 *   new MatrixMixerLayer.Builder()
 *           .name("mixer")
 *           .mixer(width -&gt; DiscreteMamba2.Config.of(width, 4).withStateSize(16))
 *           .build()
 * </pre>
 *
 * <p>Parameters, updaters, regularization, gradient normalization, constraints, dropout, weight noise, transfer
 * learning, JSON and {@code ModelSerializer} are DL4J's. Weight initialization and activation function are the mixer's
 * own, whatever the network's configuration says. A masked step is neither seen nor answered: the other steps come out
 * as if it were not there, and its output is zero. {@code rnnTimeStep} goes through the mixer's own state. Truncated
 * backpropagation through time is refused: a mixer's state passes no gradient on.
 */
public final class MatrixMixerLayer extends BaseRecurrentLayer {
    private static final long serialVersionUID = 1L;

    private Map<String, Object> mixer = Map.of();
    private transient @Nullable LongFunction<? extends MixerConfig> byWidth;
    private transient @Nullable MixerParameters parameters;

    /** For JSON. */
    private MatrixMixerLayer() {}

    private MatrixMixerLayer(Builder builder) {
        super(builder);
        byWidth = builder.mixer;
        if (getNIn() > 0) {
            setWidth(getNIn());
        }
        initializeConstraints(builder);
    }

    /**
     * The mixer that a layer of an initialized network computes with, on the network's own parameters: to look at its
     * matrices, or to train it apart. It lives as long as the network.
     *
     * @throws InvalidInputException if the layer is of another kind
     */
    public static MatrixMixer mixerOf(org.deeplearning4j.nn.api.Layer layer) {
        if (layer instanceof MatrixMixerLayerImpl own) {
            return own.mixer();
        }
        throw new InvalidInputException("expected a MatrixMixerLayer, found layer '"
                + layer.conf().getLayer().getLayerName() + "', a "
                + layer.conf().getLayer().getClass().getSimpleName());
    }

    /** The mixer's name and dimensions, as they stand in JSON; empty as long as the width is not known. */
    public Map<String, Object> getMixer() {
        return mixer;
    }

    /** For JSON. */
    public void setMixer(Map<String, Object> values) {
        mixer = new LinkedHashMap<>(values);
        parameters = null;
    }

    /**
     * The mixer's dimensions.
     *
     * @throws InvalidInputException naming the layer, for an unknown mixer or dimensions that do not fit
     */
    MixerConfig mixerConfig() {
        if (mixer.isEmpty()) {
            throw new InvalidInputException(
                    describe() + ": expected a width, by nIn or the network's input type, found none");
        }
        MixerConfig config = MixerDescription.parse(describe(), mixer);
        if (config.width() != getNIn() || config.width() != getNOut()) {
            throw new InvalidInputException(describe() + ": expected nIn and nOut to be the mixer's width "
                    + config.width() + ", found " + getNIn() + " and " + getNOut());
        }
        return config;
    }

    /** A mixer of these dimensions; what it refuses is refused in this layer's name. */
    MatrixMixer create(Engine engine, RandomGenerator random) {
        MixerConfig config = mixerConfig();
        try {
            return config.create(engine, random);
        } catch (IllegalArgumentException e) {
            throw new InvalidInputException(describe() + ": " + e.getMessage(), e);
        }
    }

    /** The layer's name for messages. */
    String describe() {
        return "layer " + (getLayerName() == null ? "without a name" : "'" + getLayerName() + "'");
    }

    private void setWidth(long width) {
        MixerConfig config;
        try {
            config = Objects.requireNonNull(byWidth, "a layer from JSON has its width")
                    .apply(width);
        } catch (IllegalArgumentException e) {
            throw new InvalidInputException(describe() + ": " + e.getMessage(), e);
        }
        if (config.width() != width) {
            throw new InvalidInputException(describe() + ": expected a mixer of width " + width
                    + ", as wide as its input, found one of width " + config.width());
        }
        if (getNOut() > 0 && getNOut() != width) {
            throw new InvalidInputException(describe() + ": expected nOut to be the width of its input " + width
                    + ", or not to be given, found " + getNOut());
        }
        nIn = width;
        nOut = width;
        setMixer(MixerDescription.of(describe(), config));
        // makes a mixer, so that what does not fit is refused here and not when a network starts
        parameters = new MixerParameters(this);
    }

    @Override
    public void setNIn(InputType inputType, boolean override) {
        super.setNIn(inputType, override);
        long size = ((InputType.InputTypeRecurrent) inputType).getSize();
        if (mixer.isEmpty()) {
            setWidth(size);
        } else if (size != getNOut()) {
            throw new InvalidInputException(
                    describe() + ": expected an input of the mixer's width " + getNOut() + ", found " + size);
        }
    }

    @Override
    public MatrixMixerLayerImpl instantiate(
            NeuralNetConfiguration conf,
            Collection<TrainingListener> trainingListeners,
            int layerIndex,
            INDArray layerParamsView,
            boolean initializeParams,
            DataType networkDataType) {
        DType type = switch (networkDataType) {
            case FLOAT -> DType.FLOAT32;
            case DOUBLE -> DType.FLOAT64;
            default ->
                throw new InvalidInputException(
                        describe() + ": expected a network of FLOAT or DOUBLE, found " + networkDataType);
        };
        ParamInitializer initializer = initializer();
        MatrixMixerLayerImpl layer = new MatrixMixerLayerImpl(
                conf, networkDataType, new MixerHost(type, engine -> create(engine, new SplittableRandom(0))));
        layer.setListeners(trainingListeners);
        layer.setIndex(layerIndex);
        layer.setParamsViewArray(layerParamsView);
        layer.setParamTable(initializer.init(conf, layerParamsView, initializeParams));
        layer.setConf(conf);
        return layer;
    }

    @Override
    public MixerParameters initializer() {
        MixerParameters known = parameters;
        if (known == null) {
            known = new MixerParameters(this);
            parameters = known;
        }
        return known;
    }

    @Override
    public LayerMemoryReport getMemoryReport(InputType inputType) {
        long updaterState = getIUpdater() == null
                ? 0
                : getIUpdater().stateSize(initializer().numParams(this));
        return new LayerMemoryReport.Builder(
                        getLayerName(), MatrixMixerLayer.class, inputType, getOutputType(-1, inputType))
                .standardMemory(initializer().numParams(this), updaterState)
                .workingMemory(0, 0, 0, 0)
                .cacheMemory(0, 0)
                .build();
    }

    @Override
    public MatrixMixerLayer clone() {
        return (MatrixMixerLayer) super.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof MatrixMixerLayer that
                && super.equals(other)
                && mixer.toString().equals(that.mixer.toString());
    }

    @Override
    protected boolean canEqual(Object other) {
        return other instanceof MatrixMixerLayer;
    }

    @Override
    public int hashCode() {
        return 31 * super.hashCode() + mixer.toString().hashCode();
    }

    @Override
    public String toString() {
        return "MatrixMixerLayer(" + describe() + ", " + mixer + ")";
    }

    /** Builds a {@link MatrixMixerLayer}. */
    @SuppressWarnings("unchecked") // the signature of DL4J's build()
    public static final class Builder extends BaseRecurrentLayer.Builder<Builder> {
        private @Nullable LongFunction<? extends MixerConfig> mixer;

        /** A mixer as wide as the layer's input, which nIn or the network's input type says. */
        public Builder mixer(LongFunction<? extends MixerConfig> byWidth) {
            mixer = byWidth;
            return this;
        }

        /** This mixer, whose width must be that of the layer's input. */
        public Builder mixer(MixerConfig config) {
            return nIn(config.width()).mixer(width -> config);
        }

        /**
         * The configuration.
         *
         * @throws InvalidInputException naming the layer, if the mixer refuses its dimensions
         */
        @Override
        public MatrixMixerLayer build() {
            if (mixer == null) {
                throw new InvalidInputException("a mixer layer: expected a mixer, found none");
            }
            return new MatrixMixerLayer(this);
        }
    }
}
