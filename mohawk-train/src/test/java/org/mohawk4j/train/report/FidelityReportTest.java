package org.mohawk4j.train.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.eval.fidelity.FidelityScores;
import org.mohawk4j.eval.fidelity.FidelityScores.Agreement;
import org.mohawk4j.eval.fidelity.FidelityScores.Layer;

class FidelityReportTest {
    private static final Agreement AGREEMENT = new Agreement(0.25, 0.875, 3, 3.25);

    @TempDir
    Path folder;

    private static FidelityScores scores(List<Double> matrix) {
        List<Double> positions = List.of(0.1, 0.2, 0.4);
        List<Double> byRow = matrix.isEmpty() ? List.of() : positions;
        return new FidelityScores(
                12_345,
                3,
                AGREEMENT,
                List.of(AGREEMENT, AGREEMENT, AGREEMENT),
                List.of(
                        new Layer("SoftmaxAttention", "Own<b>", matrix, 0.5, 0.75, byRow, positions, positions),
                        new Layer(
                                "SoftmaxAttention",
                                "Own<b>",
                                List.of(),
                                1,
                                Double.NaN,
                                List.of(),
                                positions,
                                positions)));
    }

    @Test
    void everyNumberIsInTheJson() throws IOException {
        FidelityReport.write(folder, scores(List.of(0.125, 0.5)), Map.of("teacher", "a/b"));

        JsonNode json =
                new ObjectMapper().readTree(folder.resolve("fidelity.json").toFile());
        assertThat(json.at("/about/teacher").asText()).isEqualTo("a/b");
        assertThat(json.at("/tokens").asLong()).isEqualTo(12_345);
        assertThat(json.at("/agreement/kl").asDouble()).isEqualTo(0.25);
        assertThat(json.at("/agreement/top1_agreement").asDouble()).isEqualTo(0.875);
        assertThat(json.at("/agreement/kl_by_position")).hasSize(3);
        assertThat(json.at("/layers/0/matrix_error_by_head/1").asDouble()).isEqualTo(0.5);
        assertThat(json.at("/layers/0/hidden_state_error").asDouble()).isEqualTo(0.75);
        assertThat(json.at("/layers/0/output_error_by_position/2").asDouble()).isEqualTo(0.4);
        assertThat(json.at("/layers/1/matrix_error_by_head")).isEmpty();
        assertThat(json.at("/layers/1/hidden_state_error").isNull()).isTrue();
    }

    @Test
    void whatIsNotFiniteIsNull() throws IOException {
        Agreement broken = new Agreement(Double.NaN, 0, Double.POSITIVE_INFINITY, Double.NaN);
        FidelityScores scores = new FidelityScores(
                3, 1, broken, List.of(broken), scores(List.of()).layers());

        FidelityReport.write(folder, scores, Map.of());

        JsonNode json =
                new ObjectMapper().readTree(folder.resolve("fidelity.json").toFile());
        for (String value : List.of("kl", "teacher_nll_per_token", "student_nll_per_token", "kl_by_position/0")) {
            assertThat(json.at("/agreement/" + value).isNull()).as(value).isTrue();
        }
    }

    @Test
    void thePageNeedsNothingElseAndItsMapsLieBeside() throws IOException {
        FidelityReport.write(folder, scores(List.of(0.125, 0.5)), Map.of("teacher", "<a>"));

        String page = Files.readString(folder.resolve("index.html"));
        assertThat(page)
                .contains("87.50%", "0.25", "Own&lt;b&gt;", "&lt;a&gt;", "12,345")
                .doesNotContain("<script", "http:", "https:", "src=\"/", "Own<b>");
        for (String name : List.of(
                "matrix-error",
                "matrix-error-by-position",
                "output-error-by-position",
                "hidden-state-error-by-position")) {
            assertThat(ImageIO.read(folder.resolve(name + ".png").toFile()))
                    .as(name)
                    .isNotNull();
            assertThat(page).contains(name + ".png");
        }
    }

    @Test
    void withoutMatricesThereIsNoMapOfThem() throws IOException {
        FidelityReport.write(folder, scores(List.of()), Map.of());

        assertThat(folder.resolve("matrix-error.png")).doesNotExist();
        assertThat(folder.resolve("output-error-by-position.png")).exists();
    }

    @Test
    void theLargestErrorHasTheLightestColorAndZeroTheDarkest() {
        BufferedImage image = new ErrorMap("head").render(List.of(List.of(0.0, 2.0), List.of(Double.NaN, 1.0)));
        int y = (20 + 2) * Images.DENSITY;
        int below = y + 22 * Images.DENSITY;
        int left = (62 + 60) * Images.DENSITY;
        int right = (62 + 64 + 60) * Images.DENSITY;

        assertThat(image.getRGB(left, y)).isEqualTo(0xff000000 | ColorMap.signed(0));
        assertThat(image.getRGB(right, y)).isEqualTo(0xff000000 | ColorMap.signed(1));
        assertThat(image.getRGB(right, below)).isEqualTo(0xff000000 | ColorMap.signed(Math.sqrt(0.5)));
        assertThat(image.getRGB(left, below)).isEqualTo(0xff8c8c8c);
    }
}
