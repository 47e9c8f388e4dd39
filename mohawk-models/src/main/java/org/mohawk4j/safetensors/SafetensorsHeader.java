package org.mohawk4j.safetensors;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.util.ByteBufferBackedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.AbstractList;
import java.util.List;
import java.util.Map;
import java.util.RandomAccess;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.InputFile;

/**
 * The head of a safetensors file: its length as eight little-endian bytes, then JSON. What is accepted is what the
 * reference implementation accepts ({@code SafeTensors::read_metadata} in {@code safetensors/src/tensor.rs} of
 * huggingface/safetensors), without what only its JSON library lets through (names given twice, entries that are not
 * objects) and within limits that keep a hostile header from filling the memory.
 *
 * @param metadata the {@code __metadata__} entry, in its order; empty if there is none
 * @param names the names of the tensors in the order of their data
 * @param dataStart position in the file of the data section
 */
record SafetensorsHeader(Map<String, String> metadata, TensorTable tensors, List<String> names, long dataStart) {
    static final int MAX_BYTES = 100_000_000;

    /** Of one file, and of one index: far beyond any model, and little enough to be listed in a few seconds. */
    static final int MAX_TENSORS = 500_000;

    static final String METADATA = "__metadata__";

    private static final int LENGTH_BYTES = 8;
    private static final int MAX_NAME_CHARACTERS = 1 << 20;
    private static final int MAX_STRING_CHARACTERS = 1 << 24;
    private static final int MAX_NESTING = 127;

    /** Names are not canonicalized: a table of every name ever seen would grow with the header. */
    private static final JsonFactory JSON = JsonFactory.builder()
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxDocumentLength(MAX_BYTES)
                    .maxNameLength(MAX_NAME_CHARACTERS)
                    .maxStringLength(MAX_STRING_CHARACTERS)
                    .maxNestingDepth(MAX_NESTING)
                    .maxNumberLength(1000)
                    .build())
            .build();

    /**
     * Reads and checks the head of an open file, and that its tensors cover the rest of it.
     *
     * @throws InvalidInputException if anything is wrong with it
     * @throws IOException if the file cannot be read
     */
    static SafetensorsHeader read(Path file, FileChannel channel) throws IOException {
        long fileSize = channel.size();
        long length = length(file, channel, fileSize);
        long dataStart = LENGTH_BYTES + length;
        ByteBuffer json = channel.map(FileChannel.MapMode.READ_ONLY, LENGTH_BYTES, length);
        HeaderReader reader = read(file, json, fileSize - dataStart);
        TensorTable tensors = reader.tensors();
        int[] order = tensors.inDataOrder();
        requireContiguous(file, tensors, order, fileSize - dataStart);
        return new SafetensorsHeader(reader.metadata(), tensors, new Names(tensors, order), dataStart);
    }

    private static long length(Path file, FileChannel channel, long fileSize) throws IOException {
        if (fileSize < LENGTH_BYTES) {
            throw new InvalidInputException(file + ": not a safetensors file: expected 8 bytes of header length, found "
                    + fileSize + " bytes in all");
        }
        ByteBuffer prefix = ByteBuffer.allocate(LENGTH_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        while (prefix.hasRemaining()) {
            if (channel.read(prefix, prefix.position()) < 0) {
                throw new EOFException("it became shorter while it was read");
            }
        }
        long length = prefix.getLong(0);
        if (length < 0 || length > MAX_BYTES) {
            throw new InvalidInputException(file + ": not a safetensors file: expected a header of at most " + MAX_BYTES
                    + " bytes, found a length of " + Long.toUnsignedString(length));
        }
        if (length > fileSize - LENGTH_BYTES) {
            throw new InvalidInputException(file + ": truncated: the header should have " + length
                    + " bytes, the file has " + (fileSize - LENGTH_BYTES) + " after the header length");
        }
        return length;
    }

    private static HeaderReader read(Path file, ByteBuffer json, long dataLength) throws IOException {
        Reader text = new InputStreamReader(
                new ByteBufferBackedInputStream(json),
                StandardCharsets.UTF_8
                        .newDecoder()
                        .onMalformedInput(CodingErrorAction.REPORT)
                        .onUnmappableCharacter(CodingErrorAction.REPORT));
        try (JsonParser parser = JSON.createParser(text)) {
            HeaderReader reader = new HeaderReader(file, parser, dataLength);
            reader.read();
            return reader;
        } catch (CharacterCodingException e) {
            throw new InvalidInputException(file + ": the header is not UTF-8", e);
        } catch (JsonProcessingException e) {
            throw InputFile.notJson(file + ": the header", e);
        }
    }

    private static void requireContiguous(Path file, TensorTable tensors, int[] order, long dataLength) {
        long covered = 0;
        for (int index : order) {
            if (tensors.begin(index) != covered) {
                throw new InvalidInputException(file + ": tensor " + InputFile.quote(tensors.name(index))
                        + ": expected data_offsets from " + covered + ", where the tensor before it ends, found "
                        + tensors.begin(index));
            }
            covered = tensors.end(index);
        }
        if (covered != dataLength) {
            throw new InvalidInputException(file + (covered > dataLength ? ": truncated" : ": too long")
                    + ": its tensors need " + covered + " bytes after the header, the file has " + dataLength);
        }
    }

    /** The names, made when asked for. */
    private static final class Names extends AbstractList<String> implements RandomAccess {
        private final TensorTable tensors;
        private final int[] order;

        Names(TensorTable tensors, int[] order) {
            this.tensors = tensors;
            this.order = order;
        }

        @Override
        public String get(int index) {
            return tensors.name(order[index]);
        }

        @Override
        public int size() {
            return order.length;
        }
    }
}
