// The command line of the programs, and the count of what passed.

#pragma once

#include <cuda_runtime.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>

#define CHECKED(call) check::demand((call), #call, __FILE__, __LINE__)

namespace check {

typedef std::function<void()> Body;

inline void demand(cudaError_t status, const char *what, const char *file, int line) {
    if (status == cudaSuccess) return;
    std::fprintf(stderr, "%s:%d: %s: %s\n", file, line, what, cudaGetErrorString(status));
    std::exit(1);
}

inline std::string text(const char *format, ...) {
    char line[256];
    va_list values;
    va_start(values, format);
    std::vsnprintf(line, sizeof line, format, values);
    va_end(values);
    return line;
}

struct Options {
    bool checks = true;
    bool times = true;
    bool references = false; // only what needs no GPU
    bool once = false;       // one launch of each, for a profiler
    int runs = 20;
    std::string filter;
    std::map<std::string, long long> extents;
};

inline Options options;
inline int failures = 0;
inline int passes = 0;

// An extent of the timed shapes, which --set may override.
inline long long extent(const char *name, long long value) {
    auto found = options.extents.find(name);
    return found == options.extents.end() ? value : found->second;
}

inline void usage(const char *program) {
    std::printf(
        "usage: %s [--check-only | --time-only | --reference-only] [--filter TEXT] [--set NAME=N,...] [--runs N] "
        "[--once]\n"
        "  --check-only      compare with the reference, measure nothing\n"
        "  --time-only       measure, compare nothing\n"
        "  --reference-only  check the gradients of the reference by finite differences; needs no GPU\n"
        "  --filter TEXT     only kernels whose name contains TEXT\n"
        "  --set NAME=N,...  other extents of the timed shape, such as B=1,T=4096\n"
        "  --runs N          measurements of which the median is printed; 20 if not given\n"
        "  --once            each timed launch once, without warm-up or measurement: for ncu\n",
        program);
}

inline void begin(int count, char **arguments) {
    auto next = [&](int &i) -> std::string {
        if (i + 1 < count) return arguments[++i];
        std::fprintf(stderr, "%s: %s needs a value\n", arguments[0], arguments[i]);
        std::exit(2);
    };
    auto number = [&](const std::string &given) {
        char *end = nullptr;
        long long value = std::strtoll(given.c_str(), &end, 10);
        if (!given.empty() && *end == 0 && value > 0) return value;
        std::fprintf(stderr, "%s: expected a positive whole number, got %s\n", arguments[0], given.c_str());
        std::exit(2);
    };
    for (int i = 1; i < count; i++) {
        std::string option = arguments[i];
        if (option == "--check-only") options.times = false;
        else if (option == "--time-only") options.checks = false;
        else if (option == "--reference-only") options.references = true;
        else if (option == "--once") options.once = true;
        else if (option == "--filter") options.filter = next(i);
        else if (option == "--runs") options.runs = (int)number(next(i));
        else if (option == "--set") {
            std::string all = next(i) + ",";
            for (size_t from = 0, to; (to = all.find(',', from)) != std::string::npos; from = to + 1) {
                std::string one = all.substr(from, to - from);
                size_t is = one.find('=');
                if (is != std::string::npos) options.extents[one.substr(0, is)] = number(one.substr(is + 1));
            }
        } else {
            usage(arguments[0]);
            std::exit(option == "--help" ? 0 : 2);
        }
    }
    if (options.references) {
        options.checks = options.times = false;
        return;
    }
    CHECKED(cudaSetDevice(0));
    std::setvbuf(stdout, nullptr, _IOLBF, 1 << 16); // what was found before a program is ended is not lost
    std::printf(
        "%-28s %-30s %-12s %9s %9s %9s %9s\n", "kernel", "shape", "result", "max abs", "max rel", "norm rel",
        "allowed");
}

inline bool wanted(const std::string &kernel) { return kernel.find(options.filter) != std::string::npos; }

inline void verdict(bool good) {
    (good ? passes : failures)++;
    std::printf(good ? "  ok\n" : "  FAILED\n");
}

inline int end() {
    if (!options.references) CHECKED(cudaDeviceSynchronize());
    std::printf("%d passed, %d failed\n", passes, failures);
    bool nothing = passes == 0 && !options.references && options.filter.empty();
    return failures > 0 || nothing ? 1 : 0;
}

inline void checks(const std::string &kernel, const Body &body) {
    if (options.checks && wanted(kernel)) body();
}

inline void times(const std::string &kernel, const Body &body) {
    if (options.times && wanted(kernel)) body();
}

inline void references(const Body &body) {
    if (options.references) body();
}

} // namespace check
