// A number that arrays of the same bits share, and others hardly ever: the sum of a hash of each word with its place, by
// block. Sums of whole numbers do not depend on their order. Beside it, how many words are not zero.

#include "common.cuh"

__device__ inline unsigned long long hashOf(unsigned long long x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

extern "C" __global__ void fingerprint(const unsigned *words, Size n, unsigned long long *sums) {
    unsigned long long sum = 0, present = 0;
    EACH(i, n) {
        unsigned word = words[i];
        sum += hashOf(((unsigned long long)i << 32) ^ word);
        present += word != 0;
    }
    sum = sumBlock(sum);
    present = sumBlock(present);
    if (threadIdx.x == 0) {
        sums[2 * blockIdx.x] = sum;
        sums[2 * blockIdx.x + 1] = present;
    }
}
