package org.mohawk4j.backend.cuda;

import java.util.List;
import org.bytedeco.cuda.cudart.CUgraphExec_st;
import org.bytedeco.cuda.cudart.CUgraph_st;
import org.bytedeco.cuda.global.cudart;
import org.mohawk4j.backend.Recorder;

/** Recordings are CUDA graphs of what was queued on the stream. */
final class CudaRecorder implements Recorder {
    private final CudaContext context;
    private final CudaPool pool;

    CudaRecorder(CudaContext context, CudaPool pool) {
        this.context = context;
        this.pool = pool;
    }

    @Override
    public Recording record(Runnable work) {
        // nothing that is still on its way may find its memory among what the recording takes
        context.synchronize("the work before a recording");
        CUgraph_st graph = new CUgraph_st();
        boolean done = false;
        pool.startKeeping();
        Status.driver(
                cudart.cuStreamBeginCapture(context.stream(), cudart.CU_STREAM_CAPTURE_MODE_RELAXED),
                "starting a recording");
        List<CudaPool.Block> kept;
        try {
            work.run();
            done = true;
        } finally {
            int status = cudart.cuStreamEndCapture(context.stream(), graph);
            kept = pool.stopKeeping();
            if (!done) {
                // the error of the work is the one to hear of
                pool.freeKept(kept);
            } else {
                Status.driver(status, "ending a recording");
            }
        }
        CUgraphExec_st executable = new CUgraphExec_st();
        Status.driver(cudart.cuGraphInstantiate(executable, graph, 0), "preparing a recording");
        return new Graph(graph, executable, kept);
    }

    private final class Graph implements Recording {
        private final CUgraph_st graph;
        private final CUgraphExec_st executable;
        private final List<CudaPool.Block> kept;

        Graph(CUgraph_st graph, CUgraphExec_st executable, List<CudaPool.Block> kept) {
            this.graph = graph;
            this.executable = executable;
            this.kept = kept;
        }

        @Override
        public void replay() {
            Status.driver(cudart.cuGraphLaunch(executable, context.stream()), "replaying a recording");
        }

        @Override
        public void close() {
            context.synchronize("the last replay of a recording");
            Status.driver(cudart.cuGraphExecDestroy(executable), "closing a recording");
            Status.driver(cudart.cuGraphDestroy(graph), "closing a recording");
            pool.freeKept(kept);
        }
    }
}
