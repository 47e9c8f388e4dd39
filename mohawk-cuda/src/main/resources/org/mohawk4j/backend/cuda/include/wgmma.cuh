// Products of a warpgroup, four warps whose first is a multiple of four, on the tensor cores of compute capability 9.0:
// a block of 64 rows at a time, bfloat16 in, float32 sums. They run on while the program does.
//
// Sums d[4 j + e] of a thread, with lane its number in its warp: row 16 (warp % 4) + lane / 4 + 8 (e / 2), column
// 8 j + 2 (lane % 4) + e % 2. Packed in pairs this is the layout of a left operand in registers, so a result can be the
// left operand of the next product.
//
// Operands in shared memory lie in panels, rows of 128 or 64 bytes whose 16-byte chunks are permuted: chunk c of row r
// is at c ^ r % 8, or c ^ r / 2 % 4. Panels begin at multiples of 1024.

#pragma once

#include "common.cuh"

typedef unsigned long long Descriptor;

// Of an operand in shared memory. PANEL_BYTES is the distance of panels, which counts where an operand spans several.
template <int ROW_BYTES, int PANEL_BYTES>
__device__ __forceinline__ Descriptor descriptor(unsigned address) {
    constexpr Descriptor FIXED = (Descriptor)(ROW_BYTES == 128 ? 1 : 2) << 62 | (Descriptor)(8 * ROW_BYTES >> 4) << 32
        | (Descriptor)(PANEL_BYTES >> 4) << 16;
    return FIXED | (address & 0x3ffff) >> 4;
}

// Before the first product, and after registers that a product takes were written.
__device__ __forceinline__ void wgmmaFence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }

// Makes a group of the products since the last one.
__device__ __forceinline__ void wgmmaCommit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }

// Until at most PENDING of the newest groups are under way.
template <int PENDING>
__device__ __forceinline__ void wgmmaWait() {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(PENDING) : "memory");
}

// What this thread wrote to shared memory is seen by products after the next barrier: they read by another way.
__device__ __forceinline__ void showToWgmma() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

#define WGMMA_SUMS_16 "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15}"
#define WGMMA_SUMS_32                                                                                                  \
    "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,"  \
    "%30,%31}"
#define WGMMA_FOUR(how, i) how(d[i]), how(d[i + 1]), how(d[i + 2]), how(d[i + 3])
#define WGMMA_16(how) WGMMA_FOUR(how, 0), WGMMA_FOUR(how, 4), WGMMA_FOUR(how, 8), WGMMA_FOUR(how, 12)
#define WGMMA_32(how)                                                                                                  \
    WGMMA_16(how), WGMMA_FOUR(how, 16), WGMMA_FOUR(how, 20), WGMMA_FOUR(how, 24), WGMMA_FOUR(how, 28)

// d = A Bᵀ, or d += where not first; A and B [64, 16] in shared memory.
__device__ __forceinline__ void wgmmaShared(float (&d)[32], Descriptor a, Descriptor b, bool first) {
    if (first) {
        asm volatile("{.reg .pred p; setp.ne.b32 p, 0, 0;\n"
                     "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 " WGMMA_SUMS_32 ", %32, %33, p, 1, 1, 0, 0;}"
                     : WGMMA_32("=f")
                     : "l"(a), "l"(b));
    } else {
        asm volatile("{.reg .pred p; setp.ne.b32 p, 1, 0;\n"
                     "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 " WGMMA_SUMS_32 ", %32, %33, p, 1, 1, 0, 0;}"
                     : WGMMA_32("+f")
                     : "l"(a), "l"(b));
    }
}

// d += A B; A [64, 16] in registers, B [16, COLUMNS] in shared memory, one panel wide.
template <int COLUMNS>
__device__ __forceinline__ void wgmmaRegisters(float *d, const unsigned (&a)[4], Descriptor b) {
    if (COLUMNS == 64) {
        asm volatile("wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 " WGMMA_SUMS_32
                     ", {%32,%33,%34,%35}, %36, 1, 1, 1, 1;"
                     : WGMMA_32("+f")
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
    } else {
        asm volatile("wgmma.mma_async.sync.aligned.m64n32k16.f32.bf16.bf16 " WGMMA_SUMS_16
                     ", {%16,%17,%18,%19}, %20, 1, 1, 1, 1;"
                     : WGMMA_16("+f")
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
    }
}
