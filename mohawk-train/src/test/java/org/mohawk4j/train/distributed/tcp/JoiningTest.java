package org.mohawk4j.train.distributed.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.mohawk4j.train.distributed.tcp.Ranks.QUICK;
import static org.mohawk4j.train.distributed.tcp.Ranks.failure;
import static org.mohawk4j.train.distributed.tcp.Ranks.freePort;
import static org.mohawk4j.train.distributed.tcp.Ranks.get;
import static org.mohawk4j.train.distributed.tcp.Ranks.join;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.distributed.RankEnvironment;

/** How ranks find each other, and what each of them says if they do not. */
class JoiningTest {
    private static final TcpSettings SHORT = QUICK.withJoin(Duration.ofMillis(700));

    private final Ranks ranks = new Ranks();

    @AfterEach
    void end() {
        ranks.close();
    }

    @Test
    void ranksComeInAnyOrder() throws Exception {
        int port = freePort();
        Future<TcpProcessGroup> last = ranks.start(() -> join(2, 3, port, QUICK));
        Thread.sleep(150);
        Future<TcpProcessGroup> first = ranks.start(() -> join(0, 3, port, QUICK));
        Thread.sleep(150);
        Future<TcpProcessGroup> middle = ranks.start(() -> join(1, 3, port, QUICK));

        for (Future<TcpProcessGroup> one : List.of(first, middle, last)) {
            TcpProcessGroup group = get(one);
            assertThat(group.size()).isEqualTo(3);
            assertThat(group.host(2)).isEqualTo("here, device 2");
        }
        List<Future<String>> leaving = new ArrayList<>();
        for (Future<TcpProcessGroup> one : List.of(first, middle, last)) {
            leaving.add(ranks.start(() -> {
                get(one).close();
                return "left";
            }));
        }
        assertThat(leaving.stream().map(Ranks::get)).hasSize(3).containsOnly("left");
    }

    @Test
    void rankThatDoesNotComeIsNamedOnAllOthers() {
        int port = freePort();
        Future<?> zero = ranks.start(() -> join(0, 4, port, SHORT));
        Future<?> two = ranks.start(() -> join(2, 4, port, SHORT));

        for (Future<?> one : List.of(zero, two)) {
            assertThat(failure(one))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessage(
                            "rank 0 on here, device 0: ranks: expected 4 within 0 s, found 2; ranks 1, 3 have not joined");
        }
    }

    @Test
    void rankThatComesTwiceIsRefusedOnAllRanks() throws Exception {
        int port = freePort();
        Future<?> zero = ranks.start(() -> join(0, 4, port, QUICK));
        Future<?> one = ranks.start(() -> join(1, 4, port, QUICK));
        Thread.sleep(300);
        Future<?> again = ranks.start(() -> join(1, 4, port, QUICK.withHost("there")));
        Thread.sleep(300);
        Future<?> late = ranks.start(() -> join(3, 4, port, QUICK));

        for (Future<?> each : List.of(zero, one, again, late)) {
            assertThat(failure(each))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessage("rank 1 on there, device 1: expected one rank 1, found another on here, device 1");
        }
    }

    @Test
    void otherVersionIsRefusedOnAllRanks() {
        int port = freePort();
        Future<?> zero = ranks.start(() -> join(0, 2, port, QUICK));
        Future<?> one = ranks.start(() -> join(1, 2, port, QUICK.withVersion("1.1")));

        for (Future<?> each : List.of(zero, one)) {
            assertThat(failure(each))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessage(
                            "rank 1 on here, device 1: mohawk4j: expected version 1.0 as of rank 0 on here, device 0,"
                                    + " found 1.1");
        }
    }

    @Test
    void otherNumberOfRanksIsRefusedOnAllRanks() {
        int port = freePort();
        Future<?> zero = ranks.start(() -> join(0, 2, port, QUICK));
        Future<?> one = ranks.start(() -> join(1, 3, port, QUICK));

        for (Future<?> each : List.of(zero, one)) {
            assertThat(failure(each))
                    .hasMessage("rank 1 on here, device 1: ranks: expected 2 as of rank 0 on here, device 0, found 3");
        }
    }

    @Test
    void portInUseIsNamedOnBothSides() throws IOException {
        try (ServerSocket other = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            int port = other.getLocalPort();
            Future<?> zero = ranks.start(() -> join(0, 2, port, SHORT));
            Future<?> one = ranks.start(() -> join(1, 2, port, SHORT));

            assertThat(failure(zero))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessage(
                            "rank 0 on here, device 0: MASTER_PORT: expected a free port, found " + port + " in use");
            assertThat(failure(one))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessage("rank 1 on here, device 1: MASTER_ADDR, MASTER_PORT: expected rank 0 at 127.0.0.1:"
                            + port + " within 0 s, found something that does not answer as rank 0");
        }
    }

    @Test
    void wrongAddressIsNamed() {
        int port = freePort();
        assertThat(failure(ranks.start(() -> join(1, 2, port, SHORT))))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("expected rank 0 at 127.0.0.1:" + port + " within 0 s, found no connection:");
        RankEnvironment nowhere = new RankEnvironment(1, 2, 0, "no-such-host.invalid", port);
        assertThat(failure(ranks.start(() -> TcpProcessGroup.join(nowhere, SHORT))))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage(
                        "rank 1 on here, device 0: MASTER_ADDR, MASTER_PORT: expected rank 0 at no-such-host.invalid:"
                                + port + " within 0 s, found no such host");
    }

    @Test
    void whateverElseConnectsIsPassedOver() throws Exception {
        int port = freePort();
        Future<TcpProcessGroup> zero = ranks.start(() -> join(0, 2, port, QUICK));
        Thread.sleep(300);
        try (Socket scanner = new Socket(InetAddress.getLoopbackAddress(), port)) {
            scanner.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.UTF_8));
            Future<TcpProcessGroup> one = ranks.start(() -> join(1, 2, port, QUICK));

            get(one).close();
            get(zero).close();
        }
    }
}
