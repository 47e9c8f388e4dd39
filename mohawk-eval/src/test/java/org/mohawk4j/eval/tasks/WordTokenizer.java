package org.mohawk4j.eval.tasks;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.mohawk4j.tokenizer.Tokenizer;

/** A word with the space before it is a token; so is every other white space. Ids are dealt out as words come. */
final class WordTokenizer implements Tokenizer {
    private static final Pattern TOKEN = Pattern.compile("<end>|<bos>| ?[^\\s]+|\\s");

    private final List<String> words = new ArrayList<>(List.of("<end>"));
    private final OptionalInt bos;

    WordTokenizer() {
        this.bos = OptionalInt.empty();
    }

    /** @param bos which texts begin with */
    WordTokenizer(String bos) {
        words.add(bos);
        this.bos = OptionalInt.of(1);
    }

    @Override
    public OptionalInt beginOfText() {
        return bos;
    }

    @Override
    public int[] encode(String text) {
        List<Integer> ids = new ArrayList<>();
        Matcher matcher = TOKEN.matcher(text);
        while (matcher.find()) {
            if (!words.contains(matcher.group())) {
                words.add(matcher.group());
            }
            ids.add(words.indexOf(matcher.group()));
        }
        return ids.stream().mapToInt(Integer::intValue).toArray();
    }

    @Override
    public String decode(int... ids) {
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            text.append(words.get(id));
        }
        return text.toString();
    }

    @Override
    public int vocabularySize() {
        return words.size();
    }

    @Override
    public OptionalInt endOfText() {
        return OptionalInt.of(0);
    }
}
