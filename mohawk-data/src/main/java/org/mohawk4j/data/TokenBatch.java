package org.mohawk4j.data;

/**
 * A batch of windows: ids [B, T], row by row, that a model reads, and the ids [B, T] that it should predict, each the
 * successor of the id at its place. The arrays are not copied.
 *
 * @param origin where it comes from, for a log: the text and the windows of it
 * @param batch B, the number of windows
 * @param context T, the tokens of a window that are read, and as many that are predicted
 * @param inputs ids [B · T] to read
 * @param targets ids [B · T] to predict
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record TokenBatch(String origin, int batch, int context, int[] inputs, int[] targets) {
    /** B · T, the tokens predicted. */
    public int tokens() {
        return inputs.length;
    }
}
