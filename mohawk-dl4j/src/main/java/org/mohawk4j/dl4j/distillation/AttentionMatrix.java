package org.mohawk4j.dl4j.distillation;

import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.layers.SelfAttentionLayer;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.nd4j.NdArrays;
import org.mohawk4j.dl4j.layer.MatrixMixerLayer;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/**
 * The mixing matrix [B,H,T,T] of a teacher's layer: of DL4J's {@link SelfAttentionLayer}, as libnd4j's
 * {@code multi_head_dot_product_attention} computes it, or of a {@link MatrixMixerLayer}.
 */
final class AttentionMatrix {
    private AttentionMatrix() {}

    /**
     * @param u the layer's input [B,T,D]
     * @throws InvalidInputException if the layer has no mixing matrix
     */
    static Tensor of(Layer layer, Tensor u) {
        if (layer.conf().getLayer() instanceof SelfAttentionLayer attention) {
            return selfAttention(attention, layer, u);
        }
        if (layer.conf().getLayer() instanceof MatrixMixerLayer) {
            return MatrixMixerLayer.mixerOf(layer).matrix(u).materialize();
        }
        throw new InvalidInputException("teacher: expected a SelfAttentionLayer or a MatrixMixerLayer, found layer '"
                + layer.conf().getLayer().getLayerName() + "', a "
                + layer.conf().getLayer().getClass().getSimpleName());
    }

    private static Tensor selfAttention(SelfAttentionLayer attention, Layer layer, Tensor u) {
        if (!attention.isProjectInput()) {
            Tensor one = u.reshape(u.dim(0), 1, u.dim(1), u.dim(2));
            return scores(one, one);
        }
        return scores(heads(u, layer, "Wq"), heads(u, layer, "Wk"));
    }

    /** softmax(q kᵀ / √P) of q and k [B,H,T,P]. */
    private static Tensor scores(Tensor q, Tensor k) {
        return q.matmul(false, k, true).mul(1 / Math.sqrt(q.dim(3))).softmax();
    }

    /** u [B,T,D] by a weight [H,P,D]: [B,H,T,P]. */
    private static Tensor heads(Tensor u, Layer layer, String weight) {
        Engine engine = u.engine();
        Tensor w = NdArrays.toTensor(engine, layer.getParam(weight));
        long heads = w.dim(0);
        long headDim = w.dim(1);
        Tensor projected = u.reshape(u.dim(0) * u.dim(1), u.dim(2))
                .matmul(false, w.reshape(heads * headDim, w.dim(2)), true)
                .reshape(u.dim(0), u.dim(1), heads, headDim);
        return projected.permute(0, 2, 1, 3);
    }
}
