package org.mohawk4j.backend.cuda.compile;

import org.bytedeco.cuda.cudart.CUlaunchAttribute;
import org.bytedeco.cuda.cudart.CUlaunchConfig;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.PointerPointer;
import org.mohawk4j.backend.cuda.driver.CloseStack;
import org.mohawk4j.backend.cuda.driver.CudaContext;

/** How a launch is described to the driver, filled again for each. Needs the driver's library. */
final class LaunchStructures implements AutoCloseable {
    private final PointerPointer<?> noExtra = new PointerPointer<>();
    /** That a launch overlaps with the one before, and that its blocks cooperate. */
    private final CUlaunchAttribute both = new CUlaunchAttribute(2);

    private final CUlaunchAttribute cooperation = both.getPointer(1);
    private final CUlaunchConfig launch = new CUlaunchConfig();

    LaunchStructures(CudaContext context) {
        both.id(cudart.CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION);
        both.value().programmaticStreamSerializationAllowed(1);
        cooperation.id(cudart.CU_LAUNCH_ATTRIBUTE_COOPERATIVE);
        cooperation.value().cooperative(1);
        launch.blockDimY(1).blockDimZ(1).hStream(context.stream());
    }

    /** One launch; valid until the next. */
    CUlaunchConfig of(
            long gridX, long gridY, int gridZ, int threads, int sharedBytes, boolean overlaps, boolean cooperates) {
        return launch.attrs(overlaps ? both : cooperation)
                .gridDimX(Math.toIntExact(gridX))
                .gridDimY(Math.toIntExact(gridY))
                .gridDimZ(gridZ)
                .blockDimX(threads)
                .sharedMemBytes(sharedBytes)
                .numAttrs((overlaps ? 1 : 0) + (cooperates ? 1 : 0));
    }

    /** Of options that launches have none of. */
    PointerPointer<?> noExtra() {
        return noExtra;
    }

    @Override
    public void close() {
        CloseStack closing = new CloseStack();
        closing.add(both::close);
        closing.add(launch::close);
        closing.close();
    }
}
