package org.mohawk4j.backend.cuda;

import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.global.cudart;
import org.mohawk4j.backend.Stopwatch;

/** Marks are events on the stream. */
final class CudaStopwatch implements Stopwatch {
    private static final double MILLISECONDS = 1e3;

    private final CudaContext context;

    CudaStopwatch(CudaContext context) {
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
            Status.driver(cudart.cuEventCreate(event, cudart.CU_EVENT_DEFAULT), "making an event");
            Status.driver(cudart.cuEventRecord(event, context.stream()), "marking a time");
        }

        @Override
        public double secondsSince(Mark earlier) {
            if (!(earlier instanceof Event start)) {
                throw new IllegalArgumentException("a mark of another backend");
            }
            context.use();
            float[] milliseconds = new float[1];
            Status.driver(cudart.cuEventSynchronize(event), "waiting for a mark");
            Status.driver(cudart.cuEventElapsedTime(milliseconds, start.event, event), "reading the time");
            return milliseconds[0] / MILLISECONDS;
        }

        @Override
        public void close() {
            context.use();
            Status.driver(cudart.cuEventDestroy(event), "closing an event");
        }
    }
}
