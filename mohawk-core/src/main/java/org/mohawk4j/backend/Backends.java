package org.mohawk4j.backend;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.ServiceLoader;
import java.util.stream.Collectors;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.UserHome;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Finds backends with {@link ServiceLoader} and opens the one asked for, or the best one that runs here. */
public final class Backends {
    /** The name that leaves the choice open. */
    public static final String AUTO = "auto";

    private static final Logger LOG = LoggerFactory.getLogger(Backends.class);

    static {
        // before a backend asks JavaCPP for natives, which it keeps below the home folder
        UserHome.repair();
    }

    private Backends() {}

    /**
     * @param name a provider's name, or {@link #AUTO}
     * @throws InvalidInputException if no such backend is on the class path, or it cannot run here
     */
    public static Backend open(String name, BackendOptions options) {
        List<BackendProvider> providers = new ArrayList<>();
        ServiceLoader.load(BackendProvider.class).forEach(providers::add);
        return open(name, options, providers);
    }

    static Backend open(String name, BackendOptions options, List<BackendProvider> providers) {
        String present = providers.stream().map(BackendProvider::name).collect(Collectors.joining(", "));
        List<Candidate> candidates = providers.stream()
                .filter(p -> name.equals(AUTO) || name.equals(p.name()))
                .map(p -> new Candidate(p, p.availability(options)))
                .sorted(Comparator.comparingInt(
                                (Candidate c) -> c.availability().rank())
                        .reversed())
                .toList();
        if (candidates.isEmpty()) {
            throw new InvalidInputException("backend '" + name + "' is not on the class path; present: "
                    + (present.isEmpty() ? "none" : present));
        }
        candidates.stream()
                .filter(c -> !c.availability().usable())
                .forEach(c -> LOG.info(
                        "backend {} skipped: {}",
                        c.provider().name(),
                        c.availability().reason()));
        Candidate best = candidates.get(0);
        if (!best.availability().usable()) {
            throw new InvalidInputException("backend '" + name + "' cannot run here: " + reasons(candidates));
        }
        LOG.info("backend {}: {}", best.provider().name(), best.availability().reason());
        return best.provider().open(options);
    }

    /**
     * Opens a backend that computes nothing and tells what a device would be asked to do.
     *
     * @param name a provider's name
     * @throws InvalidInputException if no backend of that name can do so
     */
    public static Backend openDry(String name, BackendOptions options, DeviceModel device) {
        return ServiceLoader.load(BackendProvider.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(provider -> provider.name().equals(name))
                .findFirst()
                .flatMap(provider -> provider.openDry(options, device))
                .orElseThrow(() -> new InvalidInputException("backend '" + name
                        + "' cannot be planned for: expected one on the class path that can run without its device"));
    }

    private static String reasons(List<Candidate> candidates) {
        if (candidates.size() == 1) {
            return candidates.get(0).availability().reason();
        }
        return candidates.stream()
                .map(c -> c.provider().name() + ": " + c.availability().reason())
                .collect(Collectors.joining("; "));
    }

    private record Candidate(BackendProvider provider, BackendProvider.Availability availability) {}
}
