// Copies from device to shared memory that run beside the arithmetic. An address in shared memory has 32 bits.

#pragma once

#include "common.cuh"

__device__ __forceinline__ unsigned sharedAddress(const void *p) { return (unsigned)__cvta_generic_to_shared(p); }

// BYTES are 4 or 16, and both sides aligned to them. What is not valid is not read and becomes zero: rows past the end
// of an array then add nothing to any product.
template <int BYTES>
__device__ __forceinline__ void copyAsync(unsigned to, const void *from, bool valid) {
    int bytes = valid ? BYTES : 0;
    if (BYTES == 16) {
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
