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
// Bytes: the weights once, all else is small. FLOPs: two for each weight and row.

enum { NONE, GELU_TANH, RELU, SILU };

#define MOST_PARTS 4
#define WARPS 8
#define THREADS (WARPS * WARP)
#define CHUNK 2048
#define SLOTS 3

// Groups of four numbers of a row that a thread keeps while it is normalised: rows of up to 8,192.
#define FOURS 8

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

__device__ inline float activated(Size activation, float x) {
    switch (activation) {
        case GELU_TANH: return x * sigmoidOf<Bf16>(1.5957691216057308f * (x + 0.044715f * x * x * x));
        case RELU: return x != x || x > 0.f ? x : 0.f;
        case SILU: return x * sigmoidOf<Bf16>(x);
        default: return x;
    }
}

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

__device__ inline unsigned sharedAddress(const void *p) { return (unsigned)__cvta_generic_to_shared(p); }

// A part of a weight's row, and which columns of the x's in shared memory it meets.
struct Piece {
    const Bf16 *weight;
    int column;
    int length;
};

// What one block does: rows of the weights from first on, each in perRow pieces.
template <bool SUMMED>
struct Share {
    const Parts &parts;
    int count;
    Size first;
    int rows;
    int perRow;

    __device__ inline Share(const Parts &parts, int count, Size outputs) : parts(parts), count(count) {
        first = outputs * blockIdx.x / gridDim.x;
        rows = (int)(outputs * (blockIdx.x + 1) / gridDim.x - first);
        perRow = 0;
        for (int m = 0; m < (SUMMED ? count : 1); m++) perRow += pieces(parts.at[m].width);
    }

    __device__ static inline int pieces(Size width) { return (int)((width + CHUNK - 1) / CHUNK); }

    __device__ static inline Piece piece(const Part &part, Size row, int k, int column) {
        int from = k * CHUNK;
        int rest = (int)part.width - from;
        return {part.weight + row * part.width + from, column + from, rest < CHUNK ? rest : CHUNK};
    }

    __device__ inline Piece at(int c) const {
        Size row = first + c / perRow;
        int k = c % perRow;
        int column = 0;
#pragma unroll
        for (int m = 0; m < MOST_PARTS - 1; m++) {
            const Part &part = parts.at[m];
            if (SUMMED) {
                int own = pieces(part.width);
                if (m == count - 1 || k < own) return piece(part, row, k, column);
                k -= own;
                column += (int)part.width;
            } else {
                if (m == count - 1 || row < part.outputs) return piece(part, row, k, 0);
                row -= part.outputs;
            }
        }
        return piece(parts.at[MOST_PARTS - 1], row, k, column);
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
            "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%0], [%1], %2, [%3], %4;" ::"r"(
                sharedAddress(memory + into * CHUNK * 2)),
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

__device__ inline void loadNormed(
    const float *from, const float *scale, const float *shift, double epsilon, Bf16 *to, int rows, int width) {
    for (int r = 0; r < rows; r++) {
        const float4 *row = (const float4 *)(from + (Size)r * width);
        float4 kept[FOURS];
        float sum = 0.f;
#pragma unroll
        for (int slot = 0; slot < FOURS; slot++) {
            int i = slot * THREADS + threadIdx.x;
            if (i < width / 4) {
                kept[slot] = __ldcg(row + i);
                sum += kept[slot].x + kept[slot].y + kept[slot].z + kept[slot].w;
            }
        }
        float mean = sumBlock(sum) / width;
        float squares = 0.f;
#pragma unroll
        for (int slot = 0; slot < FOURS; slot++) {
            if (slot * THREADS + threadIdx.x < width / 4) {
                float4 &v = kept[slot];
                v = make_float4(v.x - mean, v.y - mean, v.z - mean, v.w - mean);
                squares += v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w;
            }
        }
        float rate = 1.f / sqrtf(sumBlock(squares) / width + (float)epsilon);
#pragma unroll
        for (int slot = 0; slot < FOURS; slot++) {
            int i = slot * THREADS + threadIdx.x;
            if (i < width / 4) {
                Four<float> g = getFour(scale, 4 * (Size)i), b = getFour(shift, 4 * (Size)i);
                float4 v = kept[slot];
                putFour(
                    to + (Size)r * width, 4 * (Size)i,
                    {{v.x * rate * g.at[0] + b.at[0], v.y * rate * g.at[1] + b.at[1], v.z * rate * g.at[2] + b.at[2],
                      v.w * rate * g.at[3] + b.at[3]}});
            }
        }
    }
}

enum { STACKED, NORMED, SUMMED };

// outputs is that of all maps in a line, or of summed ones the common one; stride the width of all x's of a row.
template <int ROWS, int FORM>
__device__ inline void project(
    const Parts &parts, int count, const float *h, const float *scale, const float *shift, double epsilon, Size rows,
    Size outputs, Size stride) {
    extern __shared__ __align__(128) char memory[];
    __shared__ unsigned long long barriers[WARPS * SLOTS];
    letNextStart();
    Share<FORM == SUMMED> share(parts, count, outputs);
    int pieces = share.rows * share.perRow;
    int warp = threadIdx.x / WARP;
    int lane = threadIdx.x % WARP;
    Bf16 *x = (Bf16 *)(memory + RING_BYTES);
    float *sums = (float *)(x + rows * stride);
    Ring ring(memory, barriers);
    if (lane == 0)
        for (int s = 0; s < SLOTS; s++)
            if (warp + s * WARPS < pieces) ring.fill(s, share.at(warp + s * WARPS));
    // the rest comes from near by when it is its turn
    for (int i = threadIdx.x; i < share.rows; i += THREADS) share.eachBias(i, [](const float *bias) { bringNear(bias); });
    if (FORM == NORMED)
        for (int i = threadIdx.x * 32; i < parts.at[0].width; i += THREADS * 32) {
            bringNear(scale + i);
            bringNear(shift + i);
        }
    awaitPrevious();
    if (FORM == NORMED) {
        loadNormed(h, scale, shift, epsilon, x, (int)rows, (int)stride);
    } else {
        int column = 0;
        for (int m = 0; m < (FORM == SUMMED ? count : 1); m++) {
            int width = (int)parts.at[m].width;
            loadRows(parts.at[m].x, x + column, (int)rows, width, (int)stride);
            column += width;
        }
    }
    __syncthreads();
    for (int c = warp; c < pieces; c += WARPS) {
        Piece piece = share.at(c);
        const uint4 *w = ring.next(piece);
        const Bf16 *at = x + piece.column;
        float4 dots[ROWS] = {};
#pragma unroll 4
        for (int i = lane; i < piece.length / 8; i += WARP) {
            uint4 eight = w[i];
#pragma unroll
            for (int r = 0; r < ROWS; r++)
                if (r < rows) addDots(eight, ((const uint4 *)(at + r * stride))[i], dots[r]);
        }
        bool more = c + SLOTS * WARPS < pieces;
        ring.refill(more, more ? share.at(c + SLOTS * WARPS) : piece);
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            float dot = combineWarp(SUM, (dots[r].x + dots[r].y) + (dots[r].z + dots[r].w));
            if (lane == 0) sums[c * ROWS + r] = dot;
        }
    }
    __syncthreads();
    for (int i = threadIdx.x; i < share.rows * rows; i += THREADS) {
        int r = i / share.rows;
        int own = i % share.rows;
        float sum = 0.f;
        for (int k = 0; k < share.perRow; k++) sum += sums[(own * share.perRow + k) * ROWS + r];
        share.eachBias(own, [&](const float *bias) { sum += *bias; });
        Size row = share.first + own;
        if (FORM == SUMMED) {
            ((float *)parts.at[0].y)[r * outputs + row] = h[r * outputs + row] + sum;
        } else {
            const Part &part = parts.at[share.mapOf(row)];
            sum = activated(part.activation, sum);
            Size place = r * part.outputs + row;
            if (part.wide) {
                put((float *)part.y, place, sum);
            } else {
                put((Bf16 *)part.y, place, sum);
            }
        }
    }
}

#define PROJECTION(name, form, rows_)                                                                                  \
    extern "C" __global__ void __launch_bounds__(THREADS) name##_##rows_(                                              \
        const __grid_constant__ Parts parts, int count, const float *h, const float *scale, const float *shift,        \
        double epsilon, Size rows, Size outputs, Size stride) {                                     \
        project<rows_, form>(parts, count, h, scale, shift, epsilon, rows, outputs, stride);            \
    }

PROJECTION(stacked, STACKED, 1)
PROJECTION(stacked, STACKED, 4)
PROJECTION(normed, NORMED, 1)
PROJECTION(normed, NORMED, 4)
PROJECTION(summed, SUMMED, 1)
PROJECTION(summed, SUMMED, 4)
