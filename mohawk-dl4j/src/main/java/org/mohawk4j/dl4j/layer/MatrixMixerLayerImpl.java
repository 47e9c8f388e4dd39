package org.mohawk4j.dl4j.layer;

import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.recurrent.BaseRecurrentLayer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.nd4j.NdArrays;
import org.mohawk4j.mixer.MatrixMixer;
import org.mohawk4j.mixer.MixerState;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * What a {@link MatrixMixerLayer} does in a network. It computes outside of workspaces, on the network's own parameters,
 * and copies activations and gradients into the arrays that DL4J gives it.
 */
final class MatrixMixerLayerImpl extends BaseRecurrentLayer<MatrixMixerLayer> {
    private final transient MixerHost host;
    private transient @Nullable MixerPass pending;
    private transient @Nullable MixerState state;
    private transient long stateBatch;

    MatrixMixerLayerImpl(NeuralNetConfiguration conf, org.nd4j.linalg.api.buffer.DataType dataType, MixerHost host) {
        super(conf, dataType);
        this.host = host;
    }

    MixerHost host() {
        return host;
    }

    /** The mixer, on the parameters as they are. */
    MatrixMixer mixer() {
        dropPending();
        bind(this::getParam);
        return host.mixer();
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaceMgr) {
        prepare(training, workspaceMgr);
        try (MemoryWorkspace none = Nd4j.getMemoryManager().scopeOutOfWorkspaces();
                Scope scope = host.engine().scope()) {
            if (!training) {
                return result(ArrayType.ACTIVATIONS, host.forward(host.tensor(sequences()), mask()), workspaceMgr);
            }
            MixerPass pass = new MixerPass(host, sequences(), mask());
            pending = pass;
            return result(ArrayType.ACTIVATIONS, pass.output(), workspaceMgr);
        }
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaceMgr) {
        assertInputSet(true);
        if (pending == null) {
            activate(true, workspaceMgr);
        }
        INDArray inputGradient;
        try (MemoryWorkspace none = Nd4j.getMemoryManager().scopeOutOfWorkspaces();
                Scope scope = host.engine().scope();
                MixerPass pass = Objects.requireNonNull(pending)) {
            pending = null;
            inputGradient = result(
                    ArrayType.ACTIVATION_GRAD, pass.backward(batchTimeWidth(epsilon), gradientViews), workspaceMgr);
        }
        weightNoiseParams.clear();
        Gradient gradient = new DefaultGradient(gradientsFlattened);
        gradientViews.forEach(gradient::setGradientFor);
        return new Pair<>(gradient, backpropDropOutIfPresent(inputGradient));
    }

    /** The next steps [B,D,T] of the sequences that the state has seen so far. */
    @Override
    public INDArray rnnTimeStep(INDArray input, LayerWorkspaceMgr workspaceMgr) {
        setInput(input, workspaceMgr);
        prepare(false, workspaceMgr);
        try (MemoryWorkspace none = Nd4j.getMemoryManager().scopeOutOfWorkspaces();
                Scope scope = host.engine().scope()) {
            MixerState current = state;
            if (current == null) {
                stateBatch = input.size(0);
                current = host.mixer().newState(stateBatch);
                state = current;
            } else if (stateBatch != input.size(0)) {
                throw new InvalidInputException(layerConf().describe() + ": expected the next steps of " + stateBatch
                        + " sequences, found " + input.size(0)
                        + "; rnnClearPreviousState() begins new ones");
            }
            Tensor output = host.mixer().forward(host.tensor(sequences()), current);
            return result(ArrayType.ACTIVATIONS, output, workspaceMgr);
        }
    }

    @Override
    public void rnnClearPreviousState() {
        super.rnnClearPreviousState();
        if (state != null) {
            state.close();
            state = null;
        }
    }

    /** Empty before the first step; after it, refused: a mixer's state is its own and cannot be taken out. */
    @Override
    public Map<String, INDArray> rnnGetPreviousState() {
        if (state != null) {
            throw new UnsupportedOperationException(layerConf().describe() + ": a mixer's state stays in the layer");
        }
        return Map.of();
    }

    /** Only an empty state is accepted; it begins new sequences. */
    @Override
    public void rnnSetPreviousState(Map<String, INDArray> stateMap) {
        if (!stateMap.isEmpty()) {
            throw new UnsupportedOperationException(layerConf().describe() + ": a mixer's state stays in the layer");
        }
        rnnClearPreviousState();
    }

    @Override
    public INDArray rnnActivateUsingStoredState(
            INDArray input, boolean training, boolean storeLastForTBPTT, LayerWorkspaceMgr workspaceMgr) {
        throw noTruncation();
    }

    @Override
    public Pair<Gradient, INDArray> tbpttBackpropGradient(
            INDArray epsilon, int tbpttBackLength, LayerWorkspaceMgr workspaceMgr) {
        throw noTruncation();
    }

    private UnsupportedOperationException noTruncation() {
        return new UnsupportedOperationException(layerConf().describe()
                + ": a mixer is trained on whole sequences: expected BackpropType.Standard, found TruncatedBPTT");
    }

    @Override
    public void setParams(INDArray params) {
        if (params != paramsFlattened) {
            setParams(params, 'c');
        }
    }

    @Override
    public void clear() {
        super.clear();
        dropPending();
    }

    @Override
    public boolean isPretrainLayer() {
        return false;
    }

    @Override
    public boolean hasBias() {
        return false;
    }

    @Override
    public Type type() {
        return Type.RECURRENT;
    }

    /** Checks the input, applies dropout and noise, and lets the mixer see the parameters. */
    private void prepare(boolean training, LayerWorkspaceMgr workspaceMgr) {
        assertInputSet(false);
        dropPending();
        applyDropOutIfNecessary(training, workspaceMgr);
        int channels = getDataFormat() == RNNFormat.NWC ? 2 : 1;
        if (input.rank() != 3 || input.size(channels) != layerConf().getNIn()) {
            throw new InvalidInputException(layerConf().describe() + ": expected an input of "
                    + (channels == 1
                            ? "[B, " + layerConf().getNIn() + ", T]"
                            : "[B, T, " + layerConf().getNIn() + "]")
                    + ", found " + Shape.of(input.shape()));
        }
        bind(name -> getParamWithNoise(name, training, workspaceMgr));
    }

    private void bind(Function<String, INDArray> parameters) {
        try (MemoryWorkspace none = Nd4j.getMemoryManager().scopeOutOfWorkspaces();
                Scope scope = host.engine().scope()) {
            host.bind(parameters);
        }
    }

    private void dropPending() {
        if (pending != null) {
            pending.close();
            pending = null;
        }
    }

    private INDArray sequences() {
        return batchTimeWidth(input);
    }

    private Optional<SequenceMask> mask() {
        INDArray steps = sequences();
        return Optional.ofNullable(maskArray)
                .map(mask -> new SequenceMask(layerConf().describe(), mask, steps.size(0), steps.size(1)));
    }

    private INDArray batchTimeWidth(INDArray array) {
        return getDataFormat() == RNNFormat.NWC ? array : array.permute(0, 2, 1);
    }

    /** Copies [B,T,D] into an array of the layer's format, in the workspace where DL4J wants it. */
    private INDArray result(ArrayType type, Tensor sequences, LayerWorkspaceMgr workspaceMgr) {
        long[] shape = batchTimeWidth(NdArrays.share(sequences)).shape();
        INDArray target = workspaceMgr.createUninitialized(type, dataType, shape, 'f');
        target.assign(batchTimeWidth(NdArrays.share(sequences)));
        return target;
    }
}
