// Rotary position embedding on the first `turning` entries of each head of x [B,T,H,P]; tables [positions, P].
// direction is 1, or -1 to turn back.

#include "common.cuh"

template <int COLUMNS, typename T>
__device__ inline void rotary(
    const T *x, const Compute<T> *cosines, const Compute<T> *sines, T *y, Size n, Size time, Size heads, Size width,
    Size turning, Size first, int direction) {
    typedef Compute<T> C;
    Size half = turning / 2;
    EACH(j, n / COLUMNS) {
        Size i = j * COLUMNS;
        Size entry = remainder(i, width);
        Four<C> v = getColumns<COLUMNS>(x, i);
        if (entry < turning) {
            Size row = (first + remainder(quotient(i, width * heads), time)) * width + entry;
            bool low = entry < half;
            Four<C> partner = getColumns<COLUMNS>(x, low ? i + half : i - half);
            Four<C> cosine = getColumns<COLUMNS>(cosines, row);
            Four<C> sine = getColumns<COLUMNS>(sines, row);
            C sign = C(low ? -direction : direction);
            for (int k = 0; k < COLUMNS; k++) v.at[k] = v.at[k] * cosine.at[k] + sign * partner.at[k] * sine.at[k];
        }
        putColumns<COLUMNS>(y, i, v);
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
