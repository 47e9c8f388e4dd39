package org.mohawk4j.safetensors;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.AtomicFile;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.tensor.types.HostSource;

/**
 * Writes one safetensors file, tensor by tensor, byte for byte as the reference implementation lays it out: by dtype,
 * the widest first, then by name; the header without spaces and padded with them to a multiple of eight bytes.
 *
 * <pre>{@code
 * try (SafetensorsWriter writer = SafetensorsWriter.create(file, specs, SafetensorsWriter.PYTORCH)) {
 *     for (TensorSpec spec : specs) {
 *         writer.write(spec.name(), ...);
 *     }
 *     writer.commit();
 * }
 * }</pre>
 */
public final class SafetensorsWriter implements TensorSink {
    /** The metadata that loaders of the Hugging Face ecosystem look for. */
    public static final Map<String, String> PYTORCH = Map.of("format", "pt");

    private static final int HEADER_ALIGNMENT = 8;
    private static final JsonFactory JSON =
            JsonFactory.builder().disable(JsonWriteFeature.WRITE_HEX_UPPER_CASE).build();

    /** By dtype descending, then by name as bytes of UTF-8, which is not the order of Java's strings. */
    private static final Comparator<TensorSpec> FILE_ORDER = Comparator.comparing(
                    (TensorSpec spec) -> SafetensorsDtype.of(spec.dtype()), Comparator.reverseOrder())
            .thenComparing(spec -> spec.name().getBytes(UTF_8), Arrays::compareUnsigned);

    private final AtomicFile file;
    private final Map<String, Slot> slots;
    private final Set<String> missing;

    private SafetensorsWriter(AtomicFile file, Map<String, Slot> slots) {
        this.file = file;
        this.slots = slots;
        this.missing = new LinkedHashSet<>(slots.keySet());
    }

    /**
     * Starts a file.
     *
     * @param tensors what will be written, in any order
     * @param metadata the {@code __metadata__} entry, usually {@link #PYTORCH}; left out if empty
     * @throws IllegalArgumentException if a name occurs twice, is {@code __metadata__}, or is not valid Unicode
     * @throws InvalidInputException if the file cannot be created, or the header would be larger than the format allows
     */
    public static SafetensorsWriter create(Path file, Collection<TensorSpec> tensors, Map<String, String> metadata) {
        List<TensorSpec> sorted = new ArrayList<>(tensors);
        sorted.forEach(spec -> requireName(spec.name()));
        sorted.sort(FILE_ORDER);
        byte[] header = header(sorted, metadata);
        if (header.length > SafetensorsHeader.MAX_BYTES) {
            throw new InvalidInputException(file + ": expected a header of at most " + SafetensorsHeader.MAX_BYTES
                    + " bytes, found " + header.length);
        }
        Map<String, Slot> slots = new HashMap<>();
        long position = Long.BYTES + (long) header.length;
        for (TensorSpec spec : sorted) {
            if (slots.put(spec.name(), new Slot(spec, position)) != null) {
                throw new IllegalArgumentException("tensor " + InputFile.quote(spec.name()) + " is declared twice");
            }
            position = Math.addExact(position, spec.byteLength());
        }
        AtomicFile target = new AtomicFile(file);
        SafetensorsWriter writer = new SafetensorsWriter(target, slots);
        try {
            ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            target.write(length.putLong(0, header.length), 0);
            target.write(ByteBuffer.wrap(header), Long.BYTES);
            return writer;
        } catch (RuntimeException e) {
            writer.close();
            throw e;
        }
    }

    @Override
    public void write(String name, HostSource tensor) {
        requireOpen();
        Slot slot = slots.get(name);
        if (slot == null) {
            throw new IllegalArgumentException("tensor " + InputFile.quote(name) + " was not declared");
        }
        if (!slot.spec().equals(TensorSpec.of(name, tensor))) {
            throw new IllegalArgumentException("tensor " + InputFile.quote(name) + " was declared as "
                    + slot.spec().dtype() + " " + slot.spec().shape() + ", not " + tensor.dtype() + " "
                    + tensor.shape());
        }
        if (!missing.contains(name)) {
            throw new IllegalStateException("tensor " + InputFile.quote(name) + " is written twice");
        }
        tensor.forEachPiece((from, piece) ->
                file.write(piece.data(), slot.position() + from * piece.dtype().bytes()));
        missing.remove(name);
    }

    @Override
    public void commit() {
        requireComplete();
        file.commit();
    }

    /** Flushes to the disk what was written, so that little can go wrong in a commit. */
    void flush() {
        file.flush();
    }

    /** Checks that a commit may follow. */
    void requireComplete() {
        requireOpen();
        if (!missing.isEmpty()) {
            throw new IllegalStateException(
                    file.target() + ": " + missing.size() + " declared tensors are not written, "
                            + InputFile.quote(missing.iterator().next()) + " first");
        }
    }

    @Override
    public void close() {
        file.close();
    }

    private void requireOpen() {
        if (!file.isOpen()) {
            throw new IllegalStateException("the writer of " + file.target() + " is closed");
        }
    }

    private static void requireName(String name) {
        if (name.equals(SafetensorsHeader.METADATA) || !UTF_8.newEncoder().canEncode(name)) {
            throw new IllegalArgumentException(InputFile.quote(name) + " cannot be the name of a tensor");
        }
    }

    private static byte[] header(List<TensorSpec> tensors, Map<String, String> metadata) {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = JSON.createGenerator(text)) {
            json.writeStartObject();
            if (!metadata.isEmpty()) {
                json.writeObjectFieldStart(SafetensorsHeader.METADATA);
                for (Map.Entry<String, String> entry : metadata.entrySet()) {
                    json.writeStringField(entry.getKey(), entry.getValue());
                }
                json.writeEndObject();
            }
            long offset = 0;
            for (TensorSpec spec : tensors) {
                json.writeObjectFieldStart(spec.name());
                json.writeStringField("dtype", SafetensorsDtype.of(spec.dtype()).name());
                json.writeFieldName("shape");
                json.writeArray(spec.shape().toArray(), 0, spec.shape().rank());
                json.writeFieldName("data_offsets");
                json.writeArray(new long[] {offset, offset + spec.byteLength()}, 0, 2);
                json.writeEndObject();
                offset += spec.byteLength();
            }
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException("writing to memory failed", e);
        }
        byte[] bytes = text.toString().getBytes(UTF_8);
        int padded = (bytes.length + HEADER_ALIGNMENT - 1) / HEADER_ALIGNMENT * HEADER_ALIGNMENT;
        byte[] header = Arrays.copyOf(bytes, padded);
        Arrays.fill(header, bytes.length, padded, (byte) ' ');
        return header;
    }

    private record Slot(TensorSpec spec, long position) {}
}
