package org.mohawk4j.backend.nd4j;

import org.mohawk4j.backend.Backend;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.BackendProvider;
import org.nd4j.linalg.factory.Nd4jBackend.NoAvailableBackendException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Offers ND4J's backend, {@code nd4j-native} unless the build put another on the class path. */
public final class Nd4jBackendProvider implements BackendProvider {
    private static final Logger LOG = LoggerFactory.getLogger(Nd4jBackendProvider.class);
    static final String NAME = "nd4j";
    private static final int RANK = 10;

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Availability availability() {
        try {
            return Availability.yes(
                    RANK,
                    "ND4J with "
                            + org.nd4j.linalg.factory.Nd4jBackend.load()
                                    .getClass()
                                    .getSimpleName());
        } catch (NoAvailableBackendException | LinkageError e) {
            return Availability.no("ND4J finds no backend it can run: " + e.getMessage());
        }
    }

    @Override
    public Availability availability(BackendOptions options) {
        return options.device() == 0
                ? availability()
                : Availability.no(
                        "expected device 0, the only one that ND4J is opened on, found device " + options.device());
    }

    @Override
    public Backend open(BackendOptions options) {
        if (System.getenv("OMP_WAIT_POLICY") == null) {
            LOG.warn("OMP_WAIT_POLICY is not set: idle threads will spin, which makes training several times slower;"
                    + " start the JVM with OMP_WAIT_POLICY=passive OPENBLAS_THREAD_TIMEOUT=4");
        }
        return new Nd4jBackend(options);
    }
}
