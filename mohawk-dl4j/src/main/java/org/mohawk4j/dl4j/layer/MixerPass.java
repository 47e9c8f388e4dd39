package org.mohawk4j.dl4j.layer;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.mohawk4j.backend.nd4j.NdArrays;
import org.mohawk4j.tensor.Gradients;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;
import org.nd4j.linalg.api.ndarray.INDArray;

/** One forward pass of a mixer, recorded so that it can be differentiated, once. */
final class MixerPass implements AutoCloseable {
    private final MixerHost host;
    private final Scope scope;
    private final Tensor input;
    private final Tape tape;
    private final Tensor output;

    /** @param sequences [B,T,D] */
    MixerPass(MixerHost host, INDArray sequences, Optional<SequenceMask> mask) {
        this.host = host;
        scope = host.engine().detachedScope();
        input = scope.adopt(host.tensor(sequences));
        List<Tensor> watched = new ArrayList<>(host.parameterValues());
        watched.add(input);
        tape = host.engine().tape(watched);
        output = scope.adopt(host.engine().scoped(() -> host.forward(input, mask)));
    }

    /** [B,T,D] */
    Tensor output() {
        return output;
    }

    /**
     * Writes the parameters' gradients, by DL4J's names, and gives the input's.
     *
     * @param seed the gradient of the output, [B,T,D] in any layout
     * @param parameterGradients written to
     * @return the input's gradient [B,T,D], in the current scope
     */
    Tensor backward(INDArray seed, Map<String, INDArray> parameterGradients) {
        Gradients gradients = tape.gradients(output, host.tensor(seed));
        host.mixer().parameters().forEach((name, parameter) -> {
            String key = MixerParameters.name(name);
            INDArray target = Objects.requireNonNull(parameterGradients.get(key), key);
            gradients
                    .of(parameter.value())
                    .ifPresentOrElse(gradient -> target.assign(NdArrays.share(gradient)), () -> target.assign(0));
        });
        return gradients.of(input).orElseGet(() -> input.fullLike(0));
    }

    @Override
    public void close() {
        tape.close();
        scope.close();
    }
}
