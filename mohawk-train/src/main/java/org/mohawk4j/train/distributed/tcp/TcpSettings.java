package org.mohawk4j.train.distributed.tcp;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How a group of processes waits for its ranks.
 *
 * @param join how long ranks wait until all have joined
 * @param rank how long a rank may be silent, or take no step while others wait for it; ten times as long until its first
 *     step of a stage and around a checkpoint, since loading a teacher, compiling kernels and disks take their time
 * @param leave how long the training thread may take to leave a group that has failed
 * @param version of the library, which has to be the same on all ranks
 * @param host where this rank runs
 * @param stuck gets the failure if the training thread has not left in time: it waits for a device that does not answer.
 *     To end the process is all that can be done
 */
public record TcpSettings(
        Duration join, Duration rank, Duration leave, String version, String host, Consumer<RuntimeException> stuck) {
    private static final Logger LOG = LoggerFactory.getLogger(TcpSettings.class);

    /** How many times {@code rank} a rank may take until its first step, or for a pause between two steps. */
    static final int PAUSE = 10;

    private static final Duration MOST_BEAT = Duration.ofSeconds(1);

    /** Of signs of life; a rank that may be silent for a short time only gives more of them. */
    private static final int BEATS = 8;

    /** The defaults. */
    public static TcpSettings defaults() {
        return new TcpSettings(
                Duration.ofSeconds(25),
                Duration.ofSeconds(60),
                Duration.ofSeconds(5),
                Objects.requireNonNullElse(
                        TcpSettings.class.getPackage().getImplementationVersion(), "(unpackaged build)"),
                localHost(),
                failure -> LOG.error("{}; the training thread does not end", failure.getMessage()));
    }

    private static String localHost() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            LOG.info("this host has no name of its own: {}", e.getMessage());
            return "an unnamed host";
        }
    }

    /** Between two signs of life. */
    Duration beat() {
        Duration beat = rank.dividedBy(BEATS);
        return beat.compareTo(MOST_BEAT) < 0 ? beat : MOST_BEAT;
    }

    public TcpSettings withJoin(Duration value) {
        return new TcpSettings(value, rank, leave, version, host, stuck);
    }

    public TcpSettings withRank(Duration value) {
        return new TcpSettings(join, value, leave, version, host, stuck);
    }

    public TcpSettings withLeave(Duration value) {
        return new TcpSettings(join, rank, value, version, host, stuck);
    }

    public TcpSettings withVersion(String value) {
        return new TcpSettings(join, rank, leave, value, host, stuck);
    }

    public TcpSettings withHost(String value) {
        return new TcpSettings(join, rank, leave, version, value, stuck);
    }

    public TcpSettings withStuck(Consumer<RuntimeException> value) {
        return new TcpSettings(join, rank, leave, version, host, value);
    }
}
