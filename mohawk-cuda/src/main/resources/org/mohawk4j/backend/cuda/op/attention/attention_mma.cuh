// Products of attention's tiles by mma.sync, for architectures without wgmma: a warp multiplies 16 rows of the tile's
// 64. They are done where they stand, so nothing has to wait for them.

#pragma once

#include "attention.cuh"
#include "tensor_core.cuh"

// Until the tiles whose copies were committed are there for all of the block.
__device__ __forceinline__ void awaitTiles() {
    waitCopies<0>();
    __syncthreads();
}

__device__ __forceinline__ void beginProducts() {}

__device__ __forceinline__ void commitProducts() {}

template <int PENDING>
__device__ __forceinline__ void waitProducts() {}

template <int N>
__device__ __forceinline__ void settle(float (&)[N]) {}

// d = left right', tiles both.
__device__ __forceinline__ void scores(float (&d)[32], unsigned left, unsigned right) {
    const int lane = threadIdx.x & 31, warp = (threadIdx.x >> 5) & 3;
#pragma unroll
    for (int i = 0; i < 32; i++) d[i] = 0.0f;
#pragma unroll
    for (int k = 0; k < P / 16; k++) {
        unsigned a[4];
        ldmatrix(a, left + chunkOffset(warp * 16 + (lane & 15), 2 * k + (lane >> 4)));
#pragma unroll
        for (int n = 0; n < 4; n++) {
            unsigned b[4];
            ldmatrix(b, right + chunkOffset(n * 16 + (lane & 7) + ((lane >> 4) << 3), 2 * k + ((lane >> 3) & 1)));
            mma(d + 8 * n, a, b[0], b[1]);
            mma(d + 8 * n + 4, a, b[2], b[3]);
        }
    }
}

// d += left right, left [64, 64] in registers, right a tile.
__device__ __forceinline__ void accumulate(float (&d)[P / 2], const unsigned (&left)[4][4], unsigned right) {
    const int lane = threadIdx.x & 31;
#pragma unroll
    for (int k = 0; k < 4; k++)
#pragma unroll
        for (int n = 0; n < P / 16; n++) {
            unsigned b[4];
            ldmatrixTransposed(b, right + chunkOffset(k * 16 + (lane & 15), 2 * n + (lane >> 4)));
            mma(d + 8 * n, left[k], b[0], b[1]);
            mma(d + 8 * n + 4, left[k], b[2], b[3]);
        }
}
