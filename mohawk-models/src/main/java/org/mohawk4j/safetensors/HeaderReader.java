package org.mohawk4j.safetensors;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.io.StrictJson;

/** Reads the JSON of one header, token by token, so that only what is kept costs memory. */
final class HeaderReader {
    private static final int MAX_RANK = 1 << 16;
    private static final int MAX_METADATA_CHARACTERS = 1 << 25;
    private static final int METADATA_ENTRY_CHARACTERS = 64;

    private final Path file;
    private final JsonParser parser;
    private final StrictJson strict;
    private final long dataLength;
    private final TensorTable tensors = new TensorTable();
    private final Map<String, String> metadata = new LinkedHashMap<>();
    private long[] dims = new long[8];
    private int rank;
    private long begin;
    private long end;

    HeaderReader(Path file, JsonParser parser, long dataLength) {
        this.file = file;
        this.parser = parser;
        this.strict = new StrictJson(parser);
        this.dataLength = dataLength;
    }

    TensorTable tensors() {
        return tensors;
    }

    Map<String, String> metadata() {
        return Collections.unmodifiableMap(metadata);
    }

    void read() throws IOException {
        expect(parser.nextToken(), JsonToken.START_OBJECT, "the header");
        boolean hasMetadata = false;
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String name = text();
            parser.nextToken();
            if (!name.equals(SafetensorsHeader.METADATA)) {
                readTensor(name);
            } else if (hasMetadata) {
                throw invalid("__metadata__ is given twice");
            } else {
                hasMetadata = true;
                readMetadata();
            }
        }
        if (parser.nextToken() != null) {
            throw invalid("expected the end of the header after its closing brace, found more");
        }
    }

    private void readMetadata() throws IOException {
        if (parser.currentToken() == JsonToken.VALUE_NULL) {
            return;
        }
        expect(parser.currentToken(), JsonToken.START_OBJECT, "__metadata__");
        long characters = 0;
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String key = text();
            expect(parser.nextToken(), JsonToken.VALUE_STRING, "__metadata__ " + InputFile.quote(key));
            String value = text();
            characters += key.length() + value.length() + METADATA_ENTRY_CHARACTERS;
            if (characters > MAX_METADATA_CHARACTERS) {
                throw invalid("__metadata__ is larger than " + MAX_METADATA_CHARACTERS + " characters");
            }
            if (metadata.put(key, value) != null) {
                throw invalid("__metadata__ " + InputFile.quote(key) + " is given twice");
            }
        }
    }

    private void readTensor(String name) throws IOException {
        expectIn(name, parser.currentToken(), JsonToken.START_OBJECT, "");
        @Nullable SafetensorsDtype dtype = null;
        boolean hasShape = false;
        boolean hasOffsets = false;
        @Nullable Set<String> ignored = null;
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String field = text();
            parser.nextToken();
            boolean repeated = false;
            switch (field) {
                case "dtype" -> {
                    repeated = dtype != null;
                    dtype = readDtype(name);
                }
                case "shape" -> {
                    repeated = hasShape;
                    hasShape = true;
                    readShape(name);
                }
                case "data_offsets" -> {
                    repeated = hasOffsets;
                    hasOffsets = true;
                    readOffsets(name);
                }
                default -> {
                    ignored = ignored == null ? new HashSet<>() : ignored;
                    StrictJson.keep(ignored, field, where(name));
                    // The format may grow fields; the reference implementation passes over them too.
                    strict.skip(where(name));
                }
            }
            if (repeated) {
                throw invalid(name, InputFile.quote(field) + " given twice");
            }
        }
        if (dtype == null || !hasShape || !hasOffsets) {
            throw invalid(name, "no " + (dtype == null ? "dtype" : hasShape ? "data_offsets" : "shape"));
        }
        requireSize(name, dtype);
        if (tensors.count() == SafetensorsHeader.MAX_TENSORS) {
            throw invalid("expected at most " + SafetensorsHeader.MAX_TENSORS + " tensors, found more");
        }
        if (!tensors.add(name, dtype, dims, rank, begin, end)) {
            throw invalid(name, "given twice");
        }
    }

    private SafetensorsDtype readDtype(String name) throws IOException {
        expectIn(name, parser.currentToken(), JsonToken.VALUE_STRING, " as dtype");
        String dtype = text();
        return SafetensorsDtype.named(dtype)
                .orElseThrow(() -> invalid(
                        name,
                        "expected a dtype among " + Arrays.toString(SafetensorsDtype.values()) + ", found "
                                + InputFile.quote(dtype)));
    }

    private void readShape(String name) throws IOException {
        expectIn(name, parser.currentToken(), JsonToken.START_ARRAY, " as shape");
        rank = 0;
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            if (rank == MAX_RANK) {
                throw invalid(name, "more than " + MAX_RANK + " dimensions");
            }
            if (rank == dims.length) {
                dims = Arrays.copyOf(dims, rank * 2);
            }
            dims[rank++] = integer(name, "shape");
        }
    }

    private void readOffsets(String name) throws IOException {
        expectIn(name, parser.currentToken(), JsonToken.START_ARRAY, " as data_offsets");
        parser.nextToken();
        begin = integer(name, "data_offsets");
        parser.nextToken();
        end = integer(name, "data_offsets");
        if (parser.nextToken() != JsonToken.END_ARRAY) {
            throw invalid(name, "expected two data_offsets, found more");
        }
        if (end < begin || end > dataLength) {
            throw invalid(
                    name,
                    "expected data_offsets within the " + dataLength + " bytes after the header, found [" + begin + ", "
                            + end + "]");
        }
    }

    private void requireSize(String name, SafetensorsDtype dtype) {
        long bits = 1;
        for (int i = 0; i < rank; i++) {
            bits = unsignedProduct(name, bits, dims[i]);
        }
        bits = unsignedProduct(name, bits, dtype.bits());
        if (bits % 8 != 0) {
            throw invalid(
                    name,
                    dtype + " " + shownShape() + " fills " + Long.toUnsignedString(bits)
                            + " bits, which are no whole bytes");
        }
        if (bits >>> 3 != end - begin) {
            throw invalid(
                    name,
                    dtype + " " + shownShape() + " needs " + (bits >>> 3) + " bytes, its data_offsets span "
                            + (end - begin));
        }
    }

    /** The reference implementation counts in 64 bits without a sign, a shape's dimensions in their order. */
    private long unsignedProduct(String name, long a, long b) {
        if (b != 0 && Long.compareUnsigned(a, Long.divideUnsigned(-1, b)) > 0) {
            throw invalid(name, "more elements in shape " + shownShape() + " than 64 bits can count");
        }
        return a * b;
    }

    private String shownShape() {
        return rank <= 16 ? Arrays.toString(Arrays.copyOf(dims, rank)) : "of rank " + rank;
    }

    private long integer(String name, String field) throws IOException {
        if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT) {
            throw invalid(name, "expected non-negative integers as " + field + ", found " + found());
        }
        char[] text = parser.getTextCharacters();
        int from = parser.getTextOffset();
        int to = from + parser.getTextLength();
        long value = 0;
        for (int i = from; i < to; i++) {
            int digit = text[i] - '0';
            if (digit < 0) {
                throw invalid(name, "expected non-negative integers as " + field + ", found " + found());
            }
            if (value > (Long.MAX_VALUE - digit) / 10) {
                throw invalid(name, "expected integers below 2^63 as " + field + ", found " + found());
            }
            value = value * 10 + digit;
        }
        return value;
    }

    private String text() throws IOException {
        return strict.text(file + ": ");
    }

    private void expect(@Nullable JsonToken token, JsonToken expected, String what) throws IOException {
        if (token != expected) {
            throw invalid("expected " + describe(expected) + " as " + what + ", found " + found());
        }
    }

    private void expectIn(String name, @Nullable JsonToken token, JsonToken expected, String field) throws IOException {
        if (token != expected) {
            throw invalid(name, "expected " + describe(expected) + field + ", found " + found());
        }
    }

    private String found() throws IOException {
        JsonToken token = parser.currentToken();
        if (token == null) {
            return "nothing";
        }
        return switch (token) {
            case START_OBJECT -> "an object";
            case START_ARRAY -> "an array";
            case END_ARRAY -> "the end of the array";
            default -> InputFile.quote(parser.getText());
        };
    }

    private static String describe(JsonToken token) {
        return switch (token) {
            case START_OBJECT -> "an object";
            case START_ARRAY -> "an array";
            default -> "a string";
        };
    }

    private InvalidInputException invalid(String tensor, String cause) {
        return new InvalidInputException(where(tensor) + cause);
    }

    private String where(String tensor) {
        return file + ": tensor " + InputFile.quote(tensor) + ": ";
    }

    private InvalidInputException invalid(String cause) {
        return new InvalidInputException(file + ": " + cause);
    }
}
