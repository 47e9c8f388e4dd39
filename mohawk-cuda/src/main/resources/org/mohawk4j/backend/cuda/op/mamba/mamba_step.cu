// mamba_step.cuh in a launch of its own, a job for each block. The last one of a group's heads to have read the history of
// B and C moves it on: tickets [B, G] counts them, zero before and after.

#include "mamba_step.cuh"

template <typename T>
__device__ inline void step(const MambaStep<T> &step, int *tickets) {
    extern __shared__ __align__(128) char memory[];
    __shared__ bool last;
    launchDependents();
    MambaStepJob<T> job(step, blockIdx.x, blockIdx.y, blockIdx.z);
    job.prefetchL2();
    gridDependencySync();
    job.load();
    job.run((Compute<T> *)memory);
    int readers = (int)(step.heads / step.groups) * gridDim.y;
    int *ticket = tickets + blockIdx.z * step.groups + job.group();
    if (threadIdx.x == 0) {
        __threadfence();
        last = atomicAdd(ticket, 1) == readers - 1;
    }
    __syncthreads();
    if (last) {
        job.moveShared();
        if (threadIdx.x == 0) *ticket = 0;
    }
}

#define MAMBA_STEP(T, suffix)                                                                                          \
    extern "C" __global__ void mamba_step_##suffix(const __grid_constant__ MambaStep<T> arrays, int *tickets) {        \
        step(arrays, tickets);                                                                                         \
    }

FOR_ACTIVATIONS(MAMBA_STEP)
