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
    void rankZeroMeasuresOnceForAllRanks() throws Exception {
        List<Integer> measuring = Collections.synchronizedList(new ArrayList<>());
        List<String> decided = Collections.synchronizedList(new ArrayList<>());
        assertThat(LocalProcessGroup.run(3, group -> {
                    FirstRank first = new FirstRank(Optional.of(group));
                    double number = first.number(() -> {
                        measuring.add(group.rank());
                        return 1.5;
                    });
                    List<Integer> layers = first.layers(() -> {
                        measuring.add(group.rank());
                        return List.of(1, 200);
                    });
                    decided.add(number + " " + layers);
                }))
                .containsOnlyNulls();
        assertThat(measuring).containsExactly(0, 0);
        assertThat(decided).hasSize(3).containsOnly("1.5 [1, 200]");
    }

    @Test
    void oneRankMeasuresForItself() {
        FirstRank only = new FirstRank(Optional.empty());
        assertThat(only.isThis()).isTrue();
        assertThat(only.number(() -> 2)).isEqualTo(2);
        assertThat(only.layers(() -> List.of(3))).containsExactly(3);
    }
}
