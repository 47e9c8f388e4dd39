package org.mohawk4j.dl4j.layer;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.nd4j.NdArrays;
import org.mohawk4j.mixer.MatrixMixer;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A mixer that computes on arrays of a DL4J layer, with an engine of its own on ND4J. To be called outside of
 * workspaces: the engine keeps its memory. That is freed like any of ND4J's, when the layer is no longer used.
 */
final class MixerHost {
    private final Engine engine;
    private final MatrixMixer mixer;
    private final Map<String, INDArray> bound = new LinkedHashMap<>();

    MixerHost(DType type, Function<Engine, MatrixMixer> create) {
        engine = engine(type);
        mixer = create.apply(engine);
    }

    /** An engine on ND4J, with as many threads as ND4J has. */
    static Engine engine(DType type) {
        return Engine.open(
                "nd4j",
                BackendOptions.defaults()
                        .withParameterType(type)
                        .withThreads(Nd4j.getEnvironment().maxMasterThreads()));
    }

    Engine engine() {
        return engine;
    }

    MatrixMixer mixer() {
        return mixer;
    }

    /** Lets the mixer compute on parameters, given by DL4J's names; it sees what is changed in them later. */
    void bind(Function<String, INDArray> byName) {
        mixer.parameters().forEach((name, parameter) -> {
            String key = MixerParameters.name(name);
            INDArray array = byName.apply(key);
            if (bound.put(key, array) != array) {
                parameter.bind(NdArrays.share(engine, array));
            }
        });
    }

    /** What a tape must watch for the parameters' gradients. */
    List<Tensor> parameterValues() {
        return mixer.parameters().values().stream().map(Parameter::value).toList();
    }

    /** Copies an array [B,T,D] of any layout. */
    Tensor tensor(INDArray sequences) {
        Tensor copy = engine.zeros(sequences.shape());
        NdArrays.share(copy).assign(sequences);
        return copy;
    }

    /** The mixer's output for u [B,T,D], zero where the mask says that nothing is there. */
    Tensor forward(Tensor u, Optional<SequenceMask> mask) {
        return mask.map(m -> m.unpack(mixer.forward(m.pack(u)))).orElseGet(() -> mixer.forward(u));
    }
}
