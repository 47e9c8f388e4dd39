// What the programs of this folder share: launches as the Java side makes them, comparison with a reference, times.
// README.md says how a program is put together.

#pragma once

#include "buffer.cuh"

#include <algorithm>
#include <array>

namespace check {

// Everything is launched here. Copies and fills, on the default stream, wait for it and it for them.
inline cudaStream_t stream() {
    static cudaStream_t made = [] {
        cudaStream_t s;
        CHECKED(cudaStreamCreate(&s));
        return s;
    }();
    return made;
}

// As CudaKernels.java makes them.
struct Grid {
    dim3 blocks;
    int threads = 256;
    int shared = 0;
    bool overlapping = false; // programmatic dependent launch
    bool cooperative = false; // all blocks at once

    Grid overlaps() const { return {blocks, threads, shared, true}; }
};

inline int attribute(cudaDeviceAttr which) {
    int value = 0;
    CHECKED(cudaDeviceGetAttribute(&value, which, 0));
    return value;
}

inline Size multiprocessors() {
    static int count = attribute(cudaDevAttrMultiProcessorCount);
    return count;
}

inline Size ceilOf(Size a, Size b) { return (a + b - 1) / b; }

// A thread for each of n elements, up to what keeps the device busy.
inline Grid each(Size n) {
    return {dim3((unsigned)std::max<Size>(1, std::min<Size>(32 * multiprocessors(), ceilOf(n, 256))))};
}

inline Size fours(Size n) { return ceilOf(n, 4); }

template <typename... P, typename... A>
inline void launch(void (*kernel)(P...), const Grid &grid, A &&...arguments) {
    static_assert(sizeof...(P) == sizeof...(A), "arguments of the kernel");
    static const int major = attribute(cudaDevAttrComputeCapabilityMajor);
    static std::map<const void *, int> allowed; // dynamic shared memory by kernel
    bool overlapping = grid.overlapping && major >= 9;
    int &most = allowed.emplace((const void *)kernel, 0).first->second;
    if (most == 0 && overlapping)
        CHECKED(cudaFuncSetAttribute(
            kernel, cudaFuncAttributePreferredSharedMemoryCarveout, cudaSharedmemCarveoutMaxShared));
    if (most == 0) most = 48 << 10;
    if (grid.shared > most) {
        CHECKED(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, grid.shared));
        most = grid.shared;
    }
    cudaLaunchAttribute attributes[2];
    int number = 0;
    if (overlapping) {
        attributes[number].id = cudaLaunchAttributeProgrammaticStreamSerialization;
        attributes[number++].val.programmaticStreamSerializationAllowed = 1;
    }
    if (grid.cooperative) {
        attributes[number].id = cudaLaunchAttributeCooperative;
        attributes[number++].val.cooperative = 1;
    }
    cudaLaunchConfig_t config = {};
    config.gridDim = grid.blocks;
    config.blockDim = dim3(grid.threads);
    config.dynamicSmemBytes = grid.shared;
    config.stream = stream();
    config.attrs = attributes;
    config.numAttrs = number;
    CHECKED(cudaLaunchKernelEx(&config, kernel, static_cast<P>(arguments)...));
}

// nvcc 13.0 declares the host's side of a device variable that is `extern "C"` and not const, and leaves it undefined:
// a program names each one of its kernels' sources. Its address alone matters.
#ifdef __CUDA_ARCH__
#define HOST_SIDE_OF(variable)
#else
#define HOST_SIDE_OF(variable) asm(".comm " #variable ", 64");
#endif

// What a source says that a launch needs.
template <typename T, size_t COUNT>
inline std::array<int, COUNT> sizes(T (&symbol)[COUNT]) {
    std::array<int, COUNT> values;
    CHECKED(cudaMemcpyFromSymbol(values.data(), symbol, sizeof values));
    return values;
}

// Launches whose results are compared, or measured.
class Case {
public:
    Case(std::string kernel, std::string shape) : kernel(kernel), shape(shape) {}

    // A result, and what it should be: no element may be further from that than `allowed` times its size plus the root
    // mean square of all. Nothing is expected of a measured one but that all of it is written and finite.
    template <typename T>
    Case &result(const char *name, const Buffer<T> &y, Values expected = {}, double allowed = 0) {
        auto values = [&y] { return y.values(); };
        bool floating = !std::is_integral<T>::value;
        results.push_back({name, (char *)y.at(), y.bytes(), (int)sizeof(T), floating, values, expected, allowed, {}});
        return *this;
    }

    // One that the kernel reads as well: it has its present contents before every run.
    template <typename T>
    Case &inPlace(const char *name, const Buffer<T> &y, Values expected = {}, double allowed = 0) {
        result(name, y, expected, allowed);
        results.back().before = bytesOf(results.back());
        return *this;
    }

    // Two runs: results are near the reference, the same bits both times, and nothing beside them is written.
    void check(const Body &launches) {
        std::vector<std::vector<char>> first;
        run(launches);
        for (Result &r : results) first.push_back(bytesOf(r));
        run(launches);
        for (size_t i = 0; i < results.size(); i++) {
            Result &r = results[i];
            compare(r);
            if (bytesOf(r) != first[i]) complain(r, "differs between two runs");
            if (!guardsHold(r)) complain(r, "wrote beside the array");
        }
    }

    // The median of some runs, each with a cold second cache.
    void time(const Body &launches, double bytes, double flops = 0) {
        if (options.once) {
            launches();
            CHECKED(cudaDeviceSynchronize());
            passes++;
            return;
        }
        run(launches);
        for (Result &r : results)
            if (r.floating && notFinite(r) > 0) complain(r, "is not finite or not written");
        for (int i = 0; i < 2; i++) launches();
        static Buffer<char> flushed(2 * (Size)attribute(cudaDevAttrL2CacheSize));
        std::vector<cudaEvent_t> events(2 * options.runs);
        for (cudaEvent_t &event : events) CHECKED(cudaEventCreate(&event));
        for (int i = 0; i < options.runs; i++) {
            CHECKED(cudaMemsetAsync(flushed, i, flushed.bytes(), stream()));
            CHECKED(cudaEventRecord(events[2 * i], stream()));
            launches();
            CHECKED(cudaEventRecord(events[2 * i + 1], stream()));
        }
        CHECKED(cudaDeviceSynchronize());
        std::vector<float> spent(options.runs);
        for (int i = 0; i < options.runs; i++)
            CHECKED(cudaEventElapsedTime(&spent[i], events[2 * i], events[2 * i + 1]));
        for (cudaEvent_t event : events) CHECKED(cudaEventDestroy(event));
        std::sort(spent.begin(), spent.end());
        double seconds = spent[spent.size() / 2] * 1e-3;
        std::printf("%-28s %-30s %10.1f us", kernel.c_str(), shape.c_str(), seconds * 1e6);
        if (bytes > 0) std::printf(" %8.0f GB/s", bytes / seconds * 1e-9);
        if (flops > 0) std::printf(" %8.1f TFLOP/s", flops / seconds * 1e-12);
        std::printf("  (%.1f to %.1f us)\n", spent.front() * 1e3, spent.back() * 1e3);
        passes++;
    }

private:
    struct Result {
        std::string name;
        char *device;
        size_t bytes;
        int width;
        bool floating;
        std::function<Values()> values;
        Values expected;
        double allowed;
        std::vector<char> before;
    };

    std::string kernel, shape;
    std::vector<Result> results;

    static std::vector<char> bytesOf(const Result &r) {
        std::vector<char> host(r.bytes);
        CHECKED(cudaMemcpy(host.data(), r.device, r.bytes, cudaMemcpyDeviceToHost));
        return host;
    }

    void run(const Body &launches) {
        for (Result &r : results) {
            if (r.before.empty()) CHECKED(cudaMemset(r.device, 0xff, r.bytes));
            else CHECKED(cudaMemcpy(r.device, r.before.data(), r.bytes, cudaMemcpyHostToDevice));
        }
        launches();
        CHECKED(cudaGetLastError());
        CHECKED(cudaDeviceSynchronize());
    }

    static bool guardsHold(const Result &r) {
        const size_t guard = Buffer<char>::GUARD;
        std::vector<unsigned char> both(2 * guard);
        CHECKED(cudaMemcpy(both.data(), r.device - guard, guard, cudaMemcpyDeviceToHost));
        CHECKED(cudaMemcpy(both.data() + guard, r.device + r.bytes, guard, cudaMemcpyDeviceToHost));
        return std::all_of(both.begin(), both.end(), [](unsigned char c) { return c == 0xff; });
    }

    static unsigned long long notFinite(const Result &r) {
        Buffer<unsigned long long> count(1);
        CHECKED(cudaMemset(count, 0, sizeof(unsigned long long)));
        countNotFinite<<<1024, 256>>>((const unsigned *)r.device, (Size)(r.bytes / 4), r.width, count);
        unsigned long long found = 0;
        CHECKED(cudaMemcpy(&found, count, sizeof found, cudaMemcpyDeviceToHost));
        return found;
    }

    void complain(const Result &r, const char *what) {
        std::printf("%-28s %-30s %-12s %s", kernel.c_str(), shape.c_str(), r.name.c_str(), what);
        verdict(false);
    }

    void compare(const Result &r) {
        Values actual = r.values();
        if (actual.size() != r.expected.size()) {
            complain(r, text("has %zu numbers, its reference %zu", actual.size(), r.expected.size()).c_str());
            return;
        }
        double squares = 0, errors = 0, absolute = 0, relative = 0;
        size_t worst = 0;
        for (double e : r.expected) squares += e * e;
        double size = std::sqrt(squares / (double)r.expected.size());
        for (size_t i = 0; i < actual.size(); i++) {
            double d = std::fabs(actual[i] - r.expected[i]);
            if (!std::isfinite(d)) d = INFINITY; // NaN too
            double share = d == 0 ? 0 : d / (std::fabs(r.expected[i]) + size);
            errors += d * d;
            absolute = std::max(absolute, d);
            if (share > relative) {
                relative = share;
                worst = i;
            }
        }
        bool good = relative <= r.allowed;
        std::printf(
            "%-28s %-30s %-12s %9.2e %9.2e %9.2e %9.1e", kernel.c_str(), shape.c_str(), r.name.c_str(), absolute,
            relative, squares > 0 ? std::sqrt(errors / squares) : std::sqrt(errors), r.allowed);
        if (!good) std::printf("  at %zu: %.9g, expected %.9g", worst, actual[worst], r.expected[worst]);
        verdict(good);
    }
};

inline Values normals(unsigned seed, Size count, double scale = 1, double shift = 0) {
    Values values(count);
    for (Size i = 0; i < count; i++) values[i] = scale * normalAt(seed, i) + shift;
    return values;
}

inline double dot(const Values &a, const Values &b) {
    double sum = 0;
    for (size_t i = 0; i < a.size(); i++) sum += a[i] * b[i];
    return sum;
}

inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// Whether the gradient of f at x is what central differences along a random direction say.
inline void gradient(
    const char *name, const Values &x, const Values &gradient, const std::function<double(const Values &)> &f) {
    const double step = 1e-5;
    Values way = normals(99, (Size)x.size()), up = x, down = x;
    for (size_t i = 0; i < x.size(); i++) {
        up[i] += step * way[i];
        down[i] -= step * way[i];
    }
    double measured = (f(up) - f(down)) / (2 * step), said = dot(gradient, way);
    double error = std::fabs(measured - said) / std::max(1e-3, std::max(std::fabs(measured), std::fabs(said)));
    std::printf("reference %-30s %14.8g, by differences %14.8g", name, said, measured);
    verdict(error < 1e-5);
}

} // namespace check
