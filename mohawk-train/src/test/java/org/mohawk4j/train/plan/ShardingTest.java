package org.mohawk4j.train.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.mohawk4j.train.config.DistillConfig;

class ShardingTest {
    private static final StageProfile PROFILE = new StageProfile(
            DistillConfig.defaults().lastStage(),
            2,
            Map.of(
                    MemoryPart.TEACHER, 100L,
                    MemoryPart.STUDENT, 400L,
                    MemoryPart.GRADIENTS, 300L,
                    MemoryPart.MOMENTS, 801L,
                    MemoryPart.ACTIVATIONS, 1000L),
            new StageProfile.Work(List.of(), List.of(), 0),
            100,
            10,
            20);

    @Test
    void aShardedOptimizerIsThatOfTheProfile() {
        assertThat(Sharding.OPTIMIZER.of(PROFILE, 2)).isEqualTo(PROFILE.memory());
    }

    @Test
    void shardedParametersAreGatheredForTwoBlocksAndWhatIsOutsideOfThem() {
        assertThat(Sharding.PARAMETERS.of(PROFILE, 4))
                .containsEntry(MemoryPart.MOMENTS, 401L)
                .containsEntry(MemoryPart.STUDENT, 100L)
                .containsEntry(MemoryPart.GRADIENTS, 75L)
                .containsEntry(MemoryPart.TEACHER, 100L)
                .containsEntry(MemoryPart.COMMUNICATION, (2 * 10 + 20) * 4L);
    }
}
