package org.mohawk4j.data;

/**
 * A batch of windows: ids [B, T], row by row, that a model reads, and the ids [B, T] that it should predict, each the
 * successor of the id at its place.
 */
public final class TokenBatch {
    private final String origin;
    private final int batch;
    private final int context;
    private final int[] inputs;
    private final int[] targets;

    /**
     * A batch of these arrays, which are not copied.
     *
     * @param origin where it comes from, for a log
     * @param batch B
     * @param context T
     * @param inputs ids [B · T] to read
     * @param targets ids [B · T] to predict
     */
    public TokenBatch(String origin, int batch, int context, int[] inputs, int[] targets) {
        this.origin = origin;
        this.batch = batch;
        this.context = context;
        this.inputs = inputs;
        this.targets = targets;
    }

    /** Where the batch comes from, for a log: the text and the windows of it. */
    public String origin() {
        return origin;
    }

    /** B, the number of windows. */
    public int batch() {
        return batch;
    }

    /** T, the tokens of a window that are read, and as many that are predicted. */
    public int context() {
        return context;
    }

    /** B · T, the tokens predicted. */
    public int tokens() {
        return inputs.length;
    }

    /** Ids [B · T] to read. Not copied: changing them changes the batch. */
    public int[] inputs() {
        return inputs;
    }

    /** Ids [B · T] to predict. Not copied: changing them changes the batch. */
    public int[] targets() {
        return targets;
    }
}
