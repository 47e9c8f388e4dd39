package org.mohawk4j.backend.nd4j;

import org.mohawk4j.backend.Backend;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.BackendProvider;
import org.nd4j.linalg.factory.Nd4jBackend.NoAvailableBackendException;

/** Offers ND4J's backend, {@code nd4j-native} unless the build put another on the class path. */
public final class Nd4jBackendProvider implements BackendProvider {
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
    public Backend open(BackendOptions options) {
        return new Nd4jBackend(options);
    }
}
