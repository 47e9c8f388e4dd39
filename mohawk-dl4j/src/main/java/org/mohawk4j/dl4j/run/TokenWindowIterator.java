package org.mohawk4j.dl4j.run;

import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.InMemoryLoader;
import org.mohawk4j.data.TokenBatch;
import org.mohawk4j.data.TokenWindows;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.dataset.api.MultiDataSetPreProcessor;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Windows of a text for a DL4J network that predicts the next token: features [B,1,T], as an
 * {@code EmbeddingSequenceLayer} wants its ids, and labels [B,V,T], one-hot. An epoch has each window at most once, in an
 * order of its own; a remainder smaller than a batch waits for a later epoch.
 */
public final class TokenWindowIterator implements MultiDataSetIterator {
    private static final long serialVersionUID = 1L;

    private final transient InMemoryLoader batches;
    private final int perEpoch;
    private final int vocabulary;
    private int done;
    private @Nullable MultiDataSetPreProcessor preProcessor;

    /**
     * @param batch B
     * @param vocabulary V
     * @param seed of the order
     * @throws InvalidInputException if the text has fewer windows than a batch, or a token that is not in the vocabulary
     */
    public TokenWindowIterator(TokenWindows windows, int batch, int vocabulary, long seed) {
        if (windows.count() < batch) {
            throw new InvalidInputException("text " + windows.tokens().name() + ": expected at least " + batch
                    + " windows of context " + windows.context() + ", one batch, found " + windows.count());
        }
        windows.tokens().requireVocabulary(vocabulary);
        this.batches = new InMemoryLoader(windows, batch, seed);
        this.perEpoch = windows.count() / batch;
        this.vocabulary = vocabulary;
    }

    @Override
    public boolean hasNext() {
        return done < perEpoch;
    }

    @Override
    public org.nd4j.linalg.dataset.api.MultiDataSet next() {
        if (!hasNext()) {
            throw new NoSuchElementException("the epoch has " + perEpoch + " batches; reset() begins the next");
        }
        done++;
        TokenBatch batch = batches.next();
        int time = batch.context();
        int[] targets = batch.targets();
        float[] ids = new float[batch.tokens()];
        INDArray labels = Nd4j.zeros(DataType.FLOAT, batch.batch(), vocabulary, time);
        for (int i = 0; i < ids.length; i++) {
            ids[i] = batch.inputs()[i];
            labels.putScalar(i / time, targets[i], i % time, 1);
        }
        MultiDataSet data = new MultiDataSet(Nd4j.createFromArray(ids).reshape('c', batch.batch(), 1, time), labels);
        if (preProcessor != null) {
            preProcessor.preProcess(data);
        }
        return data;
    }

    /** Refused: the batch is fixed when the iterator is made. */
    @Override
    public org.nd4j.linalg.dataset.api.MultiDataSet next(int num) {
        throw new UnsupportedOperationException("the batch is fixed when the iterator is made");
    }

    /** Begins the next epoch. */
    @Override
    public void reset() {
        done = 0;
    }

    @Override
    public boolean resetSupported() {
        return true;
    }

    @Override
    public boolean asyncSupported() {
        return true;
    }

    @Override
    public void setPreProcessor(@Nullable MultiDataSetPreProcessor preProcessor) {
        this.preProcessor = preProcessor;
    }

    @Override
    public @Nullable MultiDataSetPreProcessor getPreProcessor() {
        return preProcessor;
    }
}
