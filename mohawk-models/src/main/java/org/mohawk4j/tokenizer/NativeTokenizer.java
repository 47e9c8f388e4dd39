package org.mohawk4j.tokenizer;

import ai.djl.engine.EngineException;
import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import ai.djl.util.Utils;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.util.Arrays;
import org.mohawk4j.UserHome;

/**
 * Hugging Face's tokenizer behind DJL's bindings. The bindings are called below {@code HuggingFaceTokenizer}, because
 * that class reports each start to its makers, cuts texts at 512 tokens, and makes two Java objects per token that
 * nobody here asks for. The native memory is freed when this object is garbage.
 */
final class NativeTokenizer {
    /** With this set, DJL takes the library from its jar; without, it downloads another one where it sees a GPU. */
    private static final String FLAVOR = "RUST_FLAVOR";

    private static final Cleaner CLEANER = Cleaner.create();
    private static final TokenizersLibrary LIBRARY = TokenizersLibrary.LIB;

    static {
        // before DJL unpacks its library, which it keeps below the home folder
        UserHome.repair();
    }

    private final long handle;

    /**
     * Loads a tokenizer.
     *
     * @param json the contents of a {@code tokenizer.json}
     * @throws RuntimeException with the native library's message if it is not valid
     * @throws IllegalStateException if the native library does not run here
     */
    NativeTokenizer(String json) {
        loadLibrary();
        long created = LIBRARY.createTokenizerFromString(json);
        this.handle = created;
        CLEANER.register(this, () -> LIBRARY.deleteTokenizer(created));
        LIBRARY.disableTruncation(created);
        LIBRARY.disablePadding(created);
    }

    /** The ids of a text without unpaired surrogates. */
    int[] encode(String text) {
        try {
            long encoding = LIBRARY.encode(handle, text, false);
            try {
                long[] ids = LIBRARY.getTokenIds(encoding);
                int[] narrow = new int[ids.length];
                for (int i = 0; i < ids.length; i++) {
                    narrow[i] = (int) ids[i];
                }
                return narrow;
            } finally {
                LIBRARY.deleteEncoding(encoding);
            }
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    String decode(int[] ids) {
        try {
            return LIBRARY.decode(handle, Arrays.stream(ids).asLongStream().toArray(), false);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    private static synchronized void loadLibrary() {
        boolean unset = Utils.getEnvOrSystemProperty(FLAVOR) == null;
        if (unset) {
            System.setProperty(FLAVOR, "cpu");
        }
        try {
            LibUtils.checkStatus();
        } catch (EngineException | LinkageError e) {
            throw new IllegalStateException(
                    "the tokenizer's native library does not run on " + System.getProperty("os.name") + " "
                            + System.getProperty("os.arch"),
                    e);
        } finally {
            if (unset) {
                System.clearProperty(FLAVOR);
            }
        }
    }
}
