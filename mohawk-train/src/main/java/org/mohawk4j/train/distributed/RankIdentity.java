package org.mohawk4j.train.distributed;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What has to be the same on all ranks, by name. */
public final class RankIdentity {
    private static final ObjectMapper JSON = new ObjectMapper();

    private RankIdentity() {}

    /**
     * Compares all ranks with rank 0.
     *
     * @param own values by name, in the order in which they are compared
     * @throws RefusedRanksException on all ranks, with the first difference of the first rank that differs
     */
    public static void requireSame(ProcessGroup group, Map<String, String> own) {
        List<Map<String, String>> ranks = new ArrayList<>();
        group.exchange(encode(own)).forEach(bytes -> ranks.add(decode(bytes)));
        Map<String, String> expected = ranks.get(0);
        for (int rank = 1; rank < ranks.size(); rank++) {
            Map<String, String> found = ranks.get(rank);
            Set<String> names = new LinkedHashSet<>(expected.keySet());
            names.addAll(found.keySet());
            for (String name : names) {
                String here = found.getOrDefault(name, "nothing");
                String there = expected.getOrDefault(name, "nothing");
                if (!here.equals(there)) {
                    throw new RefusedRanksException("rank " + rank + " on " + group.host(rank) + ": " + name
                            + ": expected " + there + " as on rank 0, found " + here);
                }
            }
        }
    }

    private static byte[] encode(Map<String, String> values) {
        try {
            return JSON.writeValueAsBytes(values);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("texts are always writable", e);
        }
    }

    private static Map<String, String> decode(byte[] bytes) {
        try {
            return JSON.readValue(bytes, new TypeReference<LinkedHashMap<String, String>>() {});
        } catch (IOException e) {
            throw new UncheckedIOException("a rank's identity cannot be read", e);
        }
    }
}
