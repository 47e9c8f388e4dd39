package org.mohawk4j.train.distributed;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;

/**
 * Which rank of a run this process is, as its launcher says in its environment. The first of these that is there
 * counts:
 *
 * <ol>
 *   <li>{@code RANK} and {@code WORLD_SIZE}, with {@code LOCAL_RANK}, {@code MASTER_ADDR} and {@code MASTER_PORT}: torchrun
 *       and the training operators of Kubernetes. They are set by whatever is closest to the process.
 *   <li>{@code OMPI_COMM_WORLD_RANK}, {@code …_SIZE} and {@code …_LOCAL_RANK}: Open MPI, also inside of a SLURM job, whose
 *       variables then count mpirun's daemons.
 *   <li>{@code SLURM_PROCID}, {@code SLURM_NTASKS} and {@code SLURM_LOCALID}: SLURM's {@code srun}.
 * </ol>
 *
 * <p>{@code MASTER_ADDR} and {@code MASTER_PORT} count wherever they are set.
 *
 * @param rank from 0
 * @param size ranks, at least 2
 * @param device which of the GPUs that this process sees
 * @param address where rank 0 listens
 * @param port where rank 0 listens
 */
public record RankEnvironment(int rank, int size, int device, String address, int port) {
    private static final String ADDRESS = "MASTER_ADDR";
    private static final String PORT = "MASTER_PORT";
    private static final int USUAL_PORT = 29_500;
    private static final int LARGEST_PORT = 65_535;

    /** Ports of jobs of SLURM: below those that systems hand out themselves. */
    private static final int SLURM_PORTS = 20_000;

    private static final int SLURM_PORT_COUNT = 10_000;

    /** The names of one launcher's variables. */
    private record Names(String rank, String size, String localRank) {
        boolean isIn(Map<String, String> environment) {
            return environment.containsKey(rank);
        }
    }

    private static final Names TORCHRUN = new Names("RANK", "WORLD_SIZE", "LOCAL_RANK");
    private static final Names OPEN_MPI =
            new Names("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK");
    private static final Names SLURM = new Names("SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID");

    /**
     * Reads the environment.
     *
     * @return empty if this process is a run of its own
     * @throws InvalidInputException if a variable is missing, or its value is wrong
     */
    public static Optional<RankEnvironment> of(Map<String, String> environment) {
        // a size without a rank is a mistake only here: SLURM and Open MPI set theirs for other programs as well
        if (!TORCHRUN.isIn(environment) && environment.containsKey(TORCHRUN.size())) {
            throw new InvalidInputException(
                    TORCHRUN.rank() + ": expected beside " + TORCHRUN.size() + ", found nothing");
        }
        for (Names names : List.of(TORCHRUN, OPEN_MPI, SLURM)) {
            if (names.isIn(environment)) {
                return of(names, environment);
            }
        }
        return Optional.empty();
    }

    private static Optional<RankEnvironment> of(Names names, Map<String, String> environment) {
        int size = whole(environment, names.size(), 1, Integer.MAX_VALUE);
        int rank = whole(environment, names.rank(), 0, size - 1);
        int local = environment.containsKey(names.localRank()) ? whole(environment, names.localRank(), 0, rank) : 0;
        if (size == 1) {
            return Optional.empty();
        }
        return Optional.of(new RankEnvironment(
                rank, size, device(local, environment), address(names, environment), port(names, environment)));
    }

    /** A launcher that shows each process a GPU of its own leaves no choice. */
    private static int device(int localRank, Map<String, String> environment) {
        String visible = environment.getOrDefault("CUDA_VISIBLE_DEVICES", "");
        boolean isOne = !visible.isBlank() && !visible.contains(",");
        return isOne ? 0 : localRank;
    }

    private static String address(Names names, Map<String, String> environment) {
        String given = environment.getOrDefault(ADDRESS, "").strip();
        if (!given.isEmpty()) {
            return given;
        }
        if (names.equals(SLURM)) {
            // the node that a step was started from may be a login node: rank 0 is on the first of the step's nodes
            for (String nodes : List.of("SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST", "SLURM_NODELIST")) {
                if (!environment.getOrDefault(nodes, "").isBlank()) {
                    return SlurmNodes.first(nodes, environment.getOrDefault(nodes, ""));
                }
            }
            String launching =
                    environment.getOrDefault("SLURM_LAUNCH_NODE_IPADDR", "").strip();
            if (!launching.isEmpty()) {
                return launching;
            }
        }
        throw new InvalidInputException(ADDRESS + ": expected the host of rank 0, found "
                + (environment.containsKey(ADDRESS) ? "an empty value" : "nothing"));
    }

    private static int port(Names names, Map<String, String> environment) {
        if (environment.containsKey(PORT)) {
            int port = whole(environment, PORT, 1, LARGEST_PORT);
            // torchrun itself listens there
            boolean isTaken = "true".equalsIgnoreCase(environment.get("TORCHELASTIC_USE_AGENT_STORE"));
            return isTaken && port < LARGEST_PORT ? port + 1 : port;
        }
        if (names.equals(TORCHRUN)) {
            throw new InvalidInputException(PORT + ": expected the port of rank 0, found nothing");
        }
        if (names.equals(SLURM) && environment.containsKey("SLURM_JOB_ID")) {
            // jobs that share a node should not meet
            return SLURM_PORTS + whole(environment, "SLURM_JOB_ID", 0, Integer.MAX_VALUE) % SLURM_PORT_COUNT;
        }
        return USUAL_PORT;
    }

    private static int whole(Map<String, String> environment, String name, int least, int most) {
        String text = environment.get(name);
        String range = most == Integer.MAX_VALUE ? "of at least " + least : "from " + least + " to " + most;
        try {
            if (text != null) {
                int value = Integer.parseInt(text.strip());
                if (value >= least && value <= most) {
                    return value;
                }
            }
        } catch (NumberFormatException e) {
            throw new InvalidInputException(wrong(name, range, text), e);
        }
        throw new InvalidInputException(wrong(name, range, text));
    }

    private static String wrong(String name, String range, @Nullable String text) {
        return name + ": expected a whole number " + range + ", found " + (text == null ? "nothing" : "'" + text + "'");
    }
}
