package org.mohawk4j.data.file;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.PushbackInputStream;
import java.lang.reflect.InvocationTargetException;

/**
 * Unpacks Zstandard (RFC 8878) by zstd-jni, if that is on the class path: its natives of every system are not brought
 * along by default. Frames one after another are one stream; a window above 128 MiB is refused.
 */
final class ZstdLibrary {
    private static final String STREAM = "com.github.luben.zstd.ZstdInputStream";

    private ZstdLibrary() {}

    static boolean isPresent() {
        try {
            Class.forName(STREAM, false, ZstdLibrary.class.getClassLoader());
            return true;
        } catch (ClassNotFoundException e) {
            return false;
        }
    }

    static InputStream unpacking(InputStream packed) throws IOException {
        PushbackInputStream bytes = new PushbackInputStream(packed);
        int first = bytes.read();
        if (first < 0) {
            throw new EOFException("it is empty");
        }
        bytes.unread(first);
        try {
            return Class.forName(STREAM)
                    .asSubclass(InputStream.class)
                    .getConstructor(InputStream.class)
                    .newInstance(bytes);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof IOException failure) {
                throw failure;
            }
            throw new IllegalStateException("zstd-jni does not start", e.getCause());
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("zstd-jni has no stream that unpacks", e);
        }
    }
}
