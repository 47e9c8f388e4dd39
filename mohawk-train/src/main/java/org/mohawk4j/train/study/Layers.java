package org.mohawk4j.train.study;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Choices of K among L layers, from 0, in ascending order. */
final class Layers {
    private Layers() {}

    /** In the middle of K equal parts of the model. */
    static List<Integer> evenlySpaced(int layers, int kept) {
        return IntStream.range(0, kept)
                .mapToObj(i -> (2 * i + 1) * layers / (2 * kept))
                .toList();
    }

    static List<Integer> first(int kept) {
        return IntStream.range(0, kept).boxed().toList();
    }

    static List<Integer> last(int layers, int kept) {
        return IntStream.range(layers - kept, layers).boxed().toList();
    }

    /** All C(L,K). */
    static List<List<Integer>> choices(int layers, int kept) {
        if (kept == 0) {
            return List.of(List.of());
        }
        List<List<Integer>> all = new ArrayList<>();
        for (int last = kept - 1; last < layers; last++) {
            for (List<Integer> before : choices(last, kept - 1)) {
                List<Integer> choice = new ArrayList<>(before);
                choice.add(last);
                all.add(List.copyOf(choice));
            }
        }
        return all;
    }

    /** Such as {@code 1,3}. */
    static String text(List<Integer> layers) {
        return layers.stream().map(String::valueOf).collect(Collectors.joining(","));
    }
}
