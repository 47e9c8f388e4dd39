package org.mohawk4j.backend.cpu;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Threads that share the tasks of one operation after the other. Which thread runs a task is left to chance, so a task's
 * result must not depend on it. Between operations threads wait actively for a moment, then sleep.
 */
public final class Workers implements AutoCloseable {
    private static final long SPIN_NANOS = 50_000;
    private static final int SPINS_BETWEEN_LOOKS = 64;

    /** A piece of an operation. */
    @FunctionalInterface
    public interface Task {
        void run(int index, Lane lane);
    }

    private final List<Lane> lanes = new ArrayList<>();
    private final List<Worker> workers = new ArrayList<>();
    private volatile Job job = new Job((index, lane) -> {}, 0);
    private volatile boolean running;
    private volatile boolean closed;

    /** @param rows what each thread computes rows with */
    public Workers(int threads, Supplier<Rows> rows) {
        for (int i = 0; i < threads; i++) {
            lanes.add(new Lane(rows.get()));
        }
        for (int i = 1; i < threads; i++) {
            Worker worker = new Worker(lanes.get(i), job);
            worker.setName("mohawk-cpu-" + i);
            worker.setDaemon(true);
            workers.add(worker);
            worker.start();
        }
    }

    public int threads() {
        return lanes.size();
    }

    /** Runs tasks 0 to {@code count - 1}, this thread among those that do; returns when all are done. */
    public void run(int count, Task task) {
        run(count, task, count > 1);
    }

    /** As {@link #run}, all of them by this thread. */
    public void runHere(int count, Task task) {
        run(count, task, false);
    }

    private void run(int count, Task task, boolean shared) {
        if (running) {
            // they would take the scratch memory of the lanes that run them
            throw new IllegalStateException("a task cannot run tasks");
        }
        running = true;
        try {
            if (shared && !workers.isEmpty()) {
                share(new Job(task, count));
                return;
            }
            Lane own = lanes.get(0);
            for (int i = 0; i < count; i++) {
                own.scratch().reset();
                task.run(i, own);
            }
        } finally {
            running = false;
        }
    }

    private void share(Job now) {
        job = now;
        int wanted = now.count - 1;
        for (int i = 0; i < workers.size() && i < wanted; i++) {
            workers.get(i).wake();
        }
        now.work(lanes.get(0));
        now.await();
    }

    /** The tasks of one operation. */
    private static final class Job {
        private final Task task;
        private final int count;
        private final AtomicInteger next = new AtomicInteger();
        private final AtomicInteger done = new AtomicInteger();
        private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

        Job(Task task, int count) {
            this.task = task;
            this.count = count;
        }

        void work(Lane lane) {
            for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
                try {
                    lane.scratch().reset();
                    task.run(i, lane);
                } catch (RuntimeException | Error e) {
                    failure.compareAndSet(null, e);
                } finally {
                    done.incrementAndGet();
                }
            }
        }

        // with more threads than cores, the one that works may need this one's core
        @SuppressWarnings("ThreadPriorityCheck")
        void await() {
            for (int spins = 0; done.get() < count; spins++) {
                if (spins < SPINS_BETWEEN_LOOKS * SPINS_BETWEEN_LOOKS) {
                    Thread.onSpinWait();
                } else {
                    Thread.yield();
                }
            }
            Throwable thrown = failure.get();
            if (thrown instanceof Error error) {
                throw error;
            }
            if (thrown instanceof RuntimeException exception) {
                throw exception;
            }
        }
    }

    private final class Worker extends Thread {
        private final Lane lane;
        private Job last;
        private volatile boolean sleeping;

        Worker(Lane lane, Job first) {
            this.lane = lane;
            this.last = first;
        }

        void wake() {
            if (sleeping) {
                LockSupport.unpark(this);
            }
        }

        @Override
        public void run() {
            while (!closed) {
                Job now = job;
                if (now == last) {
                    now = await();
                }
                last = now;
                now.work(lane);
            }
        }

        private Job await() {
            long start = System.nanoTime();
            while (job == last && !closed) {
                for (int i = 0; i < SPINS_BETWEEN_LOOKS && job == last; i++) {
                    Thread.onSpinWait();
                }
                if (System.nanoTime() - start > SPIN_NANOS) {
                    sleeping = true;
                    // looked at again after the announcement: a job that came before it woke nobody
                    while (job == last && !closed) {
                        LockSupport.park(this);
                    }
                    sleeping = false;
                }
            }
            return job;
        }
    }

    @Override
    public void close() {
        closed = true;
        for (Worker worker : workers) {
            LockSupport.unpark(worker);
        }
        for (Worker worker : workers) {
            join(worker);
        }
        lanes.forEach(Lane::close);
    }

    @SuppressWarnings("ThreadJoin") // what it suggests is a library that this one does without
    private static void join(Worker worker) {
        boolean interrupted = false;
        while (worker.isAlive()) {
            try {
                worker.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
