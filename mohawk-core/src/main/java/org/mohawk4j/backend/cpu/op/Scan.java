package org.mohawk4j.backend.cpu.op;

import org.mohawk4j.backend.cpu.Cpu;
import org.mohawk4j.backend.cpu.Lane;
import org.mohawk4j.backend.cpu.Lane.Matrix;
import org.mohawk4j.backend.cpu.Lane.Sizes;
import org.mohawk4j.backend.cpu.Raw;

/**
 * The semiseparable product of one head of one sequence, chunk by chunk, in the letters of
 * {@link org.mohawk4j.op.SemiseparableFunction}, and its gradient. With s the running sum of the log-decay within a chunk
 * and S the state before it,
 *
 * <pre>
 * y_t = sum over r ≤ t of exp(s_t - s_r) (c_t·b_r) x_r + exp(s_t) S c_t
 * S'  = exp(s_Q) S + sum over r of exp(s_Q - s_r) x_r b_rᵀ
 * </pre>
 *
 * What lies along time may be part of wider rows. The backward pass computes a chunk's matrix again.
 *
 * @param width P
 * @param states N
 * @param chunk Q
 */
record Scan(long time, int width, int states, int chunk) {
    /** Of a chunk: the running sums in it, whose differences count, lose digits with its length. */
    private static final int LONGEST = 128;

    static Scan of(long time, long width, long states, int chunk) {
        return new Scan(
                time, Math.toIntExact(width), Math.toIntExact(states), (int) Math.min(time, Math.min(chunk, LONGEST)));
    }

    /** Rows of a head along time; {@code decay} has one number in each. */
    record Inputs(Matrix x, Matrix b, Matrix c, Matrix decay) {}

    /** Where gradients go. That by x is added to what is there, those by b and c are if {@code adding}. */
    record Gradients(Matrix x, Matrix b, Matrix c, Matrix decay, boolean adding) {}

    int chunks() {
        return Cpu.blocks(time, chunk);
    }

    long stateSize() {
        return (long) width * states;
    }

    /**
     * @param y its rows
     * @param state [P,N], the one before the first position and then the one after the last
     * @param before [T/Q,P,N], receives the state before each chunk; 0: not wanted
     */
    void forward(Lane lane, Inputs in, Matrix y, long state, long before) {
        Chunk now = new Chunk(lane);
        for (int i = 0; i < chunks(); i++) {
            if (before != 0) {
                Raw.copy(Cpu.plus(before, i * stateSize()), state, stateSize());
            }
            now.move(in, i);
            now.matrix();
            now.forward(y.from(now.from, 0), state);
        }
    }

    /**
     * @param g rows of the gradient by y
     * @param before what {@link #forward} filled
     * @param ofState [P,N], the gradient by the state after the last position and then by the one before the first
     */
    void backward(Lane lane, Inputs in, Matrix g, long before, long ofState, Gradients out) {
        Chunk now = new Chunk(lane);
        Backward pass = new Backward(lane);
        for (int i = chunks() - 1; i >= 0; i--) {
            now.move(in, i);
            pass.run(now, g.from(now.from, 0), Cpu.plus(before, i * stateSize()), ofState, out);
        }
    }

    /** One chunk's numbers. */
    private final class Chunk {
        private final Lane lane;
        private final long sums;
        private final long products;
        private final long decays;
        private final long spare;
        private long from;
        private int q;
        private Inputs in = new Inputs(NOTHING, NOTHING, NOTHING, NOTHING);

        Chunk(Lane lane) {
            this.lane = lane;
            this.sums = lane.scratch().take(chunk);
            this.products = lane.scratch().take((long) chunk * chunk);
            this.decays = lane.scratch().take((long) chunk * chunk);
            this.spare = lane.scratch().take((long) chunk * Math.max(width, states));
        }

        void move(Inputs whole, int index) {
            from = (long) index * chunk;
            q = (int) Math.min(chunk, time - from);
            in = new Inputs(
                    whole.x.from(from, 0), whole.b.from(from, 0), whole.c.from(from, 0), whole.decay.from(from, 0));
            double sum = 0;
            for (int i = 0; i < q; i++) {
                sum += Raw.get(in.decay.from(i, 0).address());
                Raw.put(Cpu.plus(sums, i), (float) sum);
            }
        }

        float sum(int i) {
            return Raw.get(Cpu.plus(sums, i));
        }

        /** What is left of position i at the chunk's end. */
        float toEnd(int i) {
            return (float) Math.exp(sum(q - 1) - sum(i));
        }

        float kept() {
            return (float) Math.exp(sum(q - 1));
        }

        long productRow(int i) {
            return Cpu.plus(products, (long) i * q);
        }

        long decayRow(int i) {
            return Cpu.plus(decays, (long) i * q);
        }

        /** {@code L ∘ (C Bᵀ)} and L. */
        void matrix() {
            lane.gemm(new Sizes(q, q, states), 1, in.c, in.b.transpose(), 0, new Matrix(products, q));
            for (int i = 0; i < q; i++) {
                long row = productRow(i);
                lane.rows().exp(decayRow(i), -1, sum(i), sums, i + 1);
                lane.rows().multiply(row, row, decayRow(i), i + 1);
                Raw.zero(Cpu.plus(row, i + 1), q - i - 1);
            }
        }

        void forward(Matrix y, long state) {
            lane.gemm(new Sizes(q, width, q), 1, new Matrix(products, q), in.x, 0, y);
            for (int i = 0; i < q; i++) {
                row(i, in.c, (float) Math.exp(sum(i)), states);
            }
            Matrix scaled = new Matrix(spare, states);
            lane.gemm(new Sizes(q, width, states), 1, scaled, new Matrix(state, states, true), 1, y);
            weighted();
            lane.gemm(
                    new Sizes(width, states, q),
                    1,
                    new Matrix(spare, width, true),
                    in.b,
                    kept(),
                    new Matrix(state, states));
        }

        /** The positions' x, weighed by what is left of them at the end, in the spare rows. */
        void weighted() {
            for (int i = 0; i < q; i++) {
                row(i, in.x, toEnd(i), width);
            }
        }

        private void row(int i, Matrix source, float factor, int n) {
            lane.rows()
                    .affine(
                            Cpu.plus(spare, (long) i * n),
                            factor,
                            0,
                            source.from(i, 0).address(),
                            n);
        }
    }

    private static final Matrix NOTHING = new Matrix(0, 0);

    private final class Backward {
        private final Lane lane;
        private final long ofSums;
        private final long ofMatrix;
        private final long upstream;
        private final long byState;

        Backward(Lane lane) {
            this.lane = lane;
            this.ofSums = lane.scratch().take(chunk);
            this.ofMatrix = lane.scratch().take((long) chunk * chunk);
            this.upstream = lane.scratch().take((long) chunk * width);
            this.byState = lane.scratch().take((long) chunk * Math.max(width, states));
        }

        void run(Chunk now, Matrix g, long before, long ofState, Gradients whole) {
            Gradients out = new Gradients(
                    whole.x.from(now.from, 0),
                    whole.b.from(now.from, 0),
                    whole.c.from(now.from, 0),
                    whole.decay.from(now.from, 0),
                    whole.adding);
            Raw.zero(ofSums, now.q);
            now.matrix();
            within(now, g, out);
            ofNewState(now, before, ofState, out);
            ofOldState(now, g, before, ofState, out);
            float sum = 0;
            for (int i = now.q - 1; i >= 0; i--) {
                sum += Raw.get(Cpu.plus(ofSums, i));
                Raw.put(out.decay.from(i, 0).address(), sum);
            }
        }

        private void addToSum(int i, float value) {
            long place = Cpu.plus(ofSums, i);
            Raw.put(place, Raw.get(place) + value);
        }

        /** Through the dense block on the diagonal. */
        private void within(Chunk now, Matrix g, Gradients out) {
            int q = now.q;
            Matrix matrix = new Matrix(now.products, q);
            lane.gemm(new Sizes(q, width, q), 1, matrix.transpose(), g, 1, out.x);
            lane.gemm(new Sizes(q, q, width), 1, g, now.in.x.transpose(), 0, new Matrix(ofMatrix, q));
            for (int i = 0; i < q; i++) {
                long row = Cpu.plus(ofMatrix, (long) i * q);
                // s_t is in row t with a plus and in column t with a minus
                long byExponent = now.productRow(i);
                lane.rows().multiply(byExponent, byExponent, row, i + 1);
                lane.rows().subtract(ofSums, ofSums, byExponent, i + 1);
                addToSum(i, lane.rows().sum(byExponent, i + 1));
                lane.rows().multiply(row, row, now.decayRow(i), i + 1);
                Raw.zero(Cpu.plus(row, i + 1), q - i - 1);
            }
            float kept = out.adding ? 1 : 0;
            Matrix ofProducts = new Matrix(ofMatrix, q);
            lane.gemm(new Sizes(q, states, q), 1, ofProducts, now.in.b, kept, out.c);
            lane.gemm(new Sizes(q, states, q), 1, ofProducts.transpose(), now.in.c, kept, out.b);
        }

        /** Through what the positions add to the state after the chunk. */
        private void ofNewState(Chunk now, long before, long ofState, Gradients out) {
            int q = now.q;
            Matrix ofAfter = new Matrix(ofState, states);
            lane.gemm(new Sizes(q, width, states), 1, now.in.b, ofAfter.transpose(), 0, new Matrix(byState, width));
            float total = now.kept() * lane.rows().dot(ofState, before, Math.toIntExact(stateSize()));
            for (int i = 0; i < q; i++) {
                long row = Cpu.plus(byState, (long) i * width);
                float left = now.toEnd(i);
                float share = left * lane.rows().dot(row, now.in.x.from(i, 0).address(), width);
                addToSum(i, -share);
                total += share;
                lane.rows().addScaled(out.x.from(i, 0).address(), left, row, width);
            }
            addToSum(q - 1, total);
            now.weighted();
            lane.gemm(new Sizes(q, states, width), 1, new Matrix(now.spare, width), ofAfter, 1, out.b);
        }

        /** Through what each position reads from the state before the chunk. */
        private void ofOldState(Chunk now, Matrix g, long before, long ofState, Gradients out) {
            int q = now.q;
            for (int i = 0; i < q; i++) {
                long row = Cpu.plus(upstream, (long) i * width);
                lane.rows()
                        .affine(
                                row,
                                (float) Math.exp(now.sum(i)),
                                0,
                                g.from(i, 0).address(),
                                width);
            }
            Matrix scaled = new Matrix(upstream, width);
            lane.gemm(
                    new Sizes(q, states, width), 1, scaled, new Matrix(before, states), 0, new Matrix(byState, states));
            for (int i = 0; i < q; i++) {
                long row = Cpu.plus(byState, (long) i * states);
                addToSum(i, lane.rows().dot(row, now.in.c.from(i, 0).address(), states));
                long target = out.c.from(i, 0).address();
                lane.rows().add(target, target, row, states);
            }
            lane.gemm(
                    new Sizes(width, states, q),
                    1,
                    scaled.transpose(),
                    now.in.c,
                    now.kept(),
                    new Matrix(ofState, states));
        }
    }
}
