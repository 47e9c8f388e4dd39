package org.mohawk4j.backend.cuda.nccl;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

class NcclMulticastTest {
    @Test
    void aGroupThatCouldUseMulticastNeedsTheUsersWord() {
        assertThat(NcclCollectives.requireMulticastIsDecided(2, Map.of())).isEmpty();
        assertThat(NcclCollectives.requireMulticastIsDecided(8, Map.of("NCCL_NVLS_ENABLE", "0")))
                .isEmpty();
        assertThat(NcclCollectives.requireMulticastIsDecided(8, Map.of("NCCL_NVLS_ENABLE", "1")))
                .isEmpty();
        assertThat(NcclCollectives.requireMulticastIsDecided(3, Map.of()))
                .hasValue("NCCL_NVLS_ENABLE: expected 0, or 1 to use NVLink multicast, in the environment of 3 ranks,"
                        + " found nothing");
    }
}
