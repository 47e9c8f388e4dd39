// Shared memory by its 32-bit addresses: reads and writes, and copies from device memory that run beside the
// arithmetic.

#pragma once

#include "common.cuh"

__device__ __forceinline__ unsigned sharedAddress(const void *p) { return (unsigned)__cvta_generic_to_shared(p); }

__device__ __forceinline__ float sharedFloat(unsigned address) {
    float v;
    asm volatile("ld.shared.f32 %0, [%1];" : "=f"(v) : "r"(address) : "memory");
    return v;
}

__device__ __forceinline__ float2 sharedFloat2(unsigned address) {
    float2 v;
    asm volatile("ld.shared.v2.f32 {%0,%1}, [%2];" : "=f"(v.x), "=f"(v.y) : "r"(address) : "memory");
    return v;
}

__device__ __forceinline__ unsigned sharedWord(unsigned address) {
    unsigned v;
    asm volatile("ld.shared.u32 %0, [%1];" : "=r"(v) : "r"(address) : "memory");
    return v;
}

__device__ __forceinline__ void storeShared(unsigned address, unsigned v) {
    asm volatile("st.shared.u32 [%0], %1;" ::"r"(address), "r"(v) : "memory");
}

__device__ __forceinline__ void storeShared(unsigned address, float v) {
    asm volatile("st.shared.f32 [%0], %1;" ::"r"(address), "f"(v) : "memory");
}

// BYTES are 4 or 16, and both sides aligned to them. What is not valid is not read and becomes zero: rows past the end of an
// array then add nothing to any product. PREFETCH_LINE, of 16 bytes only, brings all of their 128-byte line into L2.
template <int BYTES, bool PREFETCH_LINE = false>
__device__ __forceinline__ void copyAsync(unsigned to, const void *from, bool valid) {
    static_assert(BYTES == 16 || !PREFETCH_LINE, "cp.async.cg copies 16 bytes");
    int bytes = valid ? BYTES : 0;
    if (PREFETCH_LINE) {
        asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(bytes)
                     : "memory");
    } else if (BYTES == 16) {
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(bytes) : "memory");
    } else {
        asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(to), "l"(from), "r"(bytes) : "memory");
    }
}

// Makes a group of this thread's copies since the last one.
__device__ __forceinline__ void commitCopies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Until at most PENDING of this thread's newest groups are under way.
template <int PENDING>
__device__ __forceinline__ void waitCopies() {
    asm volatile("cp.async.wait_group %0;" ::"n"(PENDING) : "memory");
}
