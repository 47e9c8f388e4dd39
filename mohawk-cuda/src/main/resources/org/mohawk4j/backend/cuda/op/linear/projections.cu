// Linear maps of few rows, as generation makes them: only as fast as their weights can be read.
//
//   stacked_R  y_m [R, E_m] = activation_m(x W_mᵀ + b_m), several maps of one x [R, D] in bfloat16
//   normed_R   the same of layerNorm(x), x in float32, rounded to bfloat16 as layer_norm.cu does
//   summed_R   y [R, E] = h + sum over m of (x_m W_mᵀ + b_m), x_m [R, D_m]: a residual stream with all that is added to it
//
// W_m is [E_m, D_m] in bfloat16, D_m a multiple of 8. R is 1 or 4, the most rows that a variant takes; rows <= R.
//
// One block a multiprocessor. The rows of all weights in a line (summed_R: the outputs) are shared out among the blocks,
// a block's rows are cut into pieces of CHUNK columns, and its warps take the pieces in turn, each through a ring of its
// own that the bulk copy engine fills SLOTS pieces ahead. The ring is filled before anything is waited for: while the
// kernel before this one ends, and while the row is normalised, memory goes on being read. Sums of pieces are added up
// in order at the end. Before Hopper, which brought that engine, pieces are read as they are needed.
//
// In a block of a model summed_R follows normed_R with the mixer's own kernel between. What it takes from normed_R
// itself, the MLP's hidden numbers, it need not wait for the mixer for: normed_R counts its blocks that have ended in
// progress[0], summed_R takes its early maps once all have, and its late ones after everything before it. The last of
// its blocks sets progress back to zero.
//
// Bytes: the weights once, all else is small. FLOPs: two for each weight and row.

#include "activation.cuh"
#include "shared_memory.cuh"

#define MOST_PARTS 4
#define WARPS 16
#define THREADS (WARPS * WARP)
#define CHUNK 2048
#define SLOTS 2

// Groups of four numbers of a row that a thread keeps while it is normalised: rows of up to 8,192.
#define FOURS 4

#if __CUDA_ARCH__ >= 900
#define RING_BYTES (WARPS * SLOTS * CHUNK * 2)
#else
#define RING_BYTES 0
#endif

// Read by the host: threads, columns of a piece, bytes of the ring, maps, width of a normalised row at most.
extern "C" __device__ const int projectionSizes[5] = {THREADS, CHUNK, RING_BYTES, MOST_PARTS, FOURS *THREADS * 4};

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

// What one block does: rows of the weights from first on, in pieces. Of summed maps those of the early ones come first,
// row by row, and then those of the others.
template <bool SUMMED>
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
        for (int m = 0; m < (SUMMED ? count : 1); m++) (m < early ? perEarly : perLate) += pieces(parts.at[m].width);
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
            if (!SUMMED) {
                if (m == count - 1 || row < part.outputs) return piece(part, row, k, 0);
                row -= part.outputs;
                continue;
            }
            int own = pieces(part.width);
            if (late == (m >= early)) {
                if (k < own) return piece(part, row, k, column);
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
        for (int k = 0; k < perLate; k++) sum += sums[(earlyPieces() + own * perLate + k) * ROWS + r];
        return sum;
    }

    // What is added to a row's sum.
    template <typename Body>
    __device__ inline void eachBias(int own, Body body) const {
        Size row = first + own;
        int m = SUMMED ? 0 : mapOf(row);
        int last = SUMMED ? count - 1 : m;
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

// Rows [rows, width] into shared memory, a row every stride numbers.
__device__ inline void loadRows(const Bf16 *from, Bf16 *to, int rows, int width, int stride) {
    for (int r = 0; r < rows; r++)
        for (int i = threadIdx.x; i < width / 8; i += THREADS)
            // not by way of the first cache, which may hold what was there before
            ((uint4 *)(to + r * stride))[i] = __ldcg((const uint4 *)(from + (Size)r * width) + i);
}

// Every thread gets the sum. Two calls in a row need two places.
__device__ inline float sumOfThreads(float x, float *place) {
    x = combineWarp(SUM, x);
    if (threadIdx.x % WARP == 0) place[threadIdx.x / WARP] = x;
    __syncthreads();
    float sum = 0.f;
#pragma unroll
    for (int w = 0; w < WARPS; w++) sum += place[w];
    return sum;
}

// Normalises rows, with a scale and a shift that every thread has read of its groups beforehand.
struct Norm {
    Four<float> scale[FOURS];
    Four<float> shift[FOURS];

    __device__ inline void read(const float *scales, const float *shifts, int width) {
#pragma unroll
        for (int slot = 0; slot < FOURS; slot++) {
            int i = 4 * (slot * THREADS + threadIdx.x);
            if (i < width) {
                scale[slot] = getFour(scales, i);
                shift[slot] = getFour(shifts, i);
            }
        }
    }

    __device__ inline void apply(const float *from, double epsilon, Bf16 *to, int rows, int width) const {
        __shared__ float places[2][WARPS];
        for (int r = 0; r < rows; r++) {
            const float4 *row = (const float4 *)(from + (Size)r * width);
            float4 kept[FOURS];
            float sum = 0.f;
#pragma unroll
            for (int slot = 0; slot < FOURS; slot++) {
                int i = slot * THREADS + threadIdx.x;
                if (i < width / 4) {
                    kept[slot] = __ldcg(row + i);
                    sum += (kept[slot].x + kept[slot].y) + (kept[slot].z + kept[slot].w);
                }
            }
            float mean = sumOfThreads(sum, places[0]) / width;
            float squares = 0.f;
#pragma unroll
            for (int slot = 0; slot < FOURS; slot++) {
                if (slot * THREADS + threadIdx.x < width / 4) {
                    float4 &v = kept[slot];
                    v = make_float4(v.x - mean, v.y - mean, v.z - mean, v.w - mean);
                    squares += (v.x * v.x + v.y * v.y) + (v.z * v.z + v.w * v.w);
                }
            }
            float rate = 1.f / sqrtf(sumOfThreads(squares, places[1]) / width + (float)epsilon);
#pragma unroll
            for (int slot = 0; slot < FOURS; slot++) {
                int i = slot * THREADS + threadIdx.x;
                if (i < width / 4) {
                    float4 v = kept[slot];
                    const float *g = scale[slot].at, *b = shift[slot].at;
                    putFour(
                        to + r * width, 4 * (Size)i,
                        {{v.x * rate * g[0] + b[0], v.y * rate * g[1] + b[1], v.z * rate * g[2] + b[2],
                          v.w * rate * g[3] + b[3]}});
                }
            }
        }
    }
};

enum { STACKED, NORMED, SUMMED };

// Its pieces up to limit, from where its warps are; their sums go to sums.
template <int ROWS, bool SUMMED_MAPS>
__device__ inline void addUp(
    const Share<SUMMED_MAPS> &share, Ring &ring, int &c, int limit, int pieces, const Bf16 *x, int stride, int rows,
    float *sums) {
    int lane = threadIdx.x % WARP;
    for (; c < limit; c += WARPS) {
        Piece piece = share.at(c);
        const uint4 *w = ring.next(piece);
        const uint4 *at = (const uint4 *)(x + piece.column);
        float4 dots[ROWS] = {};
#pragma unroll 4
        for (int i = lane; i < piece.length / 8; i += WARP) {
            uint4 eight = w[i];
#pragma unroll
            for (int r = 0; r < ROWS; r++)
                if (r < rows) addDots(eight, at[r * (stride / 8) + i], dots[r]);
        }
        bool more = c + SLOTS * WARPS < pieces;
        ring.refill(more, more ? share.at(c + SLOTS * WARPS) : piece);
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            float dot = combineWarp(SUM, (dots[r].x + dots[r].y) + (dots[r].z + dots[r].w));
            if (lane == 0) sums[c * ROWS + r] = dot;
        }
    }
}

// Until the normed kernel that is under way, or was, has written everything.
__device__ inline void awaitNormed(const int *progress) {
    if (threadIdx.x == 0) {
        int ended;
        do {
            asm volatile("ld.acquire.gpu.global.s32 %0, [%1];" : "=r"(ended) : "l"(progress) : "memory");
        } while (ended < (int)gridDim.x);
    }
    __syncthreads();
}

// outputs is that of all maps in a line, or of summed ones the common one; stride the width of all x's of a row; early
// how many of the maps are.
template <int ROWS, int FORM>
__device__ inline void project(
    const Parts &parts, int count, int early, const float *h, const float *scale, const float *shift, double epsilon,
    int *progress, Size rows, Size outputs, Size stride) {
    extern __shared__ __align__(128) char memory[];
    __shared__ unsigned long long barriers[WARPS * SLOTS];
    launchDependents();
    Share<FORM == SUMMED> share(parts, count, early, outputs);
    int pieces = share.allPieces();
    int warp = threadIdx.x / WARP;
    Bf16 *x = (Bf16 *)(memory + RING_BYTES);
    float *sums = (float *)(x + rows * stride);
    Ring ring(memory, barriers);
    if (threadIdx.x % WARP == 0)
        for (int s = 0; s < SLOTS; s++)
            if (warp + s * WARPS < pieces) ring.fill(s, share.at(warp + s * WARPS));
    // comes from near by when it is its turn
    for (int i = threadIdx.x; i < share.rows; i += THREADS)
        share.eachBias(i, [](const float *bias) { prefetchL2(bias); });
    int c = warp;
    if (FORM == NORMED) {
        Norm norm;
        norm.read(scale, shift, (int)stride);
        gridDependencySync();
        norm.apply(h, epsilon, x, (int)rows, (int)stride);
    } else if (FORM == STACKED) {
        gridDependencySync();
        loadRows(parts.at[0].x, x, (int)rows, (int)stride, (int)stride);
    } else {
        int column = 0;
        for (int m = 0; m < count; m++) {
            if (m == 0 && early > 0) awaitNormed(progress);
            if (m == early) {
                if (early > 0) {
                    __syncthreads();
                    addUp<ROWS>(share, ring, c, share.earlyPieces(), pieces, x, (int)stride, (int)rows, sums);
                }
                gridDependencySync();
            }
            int width = (int)parts.at[m].width;
            loadRows(parts.at[m].x, x + column, (int)rows, width, (int)stride);
            column += width;
        }
    }
    __syncthreads();
    addUp<ROWS>(share, ring, c, pieces, pieces, x, (int)stride, (int)rows, sums);
    // where all maps are early
    if (FORM == SUMMED && early == count) gridDependencySync();
    __syncthreads();
    for (int i = threadIdx.x; i < share.rows * rows; i += THREADS) {
        int r = i / share.rows;
        int own = i % share.rows;
        float sum = share.template total<ROWS>(sums, own, r);
        share.eachBias(own, [&](const float *bias) { sum += *bias; });
        Size row = share.first + own;
        if (FORM == SUMMED) {
            ((float *)parts.at[0].y)[r * outputs + row] = h[r * outputs + row] + sum;
        } else {
            const Part &part = parts.at[share.mapOf(row)];
            sum = activate<Bf16>((int)part.activation, sum);
            Size place = r * part.outputs + row;
            if (part.wide) {
                put((float *)part.y, place, sum);
            } else {
                put((Bf16 *)part.y, place, sum);
            }
        }
    }
    if (FORM == NORMED || FORM == SUMMED && early > 0) {
        __syncthreads();
        if (threadIdx.x == 0) {
            __threadfence();
            if (FORM == NORMED) {
                atomicAdd(progress, 1);
            } else if (atomicAdd(progress + 1, 1) == (int)gridDim.x - 1) {
                progress[0] = 0;
                progress[1] = 0;
            }
        }
    }
}

#define PROJECTION(name, form, rows_)                                                                                  \
    extern "C" __global__ void __launch_bounds__(THREADS) name##_##rows_(                                              \
        const __grid_constant__ Parts parts, int count, int early, const float *h, const float *scale,                 \
        const float *shift, double epsilon, int *progress, Size rows, Size outputs, Size stride) {                     \
        project<rows_, form>(                                                                                          \
            parts, count, early, h, scale, shift, epsilon, progress, rows, outputs, stride);                           \
    }

PROJECTION(stacked, STACKED, 1)
PROJECTION(stacked, STACKED, 4)
PROJECTION(normed, NORMED, 1)
PROJECTION(normed, NORMED, 4)
PROJECTION(summed, SUMMED, 1)
PROJECTION(summed, SUMMED, 4)
