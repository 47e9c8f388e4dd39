// Linear maps of few rows, as generation makes them: only as fast as their weights can be read.
//
//   stacked_R  y_m [R, E_m] = activation_m(x W_mᵀ + b_m), several maps of one x [R, D] in bfloat16
//   normed_R   the same of norm(x), x in float32, rounded to bfloat16 as layer_norm.cu and rms_norm.cu do: layer
//              normalization, or RMS normalization if there is no shift
//   gated_R    y [R, E] = activation_0(u W_0ᵀ + b_0) (u W_1ᵀ + b_1), u = norm(x): the first half of a gated MLP
//   summed_R   y [R, E] = h + sum over m of (x_m W_mᵀ + b_m), x_m [R, D_m]: a residual stream with all that is added to it
//
// W_m is [E_m, D_m] in bfloat16, D_m a multiple of 8. R is 1 or 4, the most rows that a variant takes; rows <= R.
//
// One block a multiprocessor. The rows of all weights in a line (summed_R, gated_R: the outputs) are shared out among the blocks,
// a block's rows are cut into pieces of CHUNK columns, and its warps take the pieces in turn, each through a ring of its
// own that the bulk copy engine fills SLOTS pieces ahead. The ring is filled before anything is waited for: while the
// kernel before this one ends, and while the row is normalized, memory goes on being read. Sums of pieces are added up
// in order at the end. Before Hopper, which brought that engine, pieces are read as they are needed.
//
// In a block of a model summed_R follows normed_R or gated_R, of the former with the mixer's own kernel between. What it
// takes from them itself, the MLP's hidden numbers, it need not wait for the mixer for: they count their blocks that have
// ended in progress[0], summed_R takes its early maps once all have, and its late ones after everything before it. The
// last of its blocks sets progress back to zero, whether or not anything was early.
//
// Bytes: the weights once, all else is small. FLOPs: two for each weight and row.

#include "activation.cuh"
#include "weight_pieces.cuh"

// Groups of four numbers of a row that a thread keeps while it is normalized: rows of up to 8,192.
#define FOURS 4

// Read by the host: threads, columns of a piece, bytes of the ring, maps, width of a normalized row at most.
extern "C" __device__ const int projectionSizes[5] = {THREADS, CHUNK, RING_BYTES, MOST_PARTS, FOURS *THREADS * 4};

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

// Normalizes rows, with a scale and a shift that every thread has read of its groups beforehand; without a shift by the
// root of the mean square.
struct Norm {
    Four<float> scale[FOURS];
    Four<float> shift[FOURS];
    bool centered;

    __device__ inline void read(const float *scales, const float *shifts, int width) {
        centered = shifts != nullptr;
#pragma unroll
        for (int slot = 0; slot < FOURS; slot++) {
            int i = 4 * (slot * THREADS + threadIdx.x);
            if (i < width) {
                scale[slot] = getFour(scales, i);
                shift[slot] = centered ? getFour(shifts, i) : Four<float>{};
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
            float mean = centered ? sumOfThreads(sum, places[0]) / width : 0.f;
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
            // the next row's sums take the place of this one's
            if (!centered) __syncthreads();
        }
    }
};

enum { STACKED, NORMED, GATED, SUMMED };

// Its pieces up to limit, from where its warps are; their sums go to sums.
template <int ROWS, typename Shared>
__device__ inline void addUp(
    const Shared &share, Ring &ring, int &c, int limit, int pieces, const Bf16 *x, int stride, int rows,
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

// Until the normed or gated kernel that is under way, or was, has written everything.
__device__ inline void awaitNormed(const int *progress) {
    if (threadIdx.x == 0) {
        int ended;
        do {
            asm volatile("ld.acquire.gpu.global.s32 %0, [%1];" : "=r"(ended) : "l"(progress) : "memory");
        } while (ended < (int)gridDim.x);
    }
    __syncthreads();
}

// outputs is that of all maps in a line, or of summed and gated ones the common one; stride the width of all x's of a row; early
// how many of the maps are.
template <int ROWS, int FORM>
__device__ inline void project(
    const Parts &parts, int count, int early, const float *h, const float *scale, const float *shift, double epsilon,
    int *progress, Size rows, Size outputs, Size stride) {
    extern __shared__ __align__(128) char memory[];
    __shared__ unsigned long long barriers[WARPS * SLOTS];
    launchDependents();
    Share<FORM == SUMMED || FORM == GATED, FORM == GATED> share(parts, count, early, outputs);
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
    if (FORM == NORMED || FORM == GATED) {
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
        Size row = share.first + own;
        if (FORM == GATED) {
            const Part &gate = parts.at[0], &up = parts.at[1];
            int each = share.perLate / 2;
            float opening = share.template totalLate<ROWS>(sums, own, r, 0, each);
            float value = share.template totalLate<ROWS>(sums, own, r, each, 2 * each);
            if (gate.bias) opening += gate.bias[row];
            if (up.bias) value += up.bias[row];
            put((Bf16 *)gate.y, r * outputs + row, activate<Bf16>((int)gate.activation, opening) * value);
            continue;
        }
        float sum = share.template total<ROWS>(sums, own, r);
        share.eachBias(own, [&](const float *bias) { sum += *bias; });
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
    if (FORM != STACKED && progress) {
        __syncthreads();
        if (threadIdx.x == 0) {
            __threadfence();
            if (FORM != SUMMED) {
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
PROJECTION(gated, GATED, 1)
PROJECTION(gated, GATED, 4)
PROJECTION(summed, SUMMED, 1)
PROJECTION(summed, SUMMED, 4)
