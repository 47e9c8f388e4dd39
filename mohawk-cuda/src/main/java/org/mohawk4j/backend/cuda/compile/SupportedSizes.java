package org.mohawk4j.backend.cuda.compile;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether a kernel that is compiled for its sizes fits the device. What does not is left to the plain composition, and the
 * log says so once for each size.
 */
public final class SupportedSizes {
    private static final Logger LOG = LoggerFactory.getLogger(SupportedSizes.class);

    private final Map<String, Boolean> known = new HashMap<>();

    /**
     * @param what the kernel and its sizes
     * @param shortage what speaks against it; asked once, since it may have to compile
     */
    public boolean fits(String what, Supplier<Optional<String>> shortage) {
        Boolean answer = known.get(what);
        if (answer == null) {
            Optional<String> reason = shortage.get();
            reason.ifPresent(text -> LOG.warn("{} runs as its plain composition: {}", what, text));
            answer = reason.isEmpty();
            known.put(what, answer);
        }
        return answer;
    }
}
