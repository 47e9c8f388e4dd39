// What projections.cu reads of its weights: maps, their rows shared out among blocks and cut into pieces, and the ring
// through which a warp's pieces arrive.

#pragma once

#include "common.cuh"
#include "shared_memory.cuh"

#define MOST_PARTS 4
#define WARPS 16
#define THREADS (WARPS * WARP)
#define CHUNK 2048
#define SLOTS 2

#if __CUDA_ARCH__ >= 900
#define RING_BYTES (WARPS * SLOTS * CHUNK * 2)
#else
#define RING_BYTES 0
#endif

// One linear map; wide says whether y is float32 and not bfloat16.
struct Part {
    const Bf16 *weight;
    const float *bias;
    const Bf16 *x;
    void *y;
    Size outputs;
    Size width;
    Size activation;
    Size wide;
};

struct Parts {
    Part at[MOST_PARTS];
};

__device__ inline float dotOfPair(unsigned a, unsigned b, float sum) {
    sum = fmaf(__uint_as_float(a << 16), __uint_as_float(b << 16), sum);
    return fmaf(__uint_as_float(a & 0xffff0000u), __uint_as_float(b & 0xffff0000u), sum);
}

// Four sums at once, so that they need not wait for each other.
__device__ inline void addDots(uint4 a, uint4 b, float4 &sums) {
    sums.x = dotOfPair(a.x, b.x, sums.x);
    sums.y = dotOfPair(a.y, b.y, sums.y);
    sums.z = dotOfPair(a.z, b.z, sums.z);
    sums.w = dotOfPair(a.w, b.w, sums.w);
}

// A part of a weight's row, and which columns of the x's in shared memory it meets.
struct Piece {
    const Bf16 *weight;
    int column;
    int length;
};

// What one block does: rows of the weights from first on, in pieces. BY_ROW: of all maps together, those of the early ones
// first, row by row, and then those of the others; else map by map. ONE_X: all maps are of the same columns.
template <bool BY_ROW, bool ONE_X>
struct Share {
    const Parts &parts;
    int count;
    int early;
    Size first;
    int rows;
    int perEarly = 0;
    int perLate = 0;

    __device__ inline Share(const Parts &parts, int count, int early, Size outputs)
        : parts(parts), count(count), early(early) {
        first = outputs * blockIdx.x / gridDim.x;
        rows = (int)(outputs * (blockIdx.x + 1) / gridDim.x - first);
        for (int m = 0; m < (BY_ROW ? count : 1); m++) (m < early ? perEarly : perLate) += pieces(parts.at[m].width);
    }

    __device__ static inline int pieces(Size width) { return (int)((width + CHUNK - 1) / CHUNK); }

    __device__ inline int earlyPieces() const { return rows * perEarly; }

    __device__ inline int allPieces() const { return rows * (perEarly + perLate); }

    __device__ static inline Piece piece(const Part &part, Size row, int k, int column) {
        int from = k * CHUNK;
        int rest = (int)part.width - from;
        return {part.weight + row * part.width + from, column + from, rest < CHUNK ? rest : CHUNK};
    }

    __device__ inline Piece at(int c) const {
        bool late = c >= earlyPieces();
        int k = late ? c - earlyPieces() : c;
        int each = late ? perLate : perEarly;
        Size row = first + k;
        if (each > 1) {
            row = first + k / each;
            k = k % each;
        } else {
            k = 0;
        }
        int column = 0;
#pragma unroll
        for (int m = 0; m < MOST_PARTS; m++) {
            if (m == count) break;
            const Part &part = parts.at[m];
            if (!BY_ROW) {
                if (m == count - 1 || row < part.outputs) return piece(part, row, k, 0);
                row -= part.outputs;
                continue;
            }
            int own = pieces(part.width);
            if (late == (m >= early)) {
                if (k < own) return piece(part, row, k, ONE_X ? 0 : column);
                k -= own;
            }
            column += (int)part.width;
        }
        return {};
    }

    // The sums of a row's pieces, in order.
    template <int ROWS>
    __device__ inline float total(const float *sums, int own, int r) const {
        float sum = 0.f;
        for (int k = 0; k < perEarly; k++) sum += sums[(own * perEarly + k) * ROWS + r];
        return sum + totalLate<ROWS>(sums, own, r, 0, perLate);
    }

    // Of those that are not early, from one piece up to another.
    template <int ROWS>
    __device__ inline float totalLate(const float *sums, int own, int r, int from, int to) const {
        float sum = 0.f;
        for (int k = from; k < to; k++) sum += sums[(earlyPieces() + own * perLate + k) * ROWS + r];
        return sum;
    }

    // What is added to a row's sum.
    template <typename Body>
    __device__ inline void eachBias(int own, Body body) const {
        Size row = first + own;
        int m = BY_ROW ? 0 : mapOf(row);
        int last = BY_ROW ? count - 1 : m;
        for (; m <= last; m++)
            if (parts.at[m].bias) body(parts.at[m].bias + row);
    }

    // Which map a row belongs to; the row is counted from that map's first then.
    __device__ inline int mapOf(Size &row) const {
        int m = 0;
        while (m < count - 1 && row >= parts.at[m].outputs) row -= parts.at[m++].outputs;
        return m;
    }
};

// The pieces of one warp, copied ahead of their use.
struct Ring {
#if __CUDA_ARCH__ >= 900
    char *memory;
    unsigned barrier;
    int slot = 0;
    int phase = 0;
    unsigned long long policy;

    __device__ inline Ring(char *all, unsigned long long *barriers)
        : memory(all + threadIdx.x / WARP * SLOTS * CHUNK * 2),
          barrier(sharedAddress(barriers + threadIdx.x / WARP * SLOTS)) {
        asm volatile("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;" : "=l"(policy));
        if (threadIdx.x % WARP == 0) {
            for (int s = 0; s < SLOTS; s++)
                asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(barrier + s * 8) : "memory");
            asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
            asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
        }
        __syncwarp();
    }

    // By one lane.
    __device__ inline void fill(int into, const Piece &piece) {
        unsigned bytes = piece.length * 2;
        asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier + into * 8), "r"(bytes)
                     : "memory");
        asm volatile(
            "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint"
            " [%0], [%1], %2, [%3], %4;" ::"r"(sharedAddress(memory + into * CHUNK * 2)),
            "l"(piece.weight), "r"(bytes), "r"(barrier + into * 8), "l"(policy)
            : "memory");
    }

    __device__ inline const uint4 *next(const Piece &) {
        unsigned done = 0;
        while (!done)
            asm volatile(
                "{.reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2; selp.u32 %0, 1, 0, p;}"
                : "=r"(done)
                : "r"(barrier + slot * 8), "r"(phase)
                : "memory");
        return (const uint4 *)(memory + slot * CHUNK * 2);
    }

    // Ends the use of what next gave; every lane's reads come before.
    __device__ inline void refill(bool more, const Piece &piece) {
        __syncwarp();
        if (more && threadIdx.x % WARP == 0) fill(slot, piece);
        if (++slot == SLOTS) {
            slot = 0;
            phase ^= 1;
        }
    }
#else
    __device__ inline Ring(char *, unsigned long long *) {}
    __device__ inline void fill(int, const Piece &) {}
    __device__ inline const uint4 *next(const Piece &piece) { return (const uint4 *)piece.weight; }
    __device__ inline void refill(bool, const Piece &) {}
#endif
};
