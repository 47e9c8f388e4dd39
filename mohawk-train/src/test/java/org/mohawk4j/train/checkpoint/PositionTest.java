package org.mohawk4j.train.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PositionTest {
    @Test
    void itsFolderNamesItForAnyNumberOfStages() {
        for (Position place : new Position[] {new Position(1, 0), new Position(9, 123), new Position(12, 1 << 30)}) {
            assertThat(Position.named(place.folder())).contains(place);
        }
        assertThat(new Position(9, 5)).isLessThan(new Position(10, 1));
        assertThat(Position.named("stage-9999999999-step-00000001")).isEmpty();
    }
}
