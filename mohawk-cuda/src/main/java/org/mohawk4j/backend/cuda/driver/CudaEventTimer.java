package org.mohawk4j.backend.cuda.driver;

import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.global.cudart;
import org.mohawk4j.backend.EventTimer;

/** Marks are events on the stream. */
public final class CudaEventTimer implements EventTimer {
    private static final double MILLISECONDS = 1e3;

    private final CudaContext context;

    public CudaEventTimer(CudaContext context) {
        this.context = context;
    }

    @Override
    public Mark mark() {
        return new Event();
    }

    private final class Event implements Mark {
        private final CUevent_st event = new CUevent_st();

        Event() {
            context.use();
            CudaStatus.driver(cudart.cuEventCreate(event, cudart.CU_EVENT_DEFAULT), "making an event");
            CudaStatus.driver(cudart.cuEventRecord(event, context.stream()), "marking a time");
        }

        @Override
        public double secondsSince(Mark earlier) {
            if (!(earlier instanceof Event start)) {
                throw new IllegalArgumentException("a mark of another backend");
            }
            context.use();
            float[] milliseconds = new float[1];
            CudaStatus.driver(cudart.cuEventSynchronize(event), "waiting for a mark");
            CudaStatus.driver(cudart.cuEventElapsedTime(milliseconds, start.event, event), "reading the time");
            return milliseconds[0] / MILLISECONDS;
        }

        @Override
        public void close() {
            context.use();
            CudaStatus.driver(cudart.cuEventDestroy(event), "closing an event");
        }
    }
}
