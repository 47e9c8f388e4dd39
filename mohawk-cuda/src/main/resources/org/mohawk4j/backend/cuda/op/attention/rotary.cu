// Rotary position embedding on the first `turning` entries of each head of x [B,T,H,P]; tables [positions, P], in which
// both entries of a pair have the same angle. direction is 1, or -1 to turn back. A thread takes COLUMNS neighboring
// pairs, whose entries lie half of what turns apart, or as many entries that do not turn.

#include "common.cuh"

template <int COLUMNS, typename T>
__device__ inline void rotary(
    const T *__restrict__ x, const Compute<T> *__restrict__ cosines, const Compute<T> *__restrict__ sines,
    T *__restrict__ y, Size n, Size time, Size heads, Size width, Size turning, Size first, int direction) {
    typedef Compute<T> C;
    Size half = turning / 2;
    Size pairs = half / COLUMNS;
    Size units = pairs + (width - turning + 2 * COLUMNS - 1) / (2 * COLUMNS);
    EACH(j, n / width * units) {
        Size head = quotient(j, units);
        Size unit = j - head * units;
        Size base = head * width;
        if (unit < pairs) {
            Size low = base + unit * COLUMNS, high = low + half;
            Size row = (first + remainder(quotient(head, heads), time)) * width + unit * COLUMNS;
            Four<C> a = getColumns<COLUMNS>(x, low);
            Four<C> b = getColumns<COLUMNS>(x, high);
            Four<C> cosine = getColumns<COLUMNS>(cosines, row);
            Four<C> sine = getColumns<COLUMNS>(sines, row);
            for (int k = 0; k < COLUMNS; k++) {
                C turn = C(direction) * sine.at[k];
                C kept = a.at[k];
                a.at[k] = kept * cosine.at[k] - turn * b.at[k];
                b.at[k] = b.at[k] * cosine.at[k] + turn * kept;
            }
            putColumns<COLUMNS>(y, low, a);
            putColumns<COLUMNS>(y, high, b);
        } else {
            Size entry = turning + (unit - pairs) * 2 * COLUMNS;
            bool two = entry + COLUMNS < width;
            Four<C> a = getColumns<COLUMNS>(x, base + entry), b = {};
            if (two) b = getColumns<COLUMNS>(x, base + entry + COLUMNS);
            putColumns<COLUMNS>(y, base + entry, a);
            if (two) putColumns<COLUMNS>(y, base + entry + COLUMNS, b);
        }
    }
}

#define ROTARY(T, suffix)                                                                                              \
    extern "C" __global__ void rotary_##suffix(                                                                        \
        const T *x, const Compute<T> *cosines, const Compute<T> *sines, T *y, Size n, Size time, Size heads,           \
        Size width, Size turning, Size first, int direction) {                                                         \
        if (width % 4 == 0 && turning % 8 == 0 && inFours(x) && inFours(y) && inFours(cosines) && inFours(sines))      \
            rotary<4>(x, cosines, sines, y, n, time, heads, width, turning, first, direction);                         \
        else                                                                                                           \
            rotary<1>(x, cosines, sines, y, n, time, heads, width, turning, first, direction);                         \
    }

FOR_ACTIVATIONS(ROTARY)
