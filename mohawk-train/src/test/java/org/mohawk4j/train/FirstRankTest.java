package org.mohawk4j.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.mohawk4j.train.distributed.LocalProcessGroup;

class FirstRankTest {
    @Test
    void rankZeroDecidesOnceForAllRanks() throws Exception {
        List<Integer> measuring = Collections.synchronizedList(new ArrayList<>());
        List<String> decided = Collections.synchronizedList(new ArrayList<>());
        assertThat(LocalProcessGroup.run(3, group -> {
                    FirstRank first = new FirstRank(Optional.of(group));
                    boolean decision = first.decides(() -> {
                        measuring.add(group.rank());
                        return true;
                    });
                    List<Integer> layers = first.layers(() -> {
                        measuring.add(group.rank());
                        return List.of(1, 9_999);
                    });
                    decided.add(decision + " " + layers);
                }))
                .containsOnlyNulls();
        assertThat(measuring).containsExactly(0, 0);
        assertThat(decided).hasSize(3).containsOnly("true [1, 9999]");
    }

    @Test
    void oneRankDecidesForItself() {
        FirstRank only = new FirstRank(Optional.empty());
        assertThat(only.isThis()).isTrue();
        assertThat(only.decides(() -> true)).isTrue();
        assertThat(only.layers(() -> List.of(3))).containsExactly(3);
    }
}
