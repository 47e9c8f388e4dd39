package org.mohawk4j.backend.cuda;

import org.bytedeco.cuda.global.cudart;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.BackendProvider;

/** Offers NVIDIA GPUs from compute capability 8.0 on, where CUDA 13 and its driver are installed. */
public final class CudaBackendProvider implements BackendProvider {
    static final String NAME = "cuda";

    /** What could not be loaded: Java tries once, and says less about it afterwards. */
    private static volatile @Nullable String missing;

    private static final int RANK = 20;
    private static final int LEAST_MAJOR = 8;
    private static final int LEAST_DRIVER = 13_000;

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Availability availability() {
        try {
            int count = CudaDevice.count();
            if (count == 0) {
                return Availability.no("CUDA's driver finds no GPU");
            }
            int[] driver = new int[1];
            Status.driver(cudart.cuDriverGetVersion(driver), "asking for the driver's version");
            if (driver[0] < LEAST_DRIVER) {
                return Availability.no("expected a driver for CUDA " + version(LEAST_DRIVER)
                        + " or newer, found one for CUDA " + version(driver[0]));
            }
            CudaDevice device = CudaDevice.of(0);
            if (device.major() < LEAST_MAJOR) {
                return Availability.no("expected compute capability " + LEAST_MAJOR + ".0 or higher, found "
                        + device.name() + " with " + device.major() + "." + device.minor());
            }
            return Availability.yes(
                    RANK,
                    device.name() + ", NVRTC " + KernelCompiler.version() + (count > 1 ? ", first of " + count : ""));
        } catch (CudaException e) {
            return Availability.no(firstLine(e));
        } catch (LinkageError e) {
            if (missing == null) {
                missing = "expected the libraries of CUDA 13 (libcuda, libnvrtc, libcublasLt), found " + firstLine(e);
            }
            return Availability.no(missing);
        }
    }

    /** The innermost cause, which names the library. */
    private static String firstLine(Throwable error) {
        Throwable cause = error;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return String.valueOf(cause.getMessage()).lines().findFirst().orElse(cause.toString());
    }

    /** As in 13.1 for 13010. */
    static String version(int code) {
        return code / 1000 + "." + code % 1000 / 10;
    }

    @Override
    public Backend open(BackendOptions options) {
        return new CudaBackend(options);
    }
}
