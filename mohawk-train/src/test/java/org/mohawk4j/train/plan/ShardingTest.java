package org.mohawk4j.train.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.mohawk4j.train.config.DistillConfig;

class ShardingTest {
    private static final StageProfile PROFILE = new StageProfile(
            DistillConfig.defaults().lastStage(),
            Map.of(
                    MemoryPart.TEACHER, 100L,
                    MemoryPart.STUDENT, 400L,
                    MemoryPart.GRADIENTS, 300L,
                    MemoryPart.MOMENTS, 801L,
                    MemoryPart.ACTIVATIONS, 1000L),
            List.of(),
            100,
            400,
            10,
            20);

    @Test
    void aShardedOptimizerHasAPartOfTheMomentsOnEachDevice() {
        assertThat(Sharding.OPTIMIZER.of(PROFILE, 4))
                .containsEntry(MemoryPart.MOMENTS, 201L)
                .containsEntry(MemoryPart.STUDENT, 400L)
                .containsEntry(MemoryPart.GRADIENTS, 300L)
                .containsEntry(MemoryPart.ACTIVATIONS, 1000L)
                .doesNotContainKey(MemoryPart.COMMUNICATION);
    }

    @Test
    void shardedParametersAreGatheredForTwoBlocksAndWhatIsOutsideOfThem() {
        assertThat(Sharding.PARAMETERS.of(PROFILE, 4))
                .containsEntry(MemoryPart.MOMENTS, 201L)
                .containsEntry(MemoryPart.STUDENT, 100L)
                .containsEntry(MemoryPart.GRADIENTS, 75L)
                .containsEntry(MemoryPart.TEACHER, 100L)
                .containsEntry(MemoryPart.COMMUNICATION, (2 * 10 + 20) * 4L);
    }

    @Test
    void oneDeviceKeepsEverything() {
        assertThat(Sharding.NONE.of(PROFILE, 1)).isEqualTo(PROFILE.memory());
    }
}
