package org.mohawk4j.backend.cuda.nccl;

import java.util.function.Supplier;
import org.bytedeco.cuda.global.nccl;
import org.bytedeco.cuda.nccl.ncclComm;
import org.bytedeco.javacpp.BytePointer;
import org.mohawk4j.backend.cuda.driver.CudaException;

/** Turns NCCL's results into exceptions of one line. */
final class NcclStatus {
    private NcclStatus() {}

    static void require(int result, String what) {
        require(result, () -> what);
    }

    /** @param what the call, for the message */
    static void require(int result, Supplier<String> what) {
        if (result != nccl.ncclSuccess) {
            throw new CudaException(what.get() + ": NCCL says " + text(nccl.ncclGetErrorString(result)) + detail());
        }
    }

    /** What NCCL knows of the last error of this thread, whatever its communicator. */
    private static String detail() {
        String last = text(nccl.ncclGetLastError((ncclComm) null));
        return last.isBlank() ? "" : " (" + last + ")";
    }

    private static String text(BytePointer message) {
        return message == null || message.isNull()
                ? ""
                : message.getString().lines().map(String::strip).reduce("", (a, b) -> a.isEmpty() ? b : a + " " + b);
    }
}
