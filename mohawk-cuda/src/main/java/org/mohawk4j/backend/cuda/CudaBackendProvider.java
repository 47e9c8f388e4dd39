package org.mohawk4j.backend.cuda;

import java.util.Optional;
import org.bytedeco.cuda.global.cublas;
import org.bytedeco.cuda.global.cudart;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.BackendProvider;
import org.mohawk4j.backend.DeviceModel;
import org.mohawk4j.backend.cuda.compile.KernelCompiler;
import org.mohawk4j.backend.cuda.driver.CudaDevice;
import org.mohawk4j.backend.cuda.driver.CudaException;
import org.mohawk4j.backend.cuda.driver.CudaStatus;

/** Offers NVIDIA GPUs from compute capability 8.0 on, where CUDA 13 and its driver are installed. */
public final class CudaBackendProvider implements BackendProvider {
    static final String NAME = "cuda";

    /** What could not be loaded: Java tries once, and says less about it afterwards. */
    private static volatile @Nullable String notLoaded;

    private static final int RANK = 20;
    private static final int LEAST_MAJOR = 8;
    private static final int LEAST_DRIVER = 13_000;

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Availability availability() {
        return availability(BackendOptions.defaults());
    }

    @Override
    public Availability availability(BackendOptions options) {
        try {
            int[] driver = new int[1];
            CudaStatus.driver(cudart.cuDriverGetVersion(driver), "asking for the driver's version");
            // asked first: what an older driver makes of the other questions says less
            Optional<String> missingHere = tooOld(driver[0]).or(() -> missing(options.device()));
            return missingHere.map(Availability::no).orElseGet(() -> found(CudaDevice.of(options.device())));
        } catch (CudaException e) {
            return Availability.no(firstLine(e));
        } catch (LinkageError e) {
            if (notLoaded == null) {
                notLoaded = "expected the libraries of CUDA 13 (libcuda, libnvrtc, libcublasLt), found " + firstLine(e);
            }
            return Availability.no(notLoaded);
        }
    }

    static Optional<String> tooOld(int driver) {
        return driver >= LEAST_DRIVER
                ? Optional.empty()
                : Optional.of("expected a driver for CUDA " + version(LEAST_DRIVER) + " or newer, found "
                        + (driver == 0 ? "none" : "one for CUDA " + version(driver)));
    }

    private static Optional<String> missing(int index) {
        int count = CudaDevice.count();
        return noSuchDevice(index, count).or(() -> tooSmall(CudaDevice.of(index)));
    }

    static Optional<String> noSuchDevice(int index, int count) {
        if (count == 0) {
            return Optional.of("CUDA's driver finds no GPU");
        }
        return index < count
                ? Optional.empty()
                : Optional.of("expected a device from 0 to " + (count - 1) + ", found device " + index);
    }

    static Optional<String> tooSmall(CudaDevice device) {
        return device.major() >= LEAST_MAJOR
                ? Optional.empty()
                : Optional.of("expected compute capability " + LEAST_MAJOR + ".0 or higher, found " + device.name()
                        + " with " + device.major() + "." + device.minor());
    }

    /** Loads the other two libraries, so that a missing one is heard of here and not from a backend half open. */
    private static Availability found(CudaDevice device) {
        long blas = cublas.cublasLtGetVersion();
        return Availability.yes(
                RANK,
                device.name() + ", device " + device.index() + " of " + CudaDevice.count() + ", NVRTC "
                        + KernelCompiler.version() + ", cuBLASLt " + blas);
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
    public Optional<Backend> openDry(BackendOptions options, DeviceModel device) {
        return Optional.of(CudaBackend.dry(options, device));
    }

    @Override
    public Backend open(BackendOptions options) {
        return new CudaBackend(options);
    }
}
