// How projections.cu reads weights: descriptors of operations, tiles and pieces of a block, a warp's ring buffer.

#pragma once

#include "common.cuh"
#include "mamba_step.cuh"
#include "shared_memory.cuh"

#define MOST_PARTS 4
#define WARPS 8
#define THREADS (WARPS * WARP)

// A piece is CHUNK columns of a tile's rows. Rows in the ring are padded by 64 bytes, so that reads of two rows do not
// conflict in the banks of shared memory.
#define TILE 8
#define CHUNK 256
#define PITCH (CHUNK * 2 + 64)
#define SLOT_BYTES (TILE * PITCH)
#define MOST_SLOTS 5

enum { STACKED, NORMED, GATED, SUMMED, STEP };

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

// One operation. early is how many of the maps take nothing of the operation before this one; segment how many maps the
// operations before have.
struct Operation {
    Size form;
    Size count;
    Size early;
    Size segment;
    double epsilon;
    const float *h;
    const float *scale;
    const float *shift;
    union {
        Part parts[MOST_PARTS];
        MambaStep<Bf16> step;
    };

    // Whether an output is of a row of every weight, and not of one's.
    __device__ inline bool byRow() const { return form == SUMMED || form == GATED; }
    __device__ inline int tiles(int m) const { return ((int)parts[m].outputs + TILE - 1) / TILE; }
    __device__ inline int pieces(int m) const { return ((int)parts[m].width + CHUNK - 1) / CHUNK; }
};

// The tiles that this block does of an operation: of each map where outputs are by row, else of all maps in a line.
struct Share {
    int first;
    int tiles;

    __device__ inline explicit Share(const Operation &operation) {
        int all = 0;
        for (int m = 0; m < (operation.byRow() ? 1 : operation.count); m++) all += operation.tiles(m);
        first = (int)((unsigned)all * blockIdx.x / gridDim.x);
        tiles = (int)((unsigned)all * (blockIdx.x + 1) / gridDim.x) - first;
    }
};

// The tiles of one map that a block does, from a row of the weight on. The pieces lie tile by tile.
struct __align__(16) Segment {
    const Bf16 *weight;
    int width;
    int outputs;
    int pieces;
    int perTile;
    int column; // of x
};

// What a block does of an operation, map by map.
__device__ inline void segment(const Operation &operation, Segment *segments) {
    Share share(operation);
    int before = 0, column = 0;
    for (int m = 0; m < operation.count; m++) {
        const Part &part = operation.parts[m];
        int all = operation.tiles(m), from = share.first - before, to = from + share.tiles;
        int perTile = operation.pieces(m);
        from = from < 0 ? 0 : from < all ? from : all;
        to = to < 0 ? 0 : to < all ? to : all;
        segments[m] = {part.weight + (Size)from * TILE * part.width, (int)part.width, (int)part.outputs - from * TILE,
                       (to - from) * perTile, perTile, column};
        if (operation.form == SUMMED) column += perTile * CHUNK;
        if (!operation.byRow()) before += all;
    }
}

// A warp's pieces of several operations in order, one in WARPS. weight is the first row of the present tile.
struct Supply {
    const Segment *next;
    const Segment *end;
    const Bf16 *weight;
    int width;
    int outputs;
    int perTile;
    int column;
    int c;
    int k;
    int pieces = 0;

    __device__ inline Supply(const Segment *segments, int count)
        : next(segments), end(segments + count), c(threadIdx.x / WARP) {}

    __device__ inline bool atEnd() {
        while (c >= pieces) {
            c -= pieces;
            pieces = 0;
            if (next == end) return true;
            weight = next->weight;
            width = next->width;
            outputs = next->outputs;
            pieces = next->pieces;
            perTile = next->perTile;
            column = next->column;
            next++;
            k = c;
            locate();
        }
        return false;
    }

    __device__ inline void step() {
        c += WARPS;
        k += WARPS;
        locate();
    }

    __device__ inline void locate() {
        for (; k >= perTile; k -= perTile) {
            weight += TILE * width;
            outputs -= TILE;
        }
    }
};

// Prefetches pieces. Rows and columns beyond the weight are filled with zeros. All calls are by a whole warp.
struct Ring {
    Supply supply;
    unsigned memory;
    int slots;
    int *columns; // of the x that a slot's piece meets
    int slot = 0;

    // all has room for slots pieces of each warp, columns for as many numbers.
    __device__ inline Ring(char *all, int *columns, int slots, const Segment *segments, int count)
        : supply(segments, count), memory(sharedAddress(all) + threadIdx.x / WARP * slots * SLOT_BYTES), slots(slots),
          columns(columns + threadIdx.x / WARP * slots) {
        for (int s = 0; s < slots; s++) fill(s);
    }

    __device__ inline void fill(int into) {
        if (!supply.atEnd()) {
            int lane = threadIdx.x % WARP, from = supply.k * CHUNK + lane * 8;
            int rows = from < supply.width ? supply.outputs : 0;
            const Bf16 *row = supply.weight + from;
            unsigned to = memory + into * SLOT_BYTES + lane * 16;
            if (__all_sync(ALL_LANES, rows >= TILE)) {
#pragma unroll
                for (int n = 0; n < TILE; n++)
                    copyAsync<16, true>(to + n * PITCH, row + (Size)n * supply.width, true);
            } else {
                for (int n = 0; n < TILE; n++)
                    copyAsync<16, true>(
                        to + n * PITCH, n < rows ? row + (Size)n * supply.width : supply.weight, n < rows);
            }
            if (lane == 0) columns[into] = supply.column + supply.k * CHUNK;
            supply.step();
        }
        commitCopies();
    }

    // Where the next piece is, and the column of x that it begins with. Its rows lie PITCH bytes apart.
    __device__ inline const char *next(int &column) const {
        column = columns[slot];
        if (slots == MOST_SLOTS) {
            waitCopies<MOST_SLOTS - 1>();
        } else if (slots > 2) {
            waitCopies<2>();
        } else if (slots == 2) {
            waitCopies<1>();
        } else {
            waitCopies<0>();
        }
        __syncwarp();
        return (const char *)__cvta_shared_to_generic(memory + slot * SLOT_BYTES);
    }

    // Refills the slot of the last piece, which all lanes have read.
    __device__ inline void refill() {
        __syncwarp();
        fill(slot);
        if (++slot == slots) slot = 0;
    }
};
