// Elementwise functions between linear maps, numbered as CudaLinear.java does.

#pragma once

#include "common.cuh"

enum { NONE, GELU_TANH, RELU, SILU };

// gelu(x) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3)
template <typename T, typename C = Compute<T>>
__device__ inline C activate(int activation, C x) {
    const C scale = C(1.5957691216057308);
    switch (activation) {
        case GELU_TANH: return x * sigmoidOf<T>(scale * (x + C(0.044715) * x * x * x));
        case RELU: return x != x || x > C(0) ? x : C(0);
        case SILU: return x * sigmoidOf<T>(x);
        default: return x;
    }
}

// What a small step of x adds to that, for each of its size.
template <typename T, typename C = Compute<T>>
__device__ inline C slope(int activation, C x) {
    const C scale = C(1.5957691216057308);
    switch (activation) {
        case GELU_TANH: {
            C s = sigmoidOf<T>(scale * (x + C(0.044715) * x * x * x));
            return s + x * s * (C(1) - s) * scale * (C(1) + C(3 * 0.044715) * x * x);
        }
        case RELU: return x > C(0) ? C(1) : C(0);
        case SILU: {
            C s = sigmoidOf<T>(x);
            C y = x * s;
            return y - y * s + s;
        }
        default: return C(1);
    }
}
