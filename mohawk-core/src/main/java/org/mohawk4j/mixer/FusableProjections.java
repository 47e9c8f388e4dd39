package org.mohawk4j.mixer;

import java.util.List;
import org.mohawk4j.nn.Linear;
import org.mohawk4j.tensor.Tensor;

/**
 * A mixer between input projections and an output projection. In generation a block can fuse them with its own linear
 * maps, which are most of the cost of a token.
 */
public interface FusableProjections {
    /** Of the block's normalized input. */
    List<Linear> inputProjections();

    /** To the mixer's output. */
    Linear outputProjection();

    /**
     * What lies between, for positions that follow those the state has seen; the state then includes them.
     *
     * @param mapped what the first maps give, [B,T,E] each
     * @return what the last map is applied to, [B,T,F]
     */
    Tensor between(List<Tensor> mapped, MixerState state);

    /** The whole mixer, [B,T,D] to [B,T,D]. */
    default Tensor continued(Tensor u, MixerState state) {
        List<Tensor> mapped =
                inputProjections().stream().map(map -> map.apply(u)).toList();
        return outputProjection().apply(between(mapped, state));
    }
}
