// How the blocks of projections.cu wait for each other between two operations. Warps are specialized: the first THREADS
// threads of a block compute, one warp after them is the barrier warp, and the rest of its warp group ends at once.

#pragma once

#include "weight_pieces.cuh"

// Registers are divided among groups of four warps.
#define WARP_GROUP 128
#define PERSISTENT_THREADS (THREADS + WARP_GROUP)

// The barrier between two operations. One warp of a block waits for the other blocks. It has no copies under way that its
// fence and its polls would queue behind, and the other warps need not wait for its fence.
struct GridBarrier {
    static const int ALL = THREADS + WARP, ARRIVED = 1, RELEASED = 2;
    int *progress;

    // By the warps that compute: waits until all blocks have finished so many operations; with 0, until all earlier kernels
    // have.
    __device__ inline void await(int operations) const {
        if (operations == 0) {
            gridDependencySync();
        } else {
            asm volatile("bar.sync %0, %1;" ::"n"(RELEASED), "n"(ALL) : "memory");
        }
    }

    // By the warps that compute: this block has finished one more operation.
    __device__ inline void arrive() const { asm volatile("bar.arrive %0, %1;" ::"n"(ARRIVED), "n"(ALL) : "memory"); }

    // By the barrier warp: lets the others pass between count operations, and after the last if they wait for that.
    __device__ inline void serve(int count, bool afterLast) const {
        bool first = threadIdx.x % WARP == 0;
        for (int p = 1; p <= count; p++) {
            bool awaited = p < count || afterLast;
            asm volatile("bar.sync %0, %1;" ::"n"(ARRIVED), "n"(ALL) : "memory");
            if (first) {
                asm volatile("red.release.gpu.global.add.s32 [%0], 1;" ::"l"(progress) : "memory");
                int done = 0, all = p * (int)gridDim.x;
                while (awaited && done < all)
                    asm volatile("ld.acquire.gpu.global.s32 %0, [%1];" : "=r"(done) : "l"(progress) : "memory");
            }
            __syncwarp();
            if (awaited) asm volatile("bar.arrive %0, %1;" ::"n"(RELEASED), "n"(ALL) : "memory");
        }
        // nobody polls any more when the last block ends
        if (first && atomicAdd(progress + 1, 1) == (int)gridDim.x - 1) {
            progress[0] = 0;
            progress[1] = 0;
        }
    }
};

// Of a block of PERSISTENT_THREADS each thread has 168 registers at first. Those that compute take over from the others.
__device__ inline void takeRegisters() {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    asm volatile("setmaxnreg.inc.sync.aligned.u32 240;");
#endif
}

__device__ inline void giveRegisters() {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    asm volatile("setmaxnreg.dec.sync.aligned.u32 24;");
#endif
}
