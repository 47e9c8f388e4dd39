package org.mohawk4j.backend.cuda.memory;

import java.util.List;
import org.bytedeco.cuda.cudart.CUgraphExec_st;
import org.bytedeco.cuda.cudart.CUgraph_st;
import org.bytedeco.cuda.global.cudart;
import org.mohawk4j.backend.GraphCapture;
import org.mohawk4j.backend.cuda.driver.CloseStack;
import org.mohawk4j.backend.cuda.driver.CudaContext;
import org.mohawk4j.backend.cuda.driver.CudaStatus;

/**
 * Recordings are CUDA graphs of what was queued on the stream. What the work makes lives until the recording is closed, and
 * so does what was there before and the work gives back: a replay reads it again.
 */
public final class CudaGraphCapture implements GraphCapture {
    private final CudaContext context;
    private final CudaPool pool;

    public CudaGraphCapture(CudaContext context, CudaPool pool) {
        this.context = context;
        this.pool = pool;
    }

    @Override
    public Recording record(Runnable work) {
        CUgraph_st graph = new CUgraph_st();
        CUgraphExec_st executable = new CUgraphExec_st();
        pool.startKeeping();
        try {
            capture(work, graph);
            CudaStatus.driver(cudart.cuGraphInstantiate(executable, graph, 0), "preparing a recording");
        } catch (RuntimeException | Error e) {
            CloseStack undone = new CloseStack();
            undone.add(() -> pool.freeKept(pool.stopKeeping()));
            undone.add(() -> destroy(graph));
            undone.closeAfter(e);
            throw e;
        }
        return new Graph(graph, executable, pool.stopKeeping());
    }

    private static void destroy(CUgraph_st graph) {
        if (!graph.isNull()) {
            CudaStatus.driver(cudart.cuGraphDestroy(graph), "closing a recording");
        }
    }

    /** Fills the graph with what the work queues; it stays empty if that fails. */
    private void capture(Runnable work, CUgraph_st graph) {
        // nothing that is still on its way may find its memory among what the recording takes
        context.synchronize("the work before a recording");
        CudaStatus.driver(
                cudart.cuStreamBeginCapture(context.stream(), cudart.CU_STREAM_CAPTURE_MODE_RELAXED),
                "starting a recording");
        boolean done = false;
        try {
            work.run();
            context.flush();
            done = true;
        } finally {
            // of work that failed nothing more is launched
            context.drop();
            int status = cudart.cuStreamEndCapture(context.stream(), graph);
            // the error of the work is the one to hear of
            if (done) {
                CudaStatus.driver(status, "ending a recording");
            }
        }
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
            CudaStatus.driver(cudart.cuGraphLaunch(executable, context.stream()), "replaying a recording");
        }

        @Override
        public void close() {
            CloseStack closing = new CloseStack();
            closing.add(() -> pool.freeKept(kept));
            closing.add(() -> destroy(graph));
            closing.add(() -> CudaStatus.driver(cudart.cuGraphExecDestroy(executable), "closing a recording"));
            closing.add(() -> context.synchronize("the last replay of a recording"));
            closing.close();
        }
    }
}
