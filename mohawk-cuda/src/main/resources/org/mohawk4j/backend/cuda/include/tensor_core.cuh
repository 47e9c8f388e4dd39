// Products of one warp on the tensor cores (mma.sync m16n8k16, bfloat16 in, float32 sums), and the loads that bring its
// operands from shared memory. Layouts are those of the PTX manual. Sums d[e] of a lane: row lane / 4 + 8 (e / 2),
// column 2 (lane % 4) + e % 2; two such results side by side, packed in pairs, are the left operand of a next product.

#pragma once

#include "common.cuh"

// d += A B, d four sums; A [16, 16], B [16, 8].
__device__ __forceinline__ void mma(float *d, const unsigned (&a)[4], unsigned b0, unsigned b1) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Four blocks [8, 8] of 16-bit numbers; lane 8 i + r gives the address of row r of block i.
__device__ __forceinline__ void ldmatrix(unsigned (&r)[4], unsigned address) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(address)
                 : "memory");
}

__device__ __forceinline__ void ldmatrixTransposed(unsigned (&r)[4], unsigned address) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(address)
                 : "memory");
}
