package org.mohawk4j.train.distributed.tcp;

import java.io.DataInputStream;
import java.io.IOException;
import java.util.Optional;

/**
 * Who a rank is.
 *
 * @param version of the library
 * @param host where it runs
 */
record Hello(String version, int rank, int size, String host) {
    /** Tells a rank from whatever else connects to a port. */
    private static final long MAGIC = 0x6d6f_6861_776b_0001L;

    Message message() {
        return Message.of(Message.Kind.HELLO, out -> {
            out.writeLong(MAGIC);
            Message.writeText(out, version);
            out.writeInt(rank);
            out.writeInt(size);
            Message.writeText(out, host);
        });
    }

    /** Empty if it is no rank of this version of the protocol. */
    static Optional<Hello> of(Message message) throws IOException {
        DataInputStream in = message.read();
        if (message.kind() != Message.Kind.HELLO || message.body().length < Long.BYTES || in.readLong() != MAGIC) {
            return Optional.empty();
        }
        return Optional.of(new Hello(Message.readText(in), in.readInt(), in.readInt(), Message.readText(in)));
    }

    String name() {
        return "rank " + rank + " on " + host;
    }

    /** What is wrong with another rank that wants to join this one; empty if it may. */
    Optional<String> refusalOf(Hello other) {
        if (!other.version.equals(version)) {
            return Optional.of(other.name() + ": mohawk4j: expected version " + version + " as of " + name()
                    + ", found " + other.version);
        }
        if (other.size != size) {
            return Optional.of(
                    other.name() + ": ranks: expected " + size + " as of " + name() + ", found " + other.size);
        }
        return other.rank > 0 && other.rank < size
                ? Optional.empty()
                : Optional.of(other.name() + ": expected one rank from 1 to " + (size - 1) + " beside " + name()
                        + ", found rank " + other.rank);
    }
}
