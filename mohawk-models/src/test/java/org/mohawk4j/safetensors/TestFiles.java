package org.mohawk4j.safetensors;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Makes safetensors files by hand, and finds the shared ones. */
final class TestFiles {
    private TestFiles() {}

    /** A file or folder of the golden data that all modules share. */
    static Path golden(String name) {
        return Path.of(System.getProperty("mohawk.golden", "../src/test/golden"))
                .resolve(name);
    }

    /** A file of a header and so many bytes of data, counting up from 0. */
    static Path write(Path file, String header, int dataBytes) throws IOException {
        return write(file, header.getBytes(UTF_8), dataBytes);
    }

    static Path write(Path file, byte[] header, int dataBytes) throws IOException {
        return write(file, header.length, header, dataBytes);
    }

    static Path write(Path file, long headerLength, byte[] header, int dataBytes) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES + header.length + dataBytes)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(headerLength)
                .put(header);
        for (int i = 0; i < dataBytes; i++) {
            bytes.put((byte) i);
        }
        return Files.write(file, bytes.array());
    }

    /** A file whose data are zeros that take no room on disk. */
    static Path writeSparse(Path file, String header, long dataBytes) throws IOException {
        write(file, header, 0);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.allocate(1), channel.size() + dataBytes - 1);
        }
        return file;
    }
}
