package org.mohawk4j.train.distributed.tcp;

import java.util.List;
import java.util.Map;

/**
 * A rank's place in a group that is complete.
 *
 * @param connections by rank: rank 0 has all of the others', they have the one to rank 0
 * @param hosts by rank
 */
record Joined(Map<Integer, Connection> connections, List<String> hosts) {}
