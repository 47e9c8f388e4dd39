package org.mohawk4j.backend.cuda.nccl;

import java.util.Map;
import java.util.Optional;
import org.bytedeco.cuda.global.nccl;
import org.bytedeco.cuda.nccl.ncclComm;
import org.bytedeco.cuda.nccl.ncclUniqueId;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.backend.Collectives;
import org.mohawk4j.backend.Communicator;
import org.mohawk4j.backend.cuda.driver.CudaContext;
import org.mohawk4j.backend.cuda.driver.CudaException;

/**
 * Groups of GPUs, one for each rank, in one process or in many. NCCL is the machine's ({@code libnccl.so.2}) and is loaded
 * with the first group. NVLink multicast stays off unless the environment says otherwise: groups of more than two ranks
 * need {@code NCCL_NVLS_ENABLE} in it, which {@code ./mohawk} sets to 0, since a process cannot change what NCCL reads.
 * Ranks in one process need {@code NCCL_P2P_DIRECT_DISABLE=1}, since memory of CUDA's pools is the own device's alone.
 */
public final class NcclCollectives implements Collectives {
    static final String MULTICAST = "NCCL_NVLS_ENABLE";

    /** Lets ranks share a GPU, since NCCL 2.30. */
    private static final String MULTI_RANK = "NCCL_MULTI_RANK_GPU_ENABLE";

    /** NCCL does not use multicast for fewer. */
    private static final int LEAST_MULTICAST = 3;

    /** What could not be loaded: Java tries once, and says less about it afterwards. */
    private static volatile @Nullable String notLoaded;

    private final CudaContext context;

    public NcclCollectives(CudaContext context) {
        this.context = context;
    }

    /** A call of NCCL, which loads it. */
    @FunctionalInterface
    private interface Call<T> {
        T run();
    }

    private static <T> T loaded(Call<T> call) {
        try {
            return call.run();
        } catch (LinkageError e) {
            if (notLoaded == null) {
                notLoaded = "expected NCCL 2 (libnccl.so.2) for several GPUs, found " + firstLine(e);
            }
            throw new CudaException(String.valueOf(notLoaded));
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

    @Override
    public byte[] newGroup() {
        return loaded(() -> {
            try (ncclUniqueId id = new ncclUniqueId()) {
                NcclStatus.require(nccl.ncclGetUniqueId(id), "making a group of GPUs");
                byte[] bytes = new byte[Math.toIntExact(id.sizeof())];
                id.internal().capacity(bytes.length).get(bytes);
                return bytes;
            }
        });
    }

    @Override
    public Communicator join(byte[] group, int rank, int size) {
        requireMulticastIsDecided(size, System.getenv()).ifPresent(problem -> {
            throw new CudaException(problem);
        });
        return loaded(() -> {
            context.use();
            ncclComm comm = new ncclComm();
            try (ncclUniqueId id = new ncclUniqueId()) {
                if (group.length != id.sizeof()) {
                    throw new IllegalArgumentException(
                            "a group of NCCL has " + id.sizeof() + " bytes, got " + group.length);
                }
                id.internal().capacity(group.length).put(group);
                NcclStatus.require(
                        nccl.ncclCommInitRank(comm, size, id, rank),
                        () -> "joining " + size + " GPUs as rank " + rank + " with "
                                + context.device().name() + ", device "
                                + context.device().index());
            }
            return new NcclCommunicator(context, comm, rank, size);
        });
    }

    /** If the environment asks for it; NCCL before 2.30 refuses to join nevertheless. */
    @Override
    public boolean sharesDevices() {
        return "1".equals(System.getenv(MULTI_RANK));
    }

    /** Why a group cannot be joined; empty if it can. */
    static Optional<String> requireMulticastIsDecided(int size, Map<String, String> environment) {
        return size < LEAST_MULTICAST || environment.containsKey(MULTICAST)
                ? Optional.empty()
                : Optional.of(MULTICAST + ": expected 0, or 1 to use NVLink multicast, in the environment of " + size
                        + " ranks, found nothing");
    }
}
