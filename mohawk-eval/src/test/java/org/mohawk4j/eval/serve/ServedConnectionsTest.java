package org.mohawk4j.eval.serve;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Where the server is found, and what becomes of connections whose requests it refuses. */
class ServedConnectionsTest {
    private static ServedTeacher served;

    @BeforeAll
    static void open() {
        served = new ServedTeacher(ServedTeacher.config(8));
    }

    @AfterAll
    static void close() {
        served.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"POST /v1/chat/completions", "PUT /v1/completions", "POST /health", "GET /v1/models"})
    void aBodyThatNobodyAskedForDoesNotBreakTheConnection(String request) throws IOException {
        for (int length : List.of(1000, 90_000, 400_000)) {
            List<String> answers = twice(request, length, length);

            assertThat(answers).as("%d bytes", length).hasSize(2);
            assertThat(answers.get(1)).startsWith("HTTP/1.1 200");
        }
    }

    @Test
    void aBodyThatIsNotReadToItsEndClosesTheConnectionWithNotice() throws IOException {
        // what the server reads in vain, and what the JDK reads when it closes an exchange
        int read = (16 * 100_000 / 8192 + 1) * 8192 + 65_536;
        List<String> answers = twice("POST /v1/none", Integer.MAX_VALUE, read);

        assertThat(answers).hasSize(1);
        assertThat(answers.get(0)).startsWith("HTTP/1.1 404").containsIgnoringCase("Connection: close");
    }

    /** The heads of what is answered to a request with a body and another one behind it. */
    private static List<String> twice(String request, int length, int sent) throws IOException {
        try (Socket socket = new Socket(
                InetAddress.getLoopbackAddress(), served.server().address().getPort())) {
            socket.setSoTimeout(20_000);
            OutputStream out = socket.getOutputStream();
            out.write((request + " HTTP/1.1\r\nHost: a\r\nContent-Length: " + length + "\r\n\r\n")
                    .getBytes(StandardCharsets.UTF_8));
            out.write(new byte[sent]);
            if (length == sent) {
                out.write("GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
                        .getBytes(StandardCharsets.UTF_8));
            }
            String all = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return Arrays.stream(all.split("(?=HTTP/1\\.1 )", -1)).toList();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "127.0.0.1,http://127.0.0.1:",
        "localhost,http://localhost:",
        "::1,http://[::1]:",
        "[::1],http://[::1]:",
        "::,http://[::]:",
        "0.0.0.0,http://0.0.0.0:",
        "'',http://127.0.0.1:"
    })
    void theAddressIsAUrl(String host, String begins) {
        try (ServedTeacher listening = new ServedTeacher(new ServeConfig("tiny", host, 0, 8, 100_000))) {
            CompletionServer server = listening.server();

            assertThat(server.url()).isEqualTo(begins + server.address().getPort() + "/v1");
            assertThat(URI.create(server.url()).getPort())
                    .isEqualTo(server.address().getPort());
        }
    }
}
