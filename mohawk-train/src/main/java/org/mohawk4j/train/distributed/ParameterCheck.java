package org.mohawk4j.train.distributed;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.mohawk4j.io.Sha256;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.train.loop.Parallelism;

/**
 * Finds ranks whose parameters have become others than those of the rest, which no loss shows until much later. Each
 * check hashes some neighboring elements of each parameter, the next ones each time: all of a small one, which every rank
 * updates by itself.
 */
final class ParameterCheck {
    /** Updates between two checks, unless it is said otherwise. */
    static final int EVERY = 100;

    private static final long ELEMENTS = 1 << 16;

    private final Parallelism ranks;
    private final int every;

    ParameterCheck(Parallelism ranks, int every) {
        this.ranks = ranks;
        this.every = every;
    }

    /**
     * Checks, if it is time.
     *
     * @throws RankFailedException if parameters differ; names the rank that few others agree with
     */
    void afterUpdate(Map<String, Parameter> parameters, int updates) {
        if (every == 0 || updates % every != 0 || parameters.isEmpty()) {
            return;
        }
        List<String> hashes =
                ranks.exchange(hash(parameters, updates / every).getBytes(StandardCharsets.US_ASCII)).stream()
                        .map(bytes -> new String(bytes, StandardCharsets.US_ASCII))
                        .toList();
        String usual = hashes.stream()
                .max((a, b) -> Collections.frequency(hashes, a) - Collections.frequency(hashes, b))
                .orElseThrow();
        // of two ranks neither is right; the one that is not 0 is named
        String right = Collections.frequency(hashes, usual) > 1 ? usual : hashes.get(0);
        for (int rank = 0; rank < hashes.size(); rank++) {
            if (!hashes.get(rank).equals(right)) {
                throw new RankFailedException("the parameters of " + ranks.name(rank) + " differ from those of "
                        + ranks.name(hashes.indexOf(right)) + " after " + updates + " updates");
            }
        }
    }

    private static String hash(Map<String, Parameter> parameters, long turn) {
        MessageDigest digest = Sha256.digest();
        parameters.values().forEach(parameter -> {
            Tensor value = parameter.value();
            try (Scope scope = value.engine().scope()) {
                long count = value.shape().size();
                long length = Math.min(ELEMENTS, count);
                long from = Math.min(turn * ELEMENTS % count, count - length);
                ByteBuffer numbers =
                        value.reshape(count).narrow(0, from, length).toHost().data();
                digest.update(numbers);
            }
        });
        return Sha256.of(digest);
    }
}
