package org.mohawk4j.tokenizer;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.mohawk4j.InvalidInputException;

/**
 * The ids of a tokenizer's special tokens.
 *
 * @param beginOfText as {@link Tokenizer#beginOfText}
 * @param prefix as {@link Tokenizer#prefix}
 * @param endOfText as {@link Tokenizer#endOfText}
 * @param stops as {@link Tokenizer#stops}
 */
record SpecialIds(OptionalInt beginOfText, OptionalInt prefix, OptionalInt endOfText, Set<Integer> stops) {
    /**
     * Puts together what the files say.
     *
     * @param id of a token, if it is in the vocabulary
     * @throws InvalidInputException if texts should begin with a BOS token that there is not
     */
    static SpecialIds of(
            Path file,
            TokenizerDescription description,
            TokenizerConfig config,
            BosPolicy policy,
            Function<String, OptionalInt> id) {
        Optional<String> named = config.specialToken("bos_token");
        List<Integer> before = description.before();
        OptionalInt bos = or(
                named.map(id).orElse(OptionalInt.empty()),
                before.size() == 1 ? OptionalInt.of(before.get(0)) : OptionalInt.empty());
        boolean adds = policy == BosPolicy.ALWAYS
                || (policy == BosPolicy.AUTO && config.addsBos().orElse(!before.isEmpty()));
        if (policy == BosPolicy.AUTO && config.addsBos().isEmpty() && before.size() > 1) {
            throw new InvalidInputException(
                    file + ": post_processor: expected at most one special token before a text," + " found " + before);
        }
        if (adds && bos.isEmpty()) {
            throw new InvalidInputException(file
                    + ": expected a BOS token in its vocabulary to begin texts with, found "
                    + named.map(token -> "no " + token)
                            .orElse("no bos_token in " + TokenizerConfig.FILE_NAME + " and none in post_processor"));
        }
        OptionalInt eos = config.specialToken("eos_token").map(id).orElse(OptionalInt.empty());
        OptionalInt end = or(description.endOfText(), eos);
        Set<Integer> stops = new TreeSet<>(config.eosIds());
        end.ifPresent(stops::add);
        eos.ifPresent(stops::add);
        return new SpecialIds(adds ? bos : OptionalInt.empty(), or(bos, end), end, Set.copyOf(stops));
    }

    private static OptionalInt or(OptionalInt first, OptionalInt second) {
        return first.isPresent() ? first : second;
    }
}
