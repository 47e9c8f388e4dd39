package org.mohawk4j.dl4j.ui;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.InvalidInputException;

class TrainingUiTest {
    @TempDir
    private Path folder;

    @Test
    void aFolderThatIsNoRunIsRefused() {
        assertThatThrownBy(() -> TrainingUi.open(folder, 0))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("run " + folder + ": expected a run folder with metrics.jsonl, found none in it");
        assertThatThrownBy(() -> TrainingUi.open(folder.resolve("none"), 0))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageEndingWith("found no folder");
    }

    @Test
    void everyTabHasAnAnswerForARunWithAndWithoutStatistics() throws Exception {
        for (boolean statistics : List.of(true, false)) {
            Path run = Files.createDirectory(folder.resolve("run-" + statistics));
            SyntheticRun.write(run, 12, statistics);
            try (TrainingUi ui = TrainingUi.open(run, 0)) {
                for (String path : List.of(
                        "overview",
                        "overview/data",
                        "model",
                        "model/graph",
                        "model/data/0",
                        "model/data/1",
                        "system",
                        "system/data",
                        "sessions/info")) {
                    assertThat(status(ui, path)).as(path + " " + statistics).isEqualTo(200);
                }
            }
        }
    }

    @Test
    void theUiListensOnLoopbackAlone() throws Exception {
        SyntheticRun.write(folder, 3, true);
        Optional<InetAddress> other = Collections.list(NetworkInterface.getNetworkInterfaces()).stream()
                .flatMap(NetworkInterface::inetAddresses)
                .filter(address -> !address.isLoopbackAddress() && !address.isLinkLocalAddress())
                .findFirst();
        assumeThat(other).as("an address that is not loopback").isPresent();
        try (TrainingUi ui = TrainingUi.open(folder, 0)) {
            int port = URI.create(ui.address()).getPort();
            assertThatThrownBy(() -> {
                        try (Socket socket = new Socket()) {
                            socket.connect(new InetSocketAddress(other.orElseThrow(), port), 2_000);
                        }
                    })
                    .isInstanceOf(ConnectException.class);
        }
    }

    @Test
    void aPortThatIsTakenIsOneLine() throws Exception {
        SyntheticRun.write(folder, 3, true);
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertThatThrownBy(() -> TrainingUi.open(folder, taken.getLocalPort()))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageStartingWith("port: expected a free one, found " + taken.getLocalPort());
        }
    }

    @Test
    @Tag("slow")
    void aBrowserShowsTheRunsPointsOnEveryTab() throws Exception {
        assumeThat(Chromium.program()).as("the program chromium on the PATH").isPresent();
        Path run = Files.createDirectory(folder.resolve("run"));
        SyntheticRun.write(run, 12, true);
        try (TrainingUi ui = TrainingUi.open(run, 0);
                Chromium browser = Chromium.open(Files.createDirectory(folder.resolve("profile")))) {
            browser.go(ui.address());
            Chromium.waitFor("the points of stage 3", () -> points(browser, "scoreiterchart") == 12);
            assertThat(browser.evaluate("$('#scoreiterchart').data('plot').getData()[0].data[11][1]")
                            .asDouble())
                    .isEqualTo(SyntheticRun.loss(3, 12));
            Chromium.waitFor("ratios", () -> points(browser, "updateRatioChart") == 12);
            screenshot(browser, "overview");

            SyntheticRun.append(run, 13);
            Chromium.waitFor("a step that comes later", () -> points(browser, "scoreiterchart") == 13);

            browser.go(ui.address().replace("overview", "model"));
            Chromium.waitFor(
                    "the graph",
                    () -> browser.evaluate("typeof cy === 'object'").asBoolean());
            browser.evaluate("setSelectedVertex(1)");
            Chromium.waitFor(
                    "a part without statistics",
                    () -> browser.evaluate("$('#layerInfo').text()").asText().contains("embedding"));
            browser.evaluate("setSelectedVertex(2)");
            Chromium.waitFor("the layer's ratios", () -> points(browser, "meanmag") > 0);
            assertThat(browser.evaluate("document.body.innerText").asText()).contains("layers.0 DiscreteMamba2");
            screenshot(browser, "model");

            browser.go(ui.address().replace("overview", "system"));
            Chromium.waitFor(
                    "memory",
                    () -> browser.evaluate("document.body.innerText").asText().contains("nd4j-test"));
            screenshot(browser, "system");
            assertThat(browser.errors()).isEmpty();
        }
    }

    /** Kept where the build is asked to: the picture in the documentation. */
    private static void screenshot(Chromium browser, String tab) throws IOException {
        String target = System.getProperty("mohawk.screenshots");
        if (target != null) {
            browser.screenshot(Path.of(target, "ui-" + tab + ".png"));
        }
    }

    private static int points(Chromium browser, String chart) {
        return browser.evaluate("(function() { var plot = $('#" + chart + "').data('plot');"
                        + " return plot && plot.getData().length ? plot.getData()[0].data.length : 0; })()")
                .asInt();
    }

    private static int status(TrainingUi ui, String path) throws IOException, InterruptedException {
        URI address = URI.create(ui.address().replace("overview", path));
        return HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(address).build(), BodyHandlers.ofString())
                .statusCode();
    }
}
