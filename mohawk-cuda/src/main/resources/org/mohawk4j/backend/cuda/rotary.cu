// Rotary position embedding on the first `turning` entries of each head of x [B,T,H,P]; tables [positions, P].
// direction is 1, or -1 to turn back.

template <typename T>
__device__ inline void rotary(
    const T *x, const Compute<T> *cosines, const Compute<T> *sines, T *y, Size n, Size time, Size heads, Size width,
    Size turning, Size first, int direction) {
    typedef Compute<T> C;
    Size half = turning / 2;
    bool fours = width % 4 == 0 && half % 4 == 0 && inFours(x) && inFours(y);
    int count = fours ? 4 : 1;
    EACH(j, n / count) {
        Size i = j * count;
        Size entry = remainder(i, width);
        Four<C> v = getColumns(x, i, count);
        if (entry < turning) {
            Size row = (first + remainder(quotient(i, width * heads), time)) * width + entry;
            bool low = entry < half;
            Four<C> partner = getColumns(x, low ? i + half : i - half, count);
            C sign = C(low ? -direction : direction);
            for (int k = 0; k < count; k++) v.at[k] = v.at[k] * cosines[row + k] + sign * partner.at[k] * sines[row + k];
        }
        putColumns(y, i, v, count);
    }
}

#define ROTARY(T, suffix)                                                                                              \
    extern "C" __global__ void rotary_##suffix(                                                                        \
        const T *x, const Compute<T> *cosines, const Compute<T> *sines, T *y, Size n, Size time, Size heads,           \
        Size width, Size turning, Size first, int direction) {                                                         \
        rotary(x, cosines, sines, y, n, time, heads, width, turning, first, direction);                                \
    }

FOR_ACTIVATIONS(ROTARY)
