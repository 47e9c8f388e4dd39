package org.mohawk4j.backend.nd4j;

import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.nd4j.array.Nd4jArray;
import org.mohawk4j.backend.nd4j.array.Nd4jScratch;
import org.mohawk4j.op.SemiseparableFunction.FusedSemiseparable.Gradients;
import org.mohawk4j.tensor.types.Shape;
import org.nd4j.linalg.api.ndarray.INDArray;

/** One backward pass of {@link Nd4jSemiseparable}, whose letters it uses; {@code of…} is the gradient by something. */
final class Nd4jSemiseparableGradient {
    private final Nd4jScratch work;
    private final Nd4jChunks sizes;
    private final Nd4jArray x;
    private final Nd4jArray b;
    private final Nd4jArray c;
    private final Nd4jArray sums;
    private final INDArray decay;
    private final INDArray matrix;
    private final INDArray fromState;
    private final Nd4jArray before;
    private final INDArray ofX;
    private final INDArray ofB;
    private final INDArray ofC;
    private final INDArray ofSums;

    /** @param saved what the forward pass saved, in its order */
    Nd4jSemiseparableGradient(Nd4jScratch work, Nd4jChunks sizes, List<Nd4jArray> saved) {
        this.work = work;
        this.sizes = sizes;
        x = saved.get(0);
        b = saved.get(1);
        c = saved.get(2);
        sums = saved.get(3);
        decay = saved.get(4).values();
        matrix = saved.get(5).values();
        fromState = saved.get(6).values();
        before = saved.get(7);
        ofX = work.take(x.shape().toArray());
        ofB = work.take(b.shape().toArray());
        ofC = work.take(c.shape().toArray());
        ofSums = work.take(sizes.maps(), sizes.q());
    }

    Gradients run(Array yGradient, Array stateGradient, boolean stateGiven) {
        INDArray ofY = sizes.split(work, yGradient, false).values();
        withinChunks(ofY);
        Nd4jArray ofBefore = fromStates(ofY);
        Nd4jArray ofFirst = stateGiven ? work.result(sizes.state()) : work.taken(sizes.state());
        throughStates(ofBefore, stateGradient, ofFirst);
        Nd4jArray ofLogDecay = sizes.logDecayGradient(work, ofSums);
        return new Gradients(
                sizes.join(work, ofX, sizes.width(), sizes.heads()),
                sizes.join(work, ofB, sizes.n(), sizes.groups()),
                sizes.join(work, ofC, sizes.n(), sizes.groups()),
                ofLogDecay,
                stateGiven ? Optional.of(ofFirst) : Optional.empty());
    }

    /** Through the dense blocks on the diagonal. */
    private void withinChunks(INDArray ofY) {
        long maps = sizes.maps();
        long q = sizes.q();
        INDArray ofMatrix = work.take(maps, q, q);
        Nd4jScratch.matmul(ofX, matrix, true, ofY, false);
        Nd4jScratch.matmul(ofMatrix, ofY, false, x.values(), true);
        INDArray byExponent = work.take(maps, q, q);
        Nd4jScratch.multiply(byExponent, ofMatrix, matrix);
        Nd4jScratch.multiply(ofMatrix, ofMatrix, decay);
        Nd4jScratch.matmul(ofC, ofMatrix, false, b.values(), false);
        Nd4jScratch.matmul(ofB, ofMatrix, true, c.values(), false);
        // s_t stands in row t with a plus and in column t with a minus
        INDArray columns = work.take(maps, q);
        INDArray ones = work.ones(maps, q, 1);
        work.rowSums(
                ofSums.reshape('c', new long[] {maps * q, 1}), byExponent.reshape('c', new long[] {maps * q, q}), 1);
        Nd4jScratch.matmul(columns.reshape('c', new long[] {maps, q, 1}), byExponent, true, ones, false);
        ofSums.subi(columns);
    }

    /** Through what each position reads from the state before its chunk; gives the gradient by those states. */
    private Nd4jArray fromStates(INDArray ofY) {
        long maps = sizes.maps();
        long q = sizes.q();
        INDArray product = work.take(maps, q, sizes.width());
        Nd4jScratch.multiply(product, ofY, fromState);
        addRowSums(product);
        INDArray reach = work.take(maps, q, 1);
        Nd4jScratch.exp(reach, sums.shaped(maps, q, 1));
        Nd4jScratch.multiply(product, ofY, reach);
        INDArray more = work.take(c.shape().toArray());
        Nd4jScratch.matmul(more, product, false, before.values(), false);
        ofC.addi(more);
        Nd4jArray ofBefore = work.taken(sizes.states());
        Nd4jScratch.matmul(ofBefore.values(), product, true, c.values(), false);
        return ofBefore;
    }

    /** Back along the recurrence, to the state before the first chunk. */
    private void throughStates(Nd4jArray ofBefore, Array stateGradient, Nd4jArray ofFirst) {
        long maps = sizes.maps();
        long q = sizes.q();
        Nd4jArray kept = work.taken(Shape.of(maps, 1, 1));
        sizes.lastOf(sums, kept.shaped(maps, 1));
        INDArray toEnd = work.take(maps, q, 1);
        Nd4jScratch.subtract(toEnd, kept.values(), sums.shaped(maps, q, 1));
        Nd4jScratch.exp(toEnd, toEnd);
        Nd4jScratch.exp(kept.values(), kept.values());

        Nd4jArray ofAfter = work.taken(sizes.states());
        INDArray current = ofFirst.shaped(sizes.lanes(), sizes.width(), sizes.n());
        current.assign(Nd4jArray.shaped(stateGradient, sizes.lanes(), sizes.width(), sizes.n()));
        for (long i = sizes.chunks() - 1; i >= 0; i--) {
            sizes.stateOf(ofAfter, i).assign(current);
            Nd4jScratch.multiply(current, current, sizes.scalarOf(kept, i));
            current.addi(sizes.stateOf(ofBefore, i));
        }

        INDArray product = work.take(maps, q, sizes.width());
        Nd4jScratch.matmul(product, b.values(), false, ofAfter.values(), true);
        Nd4jScratch.multiply(product, product, toEnd);
        ofX.addi(product);
        Nd4jScratch.multiply(product, product, x.values());
        INDArray byEnd = work.take(maps * q, 1);
        work.rowSums(byEnd, product.reshape('c', new long[] {maps * q, sizes.width()}), 1);
        ofSums.subi(byEnd.reshape('c', new long[] {maps, q}));
        Nd4jScratch.multiply(product, x.values(), toEnd);
        INDArray more = work.take(b.shape().toArray());
        Nd4jScratch.matmul(more, product, false, ofAfter.values(), false);
        ofB.addi(more);
        addToLast(byEnd, ofAfter, kept);
    }

    /**
     * The whole sum of a chunk decays its state and everything it adds.
     *
     * @param byEnd [maps·Q,1]
     */
    private void addToLast(INDArray byEnd, Nd4jArray ofAfter, Nd4jArray kept) {
        long maps = sizes.maps();
        INDArray ofTotal = work.take(maps, 1);
        work.rowSums(ofTotal, byEnd.reshape('c', new long[] {maps, sizes.q()}), 1);
        INDArray product = work.take(maps, sizes.width() * sizes.n());
        Nd4jScratch.multiply(
                product,
                ofAfter.shaped(maps, sizes.width() * sizes.n()),
                before.shaped(maps, sizes.width() * sizes.n()));
        INDArray stateShare = work.take(maps, 1);
        work.rowSums(stateShare, product, 1);
        Nd4jScratch.multiply(stateShare, stateShare, kept.shaped(maps, 1));
        ofTotal.addi(stateShare);
        INDArray last = ofSums.getColumn(sizes.q() - 1, true);
        last.addi(ofTotal);
    }

    /** Adds the row sums of [maps,Q,P] to the gradient by the running sums. */
    private void addRowSums(INDArray product) {
        INDArray rows = work.take(sizes.maps() * sizes.q(), 1);
        work.rowSums(rows, product.reshape('c', new long[] {sizes.maps() * sizes.q(), sizes.width()}), 1);
        ofSums.addi(rows.reshape('c', new long[] {sizes.maps(), sizes.q()}));
    }
}
