package org.mohawk4j.backend.cuda.driver;

import java.util.HexFormat;
import java.util.OptionalDouble;
import org.bytedeco.cuda.cudart.CUuuid;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.SizeTPointer;

/**
 * A GPU.
 *
 * @param index from 0
 * @param name the maker's
 * @param major of the compute capability
 * @param minor of the compute capability
 * @param multiprocessors how many
 * @param kilohertz their highest clock
 * @param sharedBytes the most shared memory that a block can have
 */
public record CudaDevice(
        int index, String name, int major, int minor, int multiprocessors, int kilohertz, int sharedBytes) {
    /** The architecture whose tensor cores work for whole warpgroups, by instructions that no later one has. */
    private static final int HOPPER = 9;

    private static final int NAME_LENGTH = 256;
    private static final int UUID_BYTES = 16;

    public static int count() {
        start();
        int[] count = new int[1];
        CudaStatus.driver(cudart.cuDeviceGetCount(count), "counting GPUs");
        return count[0];
    }

    /** Once or again: the driver answers nothing else before. */
    private static void start() {
        CudaStatus.driver(cudart.cuInit(0), "starting CUDA's driver");
    }

    public static CudaDevice of(int index) {
        start();
        byte[] name = new byte[NAME_LENGTH];
        CudaStatus.driver(cudart.cuDeviceGetName(name, name.length, index), "reading the name of GPU " + index);
        int length = 0;
        while (length < name.length && name[length] != 0) {
            length++;
        }
        return new CudaDevice(
                index,
                new String(name, 0, length, java.nio.charset.StandardCharsets.UTF_8),
                attribute(index, cudart.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR),
                attribute(index, cudart.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR),
                attribute(index, cudart.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT),
                attribute(index, cudart.CU_DEVICE_ATTRIBUTE_CLOCK_RATE),
                attribute(index, cudart.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN));
    }

    /**
     * The most operations a second of dense products at the highest clock, a multiplication and an addition being two;
     * empty for architectures that are not listed. Operations per cycle and multiprocessor follow from NVIDIA's
     * whitepapers on each architecture, and for 8.6, 8.9 and 12.0 from data sheets, without sparsity: A10 125 TFLOP/s in
     * bfloat16 (72 multiprocessors at 1,695 MHz), A40 149.7 (84 at 1,740 MHz), L4 121 (58 at 2,040 MHz), L40S 362 (142 at
     * 2,520 MHz), which is 1024 a cycle. GeForce cards of the same architectures do half of it with float32 sums: RTX 3090
     * 71, RTX 4090 165, RTX 5090 210 (appendices of the whitepapers on GA102, Ada and RTX Blackwell).
     *
     * @param bfloat16 on tensor cores in bfloat16 with float32 sums; otherwise in float32
     */
    public OptionalDouble peakFlops(boolean bfloat16) {
        int perCycle = switch (10 * major + minor) {
            case 80 -> bfloat16 ? 2048 : 128;
            case 86, 89, 120 -> bfloat16 ? (name.contains("GeForce") ? 512 : 1024) : 256;
            case 90 -> bfloat16 ? 4096 : 256;
            case 100 -> bfloat16 ? 8192 : 256;
            default -> 0;
        };
        return perCycle == 0 ? OptionalDouble.empty() : OptionalDouble.of(1e3 * kilohertz * multiprocessors * perCycle);
    }

    /** As NVRTC names it; with the instructions that only this architecture has, where the sources use such. */
    public String architecture() {
        return "sm_" + major + minor + (hasWarpgroupProducts() ? "a" : "");
    }

    /** Whether it has {@code wgmma}. */
    public boolean hasWarpgroupProducts() {
        return major == HOPPER;
    }

    /** As NVIDIA's tools write it: no other GPU has the same. */
    public String uuid() {
        try (CUuuid uuid = new CUuuid()) {
            CudaStatus.driver(cudart.cuDeviceGetUuid(uuid, index), () -> "asking for the UUID of " + name);
            StringBuilder text = new StringBuilder("GPU-");
            for (int i = 0; i < UUID_BYTES; i++) {
                text.append(i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "")
                        .append(HexFormat.of().toHexDigits(uuid.bytes(i)));
            }
            return text.toString();
        }
    }

    /** All of its memory, used by any process or free. */
    public long memoryBytes() {
        try (SizeTPointer bytes = new SizeTPointer(1)) {
            CudaStatus.driver(cudart.cuDeviceTotalMem(bytes, index), () -> "asking for the memory of " + name);
            return bytes.get();
        }
    }

    private static int attribute(int index, int attribute) {
        int[] value = new int[1];
        CudaStatus.driver(
                cudart.cuDeviceGetAttribute(value, attribute, index),
                () -> "reading attribute " + attribute + " of GPU " + index);
        return value[0];
    }
}
