// A number that arrays of the same bits share, and others hardly ever: the sum of a hash of each word with its place, by
// block. Sums of whole numbers do not depend on their order. Beside it, how many words are not zero. And random numbers to
// compare products by.

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

// Of either sign, and from 1/128 to 2, so that rounding depends on the order in which their products are added.
template <typename T>
__device__ inline void randomEach(T *y, Size n, Size seed) {
    typedef Compute<T> C;
    unsigned long long key = hashOf((unsigned long long)seed + 1);
    EACH(i, n) {
        unsigned long long h = hashOf(key ^ (unsigned long long)i);
        C size = C(1 << (int)(h >> 24 & 7)) / C(128) * (C(1) + C((int)(h & 0xffffff)) / C(1 << 24));
        put(y, i, h >> 63 ? -size : size);
    }
}

#define RANDOM(T, suffix)                                                                                              \
    extern "C" __global__ void random_##suffix(T *y, Size n, Size seed) { randomEach(y, n, seed); }

FOR_ACTIVATIONS(RANDOM)
