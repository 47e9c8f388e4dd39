// Products of attention's tiles by wgmma: a warpgroup multiplies 64 rows at once, operands in shared memory, the left
// one in registers too. They run on while the program does, until they are waited for.

#pragma once

#include "attention.cuh"
#include "wgmma.cuh"

// Until the tiles whose copies were committed are there for all of the block.
__device__ __forceinline__ void awaitTiles() {
    waitCopies<0>();
    showToWgmma();
    __syncthreads();
}

// Before products whose operands in registers, sums among them, were written since.
__device__ __forceinline__ void beginProducts() { wgmmaFence(); }

__device__ __forceinline__ void commitProducts() { wgmmaCommit(); }

template <int PENDING>
__device__ __forceinline__ void waitProducts() {
    wgmmaWait<PENDING>();
}

// Keeps the compiler from moving reads of sums above the wait that completes them.
template <int N>
__device__ __forceinline__ void settle(float (&d)[N]) {
#pragma unroll
    for (int i = 0; i < N; i++) asm volatile("" : "+f"(d[i])::"memory");
}

// An operand of 16 columns of a tile, or of 16 rows of a panel.
__device__ __forceinline__ Descriptor operand(unsigned address) {
    return descriptor<PANEL_ROW_BYTES, PANEL_BYTES>(address);
}

// d = left right', tiles both.
__device__ __forceinline__ void scores(float (&d)[32], unsigned left, unsigned right) {
#pragma unroll
    for (int k = 0; k < P / 16; k++) {
        unsigned step = (k * 16 / PANEL) * PANEL_BYTES + (k * 16 % PANEL) * 2;
        wgmmaShared(d, operand(left + step), operand(right + step), k == 0);
    }
}

// d += left right, left [64, 64] in registers, right a tile.
__device__ __forceinline__ void accumulate(float (&d)[P / 2], const unsigned (&left)[4][4], unsigned right) {
#pragma unroll
    for (int k = 0; k < 4; k++)
#pragma unroll
        for (int panel = 0; panel < PANELS; panel++)
            wgmmaRegisters<PANEL>(
                d + PANEL / 2 * panel, left[k], operand(right + panel * PANEL_BYTES + k * 16 * PANEL_ROW_BYTES));
}
