// Linear maps of few rows, as in generation: bound by the bandwidth at which weights are read.
//
//   STACKED  y_m [R, E_m] = activation_m(x W_mᵀ + b_m), several maps of one x [R, D] in bfloat16
//   NORMED   the same of norm(x), x in float32, rounded to bfloat16 as layer_norm.cu and rms_norm.cu do: layer
//            normalization, or RMS normalization if there is no shift
//   GATED    y [R, E] = activation_0(u W_0ᵀ + b_0) (u W_1ᵀ + b_1), u = norm(x): the first half of a gated MLP
//   SUMMED   y [R, E] = h + sum over m of (x_m W_mᵀ + b_m), x_m [R, D_m]: a residual stream with what is added to it
//   STEP     a position of discrete Mamba-2, mamba_step.cuh
//
// W_m is [E_m, D_m] in bfloat16, D_m a multiple of 8; R is at most MOST_ROWS, and a sum has two maps at most.
//
// One block per multiprocessor. The output rows of all maps (SUMMED, GATED: of one map) are split over the blocks in
// tiles of TILE rows, and each tile into pieces of CHUNK columns. The warps of a block take its pieces in turn, each
// from its own ring buffer in shared memory, which asynchronous copies fill. Partial sums of pieces are added in a
// fixed order.
//
// A piece is multiplied by the rows of x on tensor cores, by mma.sync m16n8k16 with the weights as A. The 16 rows of A
// are the 8 rows of the tile twice, and the 8 columns of B are 4 rows of x twice. So the 16 bytes that a lane reads of
// a weight row are its A fragment without a shuffle: pairs 0 and 2 belong to the upper half and meet columns 0 to 3,
// pairs 1 and 3 to the lower half and meet columns 4 to 7. x is stored in shared memory with its pairs in the order 0,
// 2, 1, 3.
//
// projections runs one operation. persistent runs a sequence of them with a grid barrier between two. Its rings
// prefetch the weights of the next operations while blocks wait for each other. The launch is cooperative: all blocks
// must be resident. progress[0] counts finished operations of all blocks; the last block to end resets progress to
// zero. A sum adds the maps whose x is older than the previous operation, such as an MLP's hidden units, before it
// waits. Warps are specialized: those after the first THREADS do not compute, and one of them is the barrier warp.
//
// Bytes: each weight once. FLOPs: two for each weight and row.

#include "activation.cuh"
#include "grid_barrier.cuh"
#include "input_rows.cuh"
#include "tensor_core.cuh"

#define MOST_ROWS 4

// Between the rows of x in shared memory, so that two are read at once.
#define GAP 32

// Read by the host: threads, rows of a tile, columns of a piece, bytes of a slot of all warps, slots at most, maps and
// rows at most, the width of a normalized row at most, the gap, threads of persistent, bytes of a segment.
extern "C" __device__ const int projectionSizes[11] = {
    THREADS,    TILE,      CHUNK,    WARPS *SLOT_BYTES, MOST_SLOTS,
    MOST_PARTS, MOST_ROWS, FOURS *THREADS * 4, GAP, PERSISTENT_THREADS, sizeof(Segment)};

// One block of a launch.
struct Worker {
    int rows;
    int capacity; // pieces that sums has room for
    GridBarrier grid;
    Ring ring;
    float *sums; // [pieces, rows, TILE]
    Bf16 *x;
    int ahead; // pieces of the operation before the first that this warp takes
    Moved<float> moved; // history that other blocks have yet to read

    // The rows of x by a piece.
    __device__ inline void multiply(int c, int pitch) {
        int lane = threadIdx.x % WARP, n = lane / 4, quarter = lane % 4, column;
        const char *w = ring.next(column) + n * PITCH + quarter * 16;
        uint4 weights[CHUNK / 32];
#pragma unroll
        for (int i = 0; i < CHUNK / 32; i++) weights[i] = *(const uint4 *)(w + i * 64);
        ring.refill();
        // rows beyond those of x give sums that are not stored
        const Bf16 *at = x + (n % 4 < rows ? n % 4 * pitch : 0) + column + quarter * 8 + n / 4 * 4;
        float d[2][4] = {};
#pragma unroll
        for (int i = 0; i < CHUNK / 32; i++) {
            uint2 b = *(const uint2 *)(at + i * 32);
            mma(d[i % 2], (const unsigned(&)[4])weights[i], b.x, b.y);
        }
        float left = d[0][0] + d[1][0], right = d[0][1] + d[1][1];
        left += __shfl_xor_sync(ALL_LANES, d[0][2] + d[1][2], 2);
        right += __shfl_xor_sync(ALL_LANES, d[0][3] + d[1][3], 2);
        if (quarter >= 2) return;
        float *sum = sums + (c * rows + 2 * quarter) * TILE + n;
        if (2 * quarter < rows) sum[0] = left;
        if (2 * quarter + 1 < rows) sum[TILE] = right;
    }

    // Pieces from c up to limit; the sums of the one of number base come first.
    __device__ inline void addUp(int &c, int limit, int base, int pitch) {
        for (; c < limit; c += WARPS) multiply(c - base, pitch);
    }

    // Runs operation `number`; next is the one after it, whose state is prefetched.
    __device__ inline void project(const Operation &operation, const Operation &next, int number) {
        Share share(operation);
        bool byRow = operation.byRow();
        int early = (int)operation.early, perTile = 0, ofEarly = 0;
        int maps = operation.form == SUMMED ? (int)operation.count : 1;
        for (int m = 0; m < (byRow ? operation.count : 1); m++) {
            if (m < early) ofEarly += operation.pieces(m);
            perTile += operation.pieces(m);
        }
        int pitch = (operation.form == SUMMED ? perTile : operation.pieces(0)) * CHUNK + GAP, c = ahead;
        if (operation.form == NORMED || operation.form == GATED) {
            Norm norm = {operation.scale, operation.shift, (int)operation.parts[0].width};
            norm.prefetch();
            grid.await(number);
            norm.apply(operation.h, operation.epsilon, x, rows, pitch);
        } else {
            int column = 0;
            for (int m = 0; m < maps; m++) {
                if (m == early) {
                    if (early > 0) {
                        syncFirst<THREADS>();
                        addUp(c, share.tiles * ofEarly, 0, pitch);
                    }
                    grid.await(number);
                }
                loadRows(operation.parts[m].x, x + column, rows, (int)operation.parts[m].width, pitch);
                column += operation.pieces(m) * CHUNK;
            }
            if (early == maps) grid.await(number);
        }
        // all of the maps by turns where outputs are by row
        int atOnce = byRow ? share.tiles : capacity / perTile;
        for (int tile = 0; tile < share.tiles; tile += atOnce) {
            int some = share.tiles - tile < atOnce ? share.tiles - tile : atOnce;
            int outputs = some * TILE * rows, i = threadIdx.x;
            // these loads overlap with the sums
            Output o = i < outputs ? output(operation, share, tile, some, i) : Output{};
            syncFirst<THREADS>();
            if (tile == 0) prefetch(next);
            addUp(c, (tile + some) * perTile, tile * perTile, pitch);
            syncFirst<THREADS>();
            while (i < outputs) {
                write(operation, share, some, i, o);
                i += THREADS;
                if (i < outputs) o = output(operation, share, tile, some, i);
            }
        }
        ahead = c - share.tiles * perTile;
    }

    // Where an output is stored, and what is added to its sum. Loaded before the pieces are summed, used after.
    struct Output {
        void *y; // none where a tile goes on beyond the map
        int activation;
        bool wide;
        float h;
        float bias[2];
    };

    // Output i of the block's tiles from one on, of which there are some.
    __device__ inline Output output(const Operation &operation, const Share &share, int from, int some, int i) const {
        int tile = share.first + from + i / TILE % some, m = 0;
        while (!operation.byRow() && tile >= operation.tiles(m)) tile -= operation.tiles(m++);
        const Part &part = operation.parts[m];
        Size row = tile * TILE + i % TILE, place = i / TILE / some * part.outputs + row;
        if (row >= part.outputs) return {};
        bool wide = part.wide, two = operation.byRow() && operation.count > 1;
        const float *second = two ? operation.parts[1].bias : nullptr;
        return {wide ? (void *)((float *)part.y + place) : (Bf16 *)part.y + place, (int)part.activation, wide,
                operation.form == SUMMED ? __ldcg(operation.h + place) : 0.f,
                {part.bias ? part.bias[row] : 0.f, second ? second[row] : 0.f}};
    }

    __device__ inline void write(
        const Operation &operation, const Share &share, int some, int i, const Output &o) const {
        if (!o.y) return;
        int own = i / TILE % some, start = 0;
        const float *at = sums + i / TILE / some * TILE + i % TILE;
        auto total = [&](int map) {
            int pieces = operation.pieces(map);
            const float *first = at + (start + own * pieces) * rows * TILE;
            start += share.tiles * pieces;
            float sum = 0.f;
#pragma unroll 8
            for (int k = 0; k < pieces; k++) sum += first[k * rows * TILE];
            return sum;
        };
        float y = total(0) + o.bias[0];
        if (operation.form == SUMMED) {
            if (operation.count > 1) y += total(1) + o.bias[1];
            y += o.h;
        } else {
            y = activate<Bf16>(o.activation, y);
            if (operation.form == GATED) y *= total(1) + o.bias[1];
        }
        if (o.wide) {
            *(float *)o.y = y;
        } else {
            put((Bf16 *)o.y, 0, y);
        }
    }

    __device__ inline MambaStepJob<Bf16> job(const MambaStep<Bf16> &step, int i) const {
        int each = step.jobsOfHead(), head = i / each;
        return {step, head % (int)step.heads, i % each, head / (int)step.heads};
    }

    __device__ inline void prefetch(const Operation &operation) const {
        if (operation.form == STEP && blockIdx.x < jobs(operation.step)) job(operation.step, blockIdx.x).prefetchL2();
    }

    __device__ inline int jobs(const MambaStep<Bf16> &step) const { return rows * (int)step.heads * step.jobsOfHead(); }

    // Of the groups' first jobs each has the history of B and C in registers afterwards, if every job has a block.
    __device__ inline bool holdsShared(const MambaStep<Bf16> &step) const {
        return jobs(step) <= gridDim.x && MambaStepJob<Bf16>::holdsShared(step);
    }

    __device__ inline int jobsOfGroup(const MambaStep<Bf16> &step) const {
        return (int)(step.heads / step.groups) * step.jobsOfHead();
    }

    __device__ inline void step(const MambaStep<Bf16> &step, int number) {
        int jobs = this->jobs(step);
        // state may be read once earlier kernels have ended
        if (number == 0) grid.await(0);
        for (int i = blockIdx.x; i < jobs; i += gridDim.x) {
            MambaStepJob<Bf16> one = job(step, i);
            one.load();
            if (number > 0 && i == blockIdx.x) grid.await(number);
            one.run((float *)x);
            if (holdsShared(step) && i % jobsOfGroup(step) == 0) moved = one.movedShared();
        }
        if (number > 0 && blockIdx.x >= jobs) grid.await(number);
    }

    // When all blocks have done the step.
    __device__ inline void moveShared(const MambaStep<Bf16> &step) {
        if (holdsShared(step)) {
            moved.store(step.channels(), step.taps);
            moved.to = nullptr;
            return;
        }
        for (int i = blockIdx.x; i < rows * step.groups; i += gridDim.x) job(step, i * jobsOfGroup(step)).moveShared();
    }
};

// Copies a descriptor into shared memory.
__device__ inline void copyOperation(const Operation *from, Operation &to) {
    for (int i = threadIdx.x; i < sizeof(Operation) / sizeof(Size); i += THREADS)
        ((Size *)&to)[i] = ((const Size *)from)[i];
}

template <bool PERSISTENT>
__device__ inline void work(
    const Operation *operations, int count, int segments, int *progress, int rows, int slots, int capacity) {
    extern __shared__ __align__(128) char memory[];
    __shared__ int columns[WARPS * MOST_SLOTS];
    // of the last operations, this, and the next
    __shared__ Operation near[4];
    launchDependents();
    GridBarrier grid = {progress};
    if (PERSISTENT && threadIdx.x >= THREADS) {
        giveRegisters();
        if (threadIdx.x < THREADS + WARP) grid.serve(count, operations[count - 1].form == STEP);
        return;
    }
    if (PERSISTENT) takeRegisters();
    float *sums = (float *)(memory + slots * WARPS * SLOT_BYTES);
    Segment *own = (Segment *)(sums + capacity * rows * TILE);
    for (int p = threadIdx.x; p < count; p += THREADS)
        if (operations[p].form != STEP) segment(operations[p], own + operations[p].segment);
    copyOperation(operations, near[0]);
    // nothing between the first operation and the look at the second makes all warps wait
    if (PERSISTENT && count > 1) copyOperation(operations + 1, near[1]);
    syncFirst<THREADS>();
    Worker worker = {
        rows, capacity, grid, {memory, columns, slots, own, segments}, sums, (Bf16 *)(own + segments),
        (int)threadIdx.x / WARP};
    for (int p = 0; p < count; p++) {
        if (p > 0 && p + 1 < count) copyOperation(operations + p + 1, near[(p + 1) % 4]);
        const Operation &operation = near[p % 4];
        if (operation.form == STEP) {
            worker.step(operation.step, p);
        } else {
            worker.project(operation, near[(p + (p + 1 < count)) % 4], p);
        }
        if (!PERSISTENT) return;
        grid.arrive();
        const Operation &last = near[(p + 3) % 4];
        if (p > 0 && last.form == STEP) worker.moveShared(last.step);
    }
    if (near[(count - 1) % 4].form == STEP) {
        grid.await(count);
        worker.moveShared(near[(count - 1) % 4].step);
    }
}

// Shared memory has, in this order: slots for each warp, sums of capacity pieces of each row of x, segments, rows of x.
// capacity is of the pieces of a tile at least, and of all of a block's where outputs are by row.
extern "C" __global__ void __launch_bounds__(THREADS, 1)
    projections(const __grid_constant__ Operation operation, int rows, int slots, int capacity) {
    work<false>(&operation, 1, (int)operation.count, nullptr, rows, slots, capacity);
}

extern "C" __global__ void __launch_bounds__(PERSISTENT_THREADS, 1) persistent(
    const Operation *__restrict__ operations, int count, int segments, int *progress, int rows, int slots,
    int capacity) {
    work<true>(operations, count, segments, progress, rows, slots, capacity);
}
