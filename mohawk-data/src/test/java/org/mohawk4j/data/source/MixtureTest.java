package org.mohawk4j.data.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.InvalidInputException;

class MixtureTest {
    @Test
    void locationsWithoutWeightsAreOnePart() {
        assertThat(new Mixture(List.of("a", "b")).parts()).containsExactly(new Mixture.Part(List.of("a", "b"), 1));
    }

    @Test
    void locationsWithWeightsAreAPartEach() {
        assertThat(new Mixture(List.of("c4/*.json.gz=0.8", "books=2e-1")).parts())
                .containsExactly(
                        new Mixture.Part(List.of("c4/*.json.gz"), 0.8), new Mixture.Part(List.of("books"), 0.2));
    }

    @Test
    void aFileWhoseNameEndsLikeAWeightIsThatFile(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("a=1"), "text");

        assertThat(new Mixture(List.of(file.toString())).parts().get(0).locations())
                .containsExactly(file.toString());
    }

    @Test
    void weightsForSomeOnlyAndWeightsOfNothingAreRefused() {
        assertThatThrownBy(() -> new Mixture(List.of("a=1", "b")))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("texts: expected a weight for each or for none, got a=1 b");
        assertThatThrownBy(() -> new Mixture(List.of("a=0", "b=1")))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("texts: expected weights above 0, got a=0");
        assertThatThrownBy(() -> new Mixture(List.of())).isInstanceOf(InvalidInputException.class);
    }
}
