package org.mohawk4j.cli;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.ServiceLoader;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.BackendProvider;
import org.mohawk4j.backend.Collectives;
import org.mohawk4j.backend.Communicator;
import org.mohawk4j.train.distributed.HostCommunicator;
import org.mohawk4j.train.distributed.RankEnvironment;
import org.mohawk4j.train.distributed.tcp.TcpProcessGroup;
import org.mohawk4j.train.distributed.tcp.TcpSettings;

/**
 * The ND4J backend with collective operations, by which processes without a GPU train together: what NCCL is on GPUs is here
 * a group of its own connections. Not listed for {@link ServiceLoader}: a test lists it for the processes that it starts.
 */
public final class HostRanksProvider implements BackendProvider {
    static final String NAME = "host-ranks";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Availability availability() {
        return Availability.yes(0, "ND4J with collective operations");
    }

    @Override
    public Backend open(BackendOptions options) {
        Backend own = ServiceLoader.load(BackendProvider.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(provider -> provider.name().equals("nd4j"))
                .findFirst()
                .orElseThrow()
                .open(options.withDevice(0));
        return (Backend) Proxy.newProxyInstance(
                Backend.class.getClassLoader(), new Class<?>[] {Backend.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("collectives")) {
                        return Optional.of(new Connected(own));
                    }
                    try {
                        return method.invoke(own, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private record Connected(Backend backend) implements Collectives {
        @Override
        public byte[] newGroup() {
            try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
                return String.valueOf(socket.getLocalPort()).getBytes(StandardCharsets.UTF_8);
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }

        @Override
        public Communicator join(byte[] group, int rank, int size) {
            int port = Integer.parseInt(new String(group, StandardCharsets.UTF_8));
            TcpProcessGroup connected = TcpProcessGroup.join(
                    new RankEnvironment(rank, size, rank, "127.0.0.1", port), TcpSettings.defaults());
            Communicator own = HostCommunicator.join(connected, backend);
            return (Communicator) Proxy.newProxyInstance(
                    Communicator.class.getClassLoader(),
                    new Class<?>[] {Communicator.class},
                    (proxy, method, given) -> {
                        if (method.getName().equals("abort")) {
                            connected.fail("aborted");
                        } else if (method.getName().equals("close")) {
                            connected.close();
                        }
                        try {
                            return method.invoke(own, given);
                        } catch (InvocationTargetException e) {
                            throw e.getCause();
                        }
                    });
        }
    }
}
