package org.mohawk4j.train.cache;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.mohawk4j.io.Sha256;
import org.mohawk4j.tensor.Tensor;

/** What windows are found by. */
final class WindowKeys {
    private WindowKeys() {}

    /**
     * What a teacher computes of a window depends on its ids alone, so these are its key.
     *
     * @param ids int32 [B,T]
     */
    static List<ByteBuffer> of(Tensor ids) {
        ByteBuffer all = ids.toHost().data();
        int bytes = Math.toIntExact(ids.dim(1) * Integer.BYTES);
        List<ByteBuffer> keys = new ArrayList<>();
        for (int b = 0; b < ids.dim(0); b++) {
            MessageDigest digest = Sha256.digest();
            digest.update(all.slice(b * bytes, bytes));
            keys.add(ByteBuffer.wrap(Arrays.copyOf(digest.digest(), WindowLayout.KEY_BYTES)));
        }
        return keys;
    }
}
