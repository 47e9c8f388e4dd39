package org.mohawk4j.train.distributed.tcp;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** What ranks tell each other. On the wire: the kind in a byte, the body's length in four, the body. */
final class Message {
    /** A value is small: whatever is larger than this is no message of ours. */
    private static final int MOST_BYTES = 1 << 28;

    private final Kind kind;
    private final byte[] body;

    Message(Kind kind, byte[] body) {
        this.kind = kind;
        this.body = body;
    }

    enum Kind {
        /** The first of a rank: who it is. */
        HELLO('H'),
        /** The answer when all have joined: where each rank runs. */
        WELCOME('W'),
        /** A sign of life, with how far a rank is. */
        BEAT('B'),
        /** A rank's part of an exchange. */
        VALUE('V'),
        /** All parts. */
        RESULT('A'),
        /** The run has failed. */
        FAIL('F'),
        /** The run is refused. */
        REFUSE('R'),
        /** The rank leaves: the end of its connection is no failure. */
        LEAVE('L');

        private final char code;

        Kind(char code) {
            this.code = code;
        }

        static Optional<Kind> of(int code) {
            return Arrays.stream(values()).filter(kind -> kind.code == code).findFirst();
        }
    }

    Kind kind() {
        return kind;
    }

    byte[] body() {
        return body;
    }

    /** Writes a body. */
    @FunctionalInterface
    interface Body {
        void writeTo(DataOutputStream out) throws IOException;
    }

    static Message of(Kind kind, Body body) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            body.writeTo(out);
        } catch (IOException e) {
            throw new UncheckedIOException("a message cannot be written into memory", e);
        }
        return new Message(kind, bytes.toByteArray());
    }

    static Message ofText(Kind kind, String text) {
        return of(kind, out -> writeText(out, text));
    }

    static Message ofParts(Kind kind, List<byte[]> parts) {
        return of(kind, out -> {
            out.writeInt(parts.size());
            for (byte[] part : parts) {
                out.writeInt(part.length);
                out.write(part);
            }
        });
    }

    DataInputStream read() {
        return new DataInputStream(new ByteArrayInputStream(body));
    }

    String text() throws IOException {
        return readText(read());
    }

    List<byte[]> parts() throws IOException {
        DataInputStream in = read();
        int count = in.readInt();
        List<byte[]> parts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            parts.add(in.readNBytes(in.readInt()));
        }
        return parts;
    }

    static void writeText(DataOutputStream out, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    static String readText(DataInputStream in) throws IOException {
        return new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8);
    }

    void writeTo(DataOutputStream out) throws IOException {
        out.writeByte(kind.code);
        out.writeInt(body.length);
        out.write(body);
        out.flush();
    }

    /** @throws IOException if the connection ends, or what comes is no message */
    static Message readFrom(DataInputStream in) throws IOException {
        int code = in.readUnsignedByte();
        int length = in.readInt();
        Optional<Kind> kind = Kind.of(code);
        if (kind.isEmpty() || length < 0 || length > MOST_BYTES) {
            throw new IOException("expected a message of a rank, found byte " + code + " and a length of " + length);
        }
        byte[] body = new byte[length];
        in.readFully(body);
        return new Message(kind.get(), body);
    }
}
