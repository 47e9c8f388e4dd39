package org.mohawk4j.train.distributed;

import org.mohawk4j.InvalidInputException;

/** SLURM's lists of nodes, such as {@code login,node[003-005,9]-gpu[1-2]}. */
final class SlurmNodes {
    private SlurmNodes() {}

    /**
     * The first node of a list.
     *
     * @param name what error messages call the list
     * @throws InvalidInputException if the list is empty or a bracket is not closed
     */
    static String first(String name, String list) {
        StringBuilder host = new StringBuilder();
        int at = 0;
        while (at < list.length() && list.charAt(at) != ',') {
            char next = list.charAt(at);
            if (next != '[') {
                host.append(next);
                at++;
                continue;
            }
            int end = list.indexOf(']', at);
            String ranges = end < 0 ? "" : list.substring(at + 1, end);
            String first = ranges.split("[-,]", 2)[0];
            if (first.isEmpty()) {
                throw wrong(name, list);
            }
            host.append(first);
            at = end + 1;
        }
        if (host.toString().isBlank()) {
            throw wrong(name, list);
        }
        return host.toString().strip();
    }

    private static InvalidInputException wrong(String name, String list) {
        return new InvalidInputException(name + ": expected nodes such as node[1-4], found '" + list + "'");
    }
}
