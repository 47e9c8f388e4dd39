package org.mohawk4j.op;

import org.mohawk4j.tensor.Tensor;

/** Elementwise functions between two linear maps. */
public enum Activation {
    NONE {
        @Override
        public Tensor apply(Tensor x) {
            return x;
        }
    },
    /** {@code x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x³)))}, which Hugging Face calls {@code gelu_new}. */
    GELU_TANH {
        @Override
        public Tensor apply(Tensor x) {
            // tanh(u) = 2 sigmoid(2u) - 1
            double scale = 2 * Math.sqrt(2 / Math.PI);
            return x.mul(x.square().affine(scale * 0.044715, scale).mul(x).sigmoid());
        }
    },
    RELU {
        @Override
        public Tensor apply(Tensor x) {
            return x.relu();
        }
    },
    SILU {
        @Override
        public Tensor apply(Tensor x) {
            return x.silu();
        }
    };

    public abstract Tensor apply(Tensor x);
}
