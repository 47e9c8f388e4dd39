package org.mohawk4j.cli;

import java.util.Objects;
import picocli.CommandLine.IVersionProvider;

/** The version that the build wrote into the jar's manifest. */
final class Version implements IVersionProvider {
    static String number() {
        return Objects.requireNonNullElse(Version.class.getPackage().getImplementationVersion(), "(unpackaged build)");
    }

    @Override
    public String[] getVersion() {
        return new String[] {"mohawk " + number()};
    }
}
