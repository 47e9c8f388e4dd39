package org.mohawk4j.train.distributed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mohawk4j.InvalidInputException;

class RankEnvironmentTest {
    /** Of words such as {@code RANK=1 WORLD_SIZE=2}. */
    private static Map<String, String> environment(String words) {
        Map<String, String> environment = new HashMap<>();
        for (String word : words.split(" ", -1)) {
            if (!word.isEmpty()) {
                String[] pair = word.split("=", 2);
                environment.put(pair[0], pair[1]);
            }
        }
        return environment;
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        # torchrun, the training operators of Kubernetes, and whoever sets the same
        RANK=3 WORLD_SIZE=4 LOCAL_RANK=1 MASTER_ADDR=a MASTER_PORT=5      | 3 | 4 | 1 | a | 5
        RANK=3 WORLD_SIZE=4 MASTER_ADDR=a MASTER_PORT=5                   | 3 | 4 | 0 | a | 5
        RANK=1 WORLD_SIZE=2 MASTER_ADDR=a MASTER_PORT=5 TORCHELASTIC_USE_AGENT_STORE=True | 1 | 2 | 0 | a | 6
        RANK=1 WORLD_SIZE=2 LOCAL_RANK=1 MASTER_ADDR=a MASTER_PORT=5 CUDA_VISIBLE_DEVICES=7 | 1 | 2 | 0 | a | 5
        RANK=1 WORLD_SIZE=2 LOCAL_RANK=1 MASTER_ADDR=a MASTER_PORT=5 CUDA_VISIBLE_DEVICES=6,7 | 1 | 2 | 1 | a | 5
        # closest to the process wins
        RANK=1 WORLD_SIZE=2 MASTER_ADDR=a MASTER_PORT=5 SLURM_PROCID=7 SLURM_NTASKS=8 OMPI_COMM_WORLD_RANK=2 OMPI_COMM_WORLD_SIZE=4 | 1 | 2 | 0 | a | 5
        OMPI_COMM_WORLD_RANK=2 OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_LOCAL_RANK=1 MASTER_ADDR=a SLURM_PROCID=0 SLURM_NTASKS=2 | 2 | 4 | 1 | a | 29500
        OMPI_COMM_WORLD_RANK=2 OMPI_COMM_WORLD_SIZE=4 MASTER_ADDR=a MASTER_PORT=7 | 2 | 4 | 0 | a | 7
        # SLURM
        SLURM_PROCID=5 SLURM_NTASKS=8 SLURM_LOCALID=1 SLURM_JOB_ID=123456 SLURM_JOB_NODELIST=n[03-04] SLURM_LAUNCH_NODE_IPADDR=10.0.0.1 | 5 | 8 | 1 | n03 | 23456
        SLURM_PROCID=5 SLURM_NTASKS=8 SLURM_LOCALID=1 SLURM_JOB_NODELIST=n[1-4] SLURM_STEP_NODELIST=n[3-4] | 5 | 8 | 1 | n3 | 29500
        SLURM_PROCID=5 SLURM_NTASKS=8 SLURM_LOCALID=1 SLURM_LAUNCH_NODE_IPADDR=10.0.0.1 | 5 | 8 | 1 | 10.0.0.1 | 29500
        SLURM_PROCID=5 SLURM_NTASKS=8 SLURM_LOCALID=1 SLURM_JOB_NODELIST=n1 MASTER_ADDR=b MASTER_PORT=9 | 5 | 8 | 1 | b | 9
        """)
    void ranksOfLaunchers(String words, int rank, int size, int device, String address, int port) {
        assertThat(RankEnvironment.of(environment(words)))
                .contains(new RankEnvironment(rank, size, device, address, port));
    }

    @ParameterizedTest
    @CsvSource({
        "''",
        "RANK=0 WORLD_SIZE=1",
        "RANK=0 WORLD_SIZE=1 MASTER_ADDR=a MASTER_PORT=5",
        "OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=1",
        "SLURM_PROCID=0 SLURM_NTASKS=1 SLURM_LOCALID=0 SLURM_JOB_NODELIST=n1",
        "SLURM_NTASKS=8 SLURM_JOB_NODELIST=n1",
        "MASTER_ADDR=a MASTER_PORT=5",
    })
    void aProcessByItself(String words) {
        assertThat(RankEnvironment.of(environment(words))).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        WORLD_SIZE=2                                    | RANK: expected beside WORLD_SIZE, found nothing
        RANK=1                                          | WORLD_SIZE: expected a whole number of at least 1, found nothing
        RANK=2 WORLD_SIZE=2                             | RANK: expected a whole number from 0 to 1, found '2'
        RANK=-1 WORLD_SIZE=2                            | RANK: expected a whole number from 0 to 1, found '-1'
        RANK=one WORLD_SIZE=2                           | RANK: expected a whole number from 0 to 1, found 'one'
        RANK=1 WORLD_SIZE=                              | WORLD_SIZE: expected a whole number of at least 1, found ''
        RANK=1 WORLD_SIZE=0                             | WORLD_SIZE: expected a whole number of at least 1, found '0'
        RANK=1 WORLD_SIZE=2 LOCAL_RANK=2                | LOCAL_RANK: expected a whole number from 0 to 1, found '2'
        RANK=1 WORLD_SIZE=2                             | MASTER_ADDR: expected the host of rank 0, found nothing
        RANK=1 WORLD_SIZE=2 MASTER_ADDR=                | MASTER_ADDR: expected the host of rank 0, found an empty value
        RANK=1 WORLD_SIZE=2 MASTER_ADDR=a               | MASTER_PORT: expected the port of rank 0, found nothing
        RANK=1 WORLD_SIZE=2 MASTER_ADDR=a MASTER_PORT=x | MASTER_PORT: expected a whole number from 1 to 65535, found 'x'
        RANK=1 WORLD_SIZE=2 MASTER_ADDR=a MASTER_PORT=0 | MASTER_PORT: expected a whole number from 1 to 65535, found '0'
        OMPI_COMM_WORLD_RANK=1                          | OMPI_COMM_WORLD_SIZE: expected a whole number of at least 1, found nothing
        OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2   | MASTER_ADDR: expected the host of rank 0, found nothing
        SLURM_PROCID=1                                  | SLURM_NTASKS: expected a whole number of at least 1, found nothing
        SLURM_PROCID=1 SLURM_NTASKS=2                   | MASTER_ADDR: expected the host of rank 0, found nothing
        SLURM_PROCID=1 SLURM_NTASKS=2 SLURM_JOB_NODELIST=n[1-2 | SLURM_JOB_NODELIST: expected nodes such as node[1-4], found 'n[1-2'
        """)
    void wrongVariablesAreNamed(String words, String line) {
        assertThatThrownBy(() -> RankEnvironment.of(environment(words)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage(line);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        node1                  | node1
        node1,node2            | node1
        node[1-4]              | node1
        node[003-005,9]        | node003
        node[7,9-12]-gpu[2-3],x| node7-gpu2
        rack[1-2]node[04]      | rack1node04
        a.example.org,b        | a.example.org
        """)
    void firstNodeOfAList(String list, String first) {
        assertThat(SlurmNodes.first("LIST", list)).isEqualTo(first);
    }

    @Test
    void listsThatNameNoNodeAreRefused() {
        for (String list : new String[] {"", ",a", "n[", "n[]", "n[,1]"}) {
            assertThatThrownBy(() -> SlurmNodes.first("LIST", list))
                    .as(list)
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageStartingWith("LIST: expected nodes");
        }
    }
}
