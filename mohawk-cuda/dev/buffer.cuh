// Numbers as the kernels store them, random ones, and device memory for them.

#pragma once

#include "options.cuh"

#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include <common.cuh> // the kernels' own

namespace check {

typedef std::vector<double> Values;

inline float bitsToFloat(unsigned bits) {
    float x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}

inline unsigned floatToBits(float x) {
    unsigned bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}

inline double number(double x) { return x; }
inline double number(float x) { return x; }
inline double number(int x) { return x; }
inline double number(unsigned x) { return x; }
inline double number(unsigned short x) { return x; }
inline double number(Size x) { return (double)x; }
inline double number(Bf16 x) { return bitsToFloat((unsigned)x.bits << 16); }

template <typename T>
inline T stored(double x) {
    return (T)x;
}
template <>
inline Bf16 stored<Bf16>(double x) {
    unsigned bits = floatToBits((float)x);
    if (x != x) return {0x7fff};
    return {(unsigned short)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)};
}

template <typename T>
inline double rounded(double x) {
    return number(stored<T>(x));
}

// 0 to 1, from the index: the same numbers in every run.
__host__ __device__ inline unsigned long long hashed(unsigned long long x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

__host__ __device__ inline unsigned long long hashed(unsigned seed, Size place) {
    return hashed(((unsigned long long)seed << 40) + (unsigned long long)place * 0x9e3779b97f4a7c15ull + 1);
}

// Nearly normal, of variance 1: the sum of four uniform numbers.
__host__ __device__ inline float normalAt(unsigned seed, Size place) {
    unsigned long long h = hashed(seed, place);
    float sum = (float)(h & 0xffff) + (float)(h >> 16 & 0xffff) + (float)(h >> 32 & 0xffff) + (float)(h >> 48);
    return (sum / 65536.f - 2.f) * 1.7320508f;
}

__device__ inline void keep(float *y, Size i, float x) { y[i] = x; }
__device__ inline void keep(double *y, Size i, float x) { y[i] = x; }
__device__ inline void keep(Bf16 *y, Size i, float x) { y[i].bits = toBf16(x); }

template <typename T>
__global__ void fillNormal(T *y, Size n, unsigned seed, float scale, float shift) {
    EACH(i, n) keep(y, i, scale * normalAt(seed, i) + shift);
}

static __global__ void countNotFinite(const unsigned *words, Size n, int bytes, unsigned long long *count) {
    EACH(i, n) {
        unsigned w = words[i];
        bool bad = bytes == 2 ? (w & 0x7f80u) == 0x7f80u || (w & 0x7f800000u) == 0x7f800000u
                 : bytes == 4 ? (w & 0x7f800000u) == 0x7f800000u
                              : i % 2 == 1 && (w & 0x7ff00000u) == 0x7ff00000u;
        if (bad) atomicAdd(count, 1ull);
    }
}

// Device memory between two guards. Every byte is 0xff at first, which is NaN in all floating types: what a kernel
// forgets to write, or reads before anything wrote it, shows.
template <typename T>
class Buffer {
public:
    static constexpr size_t GUARD = 4096;

    explicit Buffer(Size count) : count(count) {
        CHECKED(cudaMalloc(&block, bytes() + 2 * GUARD));
        CHECKED(cudaMemset(block, 0xff, bytes() + 2 * GUARD));
    }
    Buffer(const Buffer &) = delete;
    Buffer &operator=(const Buffer &) = delete;
    ~Buffer() { cudaFree(block); }

    const Size count;

    size_t bytes() const { return (size_t)count * sizeof(T); }
    T *at() const { return (T *)(block + GUARD); }
    operator T *() const { return at(); }

    Buffer &set(const std::vector<T> &host) {
        CHECKED(cudaMemcpy(at(), host.data(), bytes(), cudaMemcpyHostToDevice));
        return *this;
    }

    Buffer &round(const Values &values) {
        std::vector<T> host(count);
        for (Size i = 0; i < count; i++) host[i] = stored<T>(values[i]);
        return set(host);
    }

    Buffer &zero() {
        CHECKED(cudaMemset(at(), 0, bytes()));
        return *this;
    }

    Buffer &normal(unsigned seed, float scale = 1, float shift = 0) {
        fillNormal<<<1024, 256>>>(at(), count, seed, scale, shift);
        CHECKED(cudaGetLastError());
        return *this;
    }

    // The numbers as they are stored.
    Values values() const {
        std::vector<T> host(count);
        CHECKED(cudaMemcpy(host.data(), at(), bytes(), cudaMemcpyDeviceToHost));
        Values result(count);
        for (Size i = 0; i < count; i++) result[i] = number(host[i]);
        return result;
    }

private:
    char *block = nullptr;
};

} // namespace check
