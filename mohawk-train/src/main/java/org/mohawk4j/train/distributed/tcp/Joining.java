package org.mohawk4j.train.distributed.tcp;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import org.mohawk4j.InvalidInputException;

/** A rank other than 0, on its way into the group. */
final class Joining {
    private static final int CONNECT_MILLIS = 2_000;
    private static final int PAUSE_MILLIS = 100;

    /** How much longer than this rank's patience rank 0's answer may take. */
    private static final int REPLY_MILLIS = 2_000;

    private Joining() {}

    /**
     * Connects to rank 0, which may come later, and waits until it has all ranks.
     *
     * @throws InvalidInputException if rank 0 is not there in time, or refuses the run
     */
    static Joined group(Hello own, String address, int port, Duration atMost) {
        long deadline = System.nanoTime() + atMost.toNanos();
        String found = "nothing";
        do {
            Socket socket = new Socket();
            try {
                socket.connect(new InetSocketAddress(address, port), CONNECT_MILLIS);
                return greet(own, socket, Math.toIntExact(atMost.toMillis()) + REPLY_MILLIS);
            } catch (IOException e) {
                found = describe(socket.isConnected(), e);
                close(socket);
                pause();
            }
        } while (System.nanoTime() < deadline);
        throw new InvalidInputException(own.name() + ": MASTER_ADDR, MASTER_PORT: expected rank 0 at " + address + ":"
                + port + " within " + atMost.toSeconds() + " s, found " + found);
    }

    private static Joined greet(Hello own, Socket socket, int patience) throws IOException {
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(patience);
        own.message().writeTo(new DataOutputStream(socket.getOutputStream()));
        Message answer = Message.readFrom(new DataInputStream(socket.getInputStream()));
        socket.setSoTimeout(0);
        switch (answer.kind()) {
            case REFUSE -> {
                close(socket);
                throw new InvalidInputException(answer.text());
            }
            case WELCOME -> {
                return new Joined(
                        Map.of(0, new Connection(0, socket)),
                        answer.parts().stream()
                                .map(host -> new String(host, StandardCharsets.UTF_8))
                                .toList());
            }
            default -> throw new IOException("expected the answer of rank 0, found " + answer.kind());
        }
    }

    private static String describe(boolean connected, IOException e) {
        if (connected) {
            return e instanceof SocketTimeoutException || e instanceof EOFException
                    ? "something that does not answer as rank 0"
                    : "something else: " + e.getMessage();
        }
        if (e instanceof UnknownHostException) {
            return "no such host";
        }
        return e instanceof ConnectException ? "no connection: " + e.getMessage() : "no answer";
    }

    private static void pause() {
        try {
            Thread.sleep(PAUSE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while joining the ranks", e);
        }
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            // it is of no use any more, open or not
            return;
        }
    }
}
