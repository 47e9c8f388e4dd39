// Depthwise causal convolution: y[b,t,c] = bias[c] + sum over k of weight[c,k] x[b, t-K+1+k, c]; x [B,T,C], weight
// [C,K]. A thread takes a channel and a stretch of time, along which it keeps the last K numbers: each array is read
// once, and neighboring threads take neighboring channels. Some positions are read before any of them is written, so
// that many reads are under way at a time. Gradients by weight and bias are summed over stretches first,
// [B·stretches, C, K] and [B·stretches, C], and over those after, always in the same order.
// A convolution begins as the identity and its x is in bfloat16: while it is trained, y is stored by
// deterministic dithered rounding, since the nearest of it would be x until the weights have moved far.
// What is on y's side may lie in parts, [B,T,width] each, of neighboring channels; what is on x's side may be the first
// columns of longer rows, of so many numbers as its stride says.
// TAPS is K, CHANNELS the neighboring channels of a thread: 1, or 4 where memory allows. AROUND says whether dy's first
// part is the sum of what lies there and something scaled by head.

// Positions that are read at a time.
#define AHEAD 8

#include "common.cuh"

struct Parts {
    Size until[4]; // the first channel after each part
    Size at[4];
};

// Where a thread's channels of a sequence lie in their part.
template <typename T>
struct PartOf {
    T *from;
    Size width;

    __device__ inline PartOf(const Parts &parts, Size channel, Size sequence, Size time) {
        Size first = 0, until = parts.until[0], at = parts.at[0];
#pragma unroll
        for (int part = 1; part < 4; part++) {
            if (channel < until) continue;
            first = until;
            until = parts.until[part];
            at = parts.at[part];
        }
        width = until - first;
        from = (T *)at + sequence * time * width + channel - first;
    }
};

struct Stretch {
    Size channel; // the first
    Size part;    // of all stretches of all sequences
    Size sequence;
    Size base;    // of this channel in this sequence, on x's side
    int from;
    int to;
};

__device__ inline Stretch stretchOf(Size i, Size time, Size channels, Size stride, Size length) {
    Stretch s;
    Size across = channels / CHANNELS;
    Size stretches = (time + length - 1) / length;
    s.channel = remainder(i, across) * CHANNELS;
    s.part = quotient(i, across);
    s.sequence = quotient(s.part, stretches);
    s.base = s.sequence * time * stride + s.channel;
    s.from = (int)(remainder(s.part, stretches) * length);
    s.to = (int)(s.from + length < time ? s.from + length : time);
    return s;
}

// A thread's channels of one position as they lie in memory, zero at first.
template <typename T>
struct Packed {
    Four<T> value = {};

    __device__ inline void load(const T *x) { value = getColumns<CHANNELS>(x, 0); }
    __device__ inline Four<T> unpacked() const { return value; }
};
template <>
struct Packed<Bf16> {
    uint2 bits = {0, 0};

    __device__ inline void load(const Bf16 *x) {
        if (CHANNELS == 4) {
            bits = *(const uint2 *)x;
        } else {
            bits.x = x->bits;
        }
    }
    __device__ inline Four<float> unpacked() const {
        return {{__uint_as_float(bits.x << 16), __uint_as_float(bits.x & 0xffff0000u), __uint_as_float(bits.y << 16),
                 __uint_as_float(bits.y & 0xffff0000u)}};
    }
};

// Positions from x on; those from the count on are zero.
template <int POSITIONS, typename T>
struct Ahead {
    Packed<T> at[POSITIONS];

    __device__ inline Ahead(const T *x, int count, Size width) {
#pragma unroll
        for (int j = 0; j < POSITIONS; j++)
            if (j < count) at[j].load(x + j * width);
    }
};

// The last TAPS numbers of each channel.
template <typename C>
struct Window {
    Four<C> seen[TAPS];

    __device__ inline void push(const Four<C> &next) {
#pragma unroll
        for (int k = 0; k + 1 < TAPS; k++) seen[k] = seen[k + 1];
        seen[TAPS - 1] = next;
    }

    // The positions before x, those of them that are at least `first` and less than `count` from x on.
    template <typename T>
    __device__ inline void loadBefore(const T *x, int first, int count, Size width) {
#pragma unroll
        for (int k = 0; k < TAPS; k++) {
            Packed<T> own;
            if (k - TAPS >= first && k - TAPS < count) own.load(x + (k - TAPS) * width);
            seen[k] = own.unpacked();
        }
    }
};

// Numbers of CHANNELS channels with TAPS each, as they lie in memory.
template <typename C>
__device__ inline void loadTaps(Four<C> *taps, const C *from) {
    C flat[CHANNELS * TAPS];
#pragma unroll
    for (int i = 0; i < CHANNELS * TAPS; i += CHANNELS) {
        Four<C> some = getColumns<CHANNELS>(from, i);
#pragma unroll
        for (int c = 0; c < CHANNELS; c++) flat[i + c] = some.at[c];
    }
#pragma unroll
    for (int k = 0; k < TAPS; k++)
#pragma unroll
        for (int c = 0; c < CHANNELS; c++) taps[k].at[c] = flat[c * TAPS + k];
}

template <typename C>
__device__ inline void storeTaps(C *to, const Four<C> *taps) {
    C flat[CHANNELS * TAPS];
#pragma unroll
    for (int k = 0; k < TAPS; k++)
#pragma unroll
        for (int c = 0; c < CHANNELS; c++) flat[c * TAPS + k] = taps[k].at[c];
#pragma unroll
    for (int i = 0; i < CHANNELS * TAPS; i += CHANNELS) {
        Four<C> some;
#pragma unroll
        for (int c = 0; c < CHANNELS; c++) some.at[c] = flat[i + c];
        putColumns<CHANNELS>(to, i, some);
    }
}

template <typename Rounding, typename T>
__device__ inline void convolution(
    const T *x, const Compute<T> *weight, const Compute<T> *bias, const Parts &parts, Size threads, Size time,
    Size channels, Size stride, Size length) {
    typedef Compute<T> C;
    EACH(i, threads) {
        Stretch s = stretchOf(i, time, channels, stride, length);
        PartOf<T> part(parts, s.channel, s.sequence, time);
        const T *in = x + s.base + s.from * stride;
        T *y = part.from + s.from * part.width;
        Size place = s.from * channels + s.channel;
        Four<C> taps[TAPS], shift = getColumns<CHANNELS>(bias, s.channel);
        Window<C> window;
        loadTaps(taps, weight + s.channel * TAPS);
        window.loadBefore(in, -s.from, 0, stride);
        for (int left = s.to - s.from; left > 0; left -= AHEAD) {
            Ahead<AHEAD, T> next(in, left, stride);
            in += AHEAD * stride;
#pragma unroll
            for (int j = 0; j < AHEAD; j++) {
                window.push(next.at[j].unpacked());
                Four<C> sum = shift;
#pragma unroll
                for (int k = 0; k < TAPS; k++)
#pragma unroll
                    for (int c = 0; c < CHANNELS; c++) sum.at[c] += taps[k].at[c] * window.seen[k].at[c];
                if (j < left) Rounding::template put<CHANNELS>(y, place, sum);
                y += part.width;
                place += channels;
            }
        }
    }
}

// What lies in dy's first part is less than its gradient by this, times a number for each head of that many channels.
template <typename G, typename C>
struct Around {
    const G *upstream;
    const C *scales;
    Size head;
};

// dx[t] = sum over k of weight[k] dy[t+K-1-k], the same backwards in time; dWeight[k] = sum over t of dy[t] x[t-K+1+k].
template <typename G, typename T>
__device__ inline void convolutionGradient(
    const Parts &parts, const Around<G, Compute<T>> &around, const T *x, const Compute<T> *weight, T *dx,
    Compute<T> *dWeight, Compute<T> *dBias, Size threads, Size time, Size channels, Size stride, Size length) {
    typedef Compute<T> C;
    EACH(i, threads) {
        Stretch s = stretchOf(i, time, channels, stride, length);
        PartOf<const G> part(parts, s.channel, s.sequence, time);
        const T *in = x + s.base + s.from * stride;
        T *out = dx + s.base + s.from * stride;
        // what comes TAPS - 1 later than x
        const G *dy = part.from + (s.from + TAPS - 1) * part.width;
        const G *more = around.upstream + (dy - (const G *)parts.at[0]);
        bool isMore = AROUND && s.channel < parts.until[0];
        C scale = isMore ? around.scales[quotient(s.channel, around.head)] : C(0);
        Four<C> taps[TAPS], sums[TAPS] = {}, total = {};
        Window<C> before, after;
        loadTaps(taps, weight + s.channel * TAPS);
        int coming = (int)time - s.from - (TAPS - 1);
        before.loadBefore(in, -s.from, 0, stride);
        after.loadBefore(dy, 1 - TAPS, coming, part.width);
        if (isMore) {
            Window<C> added;
            added.loadBefore(more, 1 - TAPS, coming, part.width);
#pragma unroll
            for (int k = 0; k < TAPS; k++)
                for (int c = 0; c < CHANNELS; c++) after.seen[k].at[c] += scale * added.seen[k].at[c];
        }
        for (int left = s.to - s.from; left > 0; left -= AHEAD / 2, coming -= AHEAD / 2) {
            Ahead<AHEAD / 2, T> next(in, left, stride);
            Ahead<AHEAD / 2, G> later(dy, coming, part.width);
            Ahead<AHEAD / 2, G> laterMore(more, isMore ? coming : 0, part.width);
            in += AHEAD / 2 * stride;
            dy += AHEAD / 2 * part.width;
            more += AHEAD / 2 * part.width;
#pragma unroll
            for (int j = 0; j < AHEAD / 2; j++) {
                Four<C> latest = later.at[j].unpacked();
                if (AROUND) {
                    Four<C> added = laterMore.at[j].unpacked();
#pragma unroll
                    for (int c = 0; c < CHANNELS; c++) latest.at[c] += scale * added.at[c];
                }
                before.push(next.at[j].unpacked());
                after.push(latest);
                Four<C> g = after.seen[0], own = {};
                if (j >= left) g = {};
#pragma unroll
                for (int c = 0; c < CHANNELS; c++) {
                    total.at[c] += g.at[c];
#pragma unroll
                    for (int k = 0; k < TAPS; k++) {
                        own.at[c] += taps[k].at[c] * after.seen[TAPS - 1 - k].at[c];
                        sums[k].at[c] += g.at[c] * before.seen[k].at[c];
                    }
                }
                if (j < left) putColumns<CHANNELS>(out, 0, own);
                out += stride;
            }
        }
        Size first = s.part * channels + s.channel;
        putColumns<CHANNELS>(dBias, first, total);
        storeTaps(dWeight + first * TAPS, sums);
    }
}

#define FORWARD(T, suffix, Rounding)                                                                                   \
    extern "C" __global__ void __launch_bounds__(256, 3) convolution_##suffix(                                         \
        const T *x, const Compute<T> *weight, const Compute<T> *bias, Parts parts, Size threads, Size time,            \
        Size channels, Size stride, Size length) {                                                                     \
        convolution<Rounding>(x, weight, bias, parts, threads, time, channels, stride, length);                        \
    }

#define BACKWARD(G, g, T, suffix)                                                                                      \
    extern "C" __global__ void __launch_bounds__(256, 2) convolution_gradient_##g##_##suffix(                          \
        Parts parts, const G *around, const Compute<T> *scales, Size head, const T *x, const Compute<T> *weight,       \
        T *dx, Compute<T> *dWeight, Compute<T> *dBias, Size threads, Size time, Size channels, Size stride,            \
        Size length) {                                                                                                 \
        Around<G, Compute<T>> more = {around, scales, head};                                                           \
        convolutionGradient(                                                                                           \
            parts, more, x, weight, dx, dWeight, dBias, threads, time, channels, stride, length);                      \
    }

#define TO_NEAREST(T, suffix) FORWARD(T, suffix, Nearest)

FOR_ACTIVATIONS(TO_NEAREST)
FORWARD(Bf16, dithered, Dithered)
FOR_PAIRS(BACKWARD)
