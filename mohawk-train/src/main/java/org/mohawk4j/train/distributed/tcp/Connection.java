package org.mohawk4j.train.distributed.tcp;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** A connection to another rank. A thread reads and one writes, so that a rank that does not read blocks nobody. */
final class Connection {
    private final int peer;
    private final Socket socket;
    private final DataInputStream in;
    private final DataOutputStream out;
    private final BlockingQueue<Optional<Message>> outgoing = new LinkedBlockingQueue<>();
    private final Thread writer = new Thread(this::write, "mohawk-rank-writer");
    private Thread reader = new Thread("mohawk-rank-reader");

    /** Gets what a connection brings, on the connection's thread. */
    interface Receiver {
        void received(int peer, Message message) throws IOException;

        /** The connection has ended, for whatever reason. */
        void lost(int peer);
    }

    /** A connection that {@link Hello} came through. */
    Connection(int peer, Socket socket) throws IOException {
        this.peer = peer;
        this.socket = socket;
        this.in = new DataInputStream(new BufferedInputStream(socket.getInputStream()));
        this.out = new DataOutputStream(new BufferedOutputStream(socket.getOutputStream()));
        writer.setDaemon(true);
        writer.start();
    }

    Message read() throws IOException {
        return Message.readFrom(in);
    }

    /** Begins to pass on what comes. */
    void start(Receiver receiver) {
        reader = new Thread(() -> receive(receiver), "mohawk-rank-reader");
        reader.setDaemon(true);
        reader.start();
    }

    private void receive(Receiver receiver) {
        try {
            while (true) {
                receiver.received(peer, read());
            }
        } catch (IOException e) {
            // how a connection ends says nothing: a killed process, a cable and a reset look alike
            receiver.lost(peer);
        }
    }

    void send(Message message) {
        outgoing.add(Optional.of(message));
    }

    private void write() {
        try {
            for (Optional<Message> next = outgoing.take(); next.isPresent(); next = outgoing.take()) {
                next.get().writeTo(out);
            }
            socket.shutdownOutput();
        } catch (IOException e) {
            // the reader notices as well, and tells
            outgoing.clear();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Nothing is sent from here on. */
    void finish() {
        outgoing.add(Optional.empty());
    }

    /** Waits until what was sent is written and, if it is read from, the other side has closed; then closes. */
    void close(Duration atMost) {
        try {
            if (reader.isAlive() && Thread.currentThread() != reader) {
                reader.join(atMost.toMillis());
            } else {
                writer.join(atMost.toMillis());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            closeSocket();
        }
    }

    private void closeSocket() {
        try {
            socket.close();
        } catch (IOException e) {
            // there is nobody left to tell, and nothing that this could lose
            return;
        }
    }
}
