package org.mohawk4j.eval.serve;

import org.mohawk4j.InvalidInputException;

/**
 * How a model is served.
 *
 * @param model the name it goes by
 * @param host the address to listen on
 * @param port 0 for any that is free
 * @param queue how many requests may wait for the model; those beyond are refused
 * @param maxBodyBytes of a request
 */
public record ServeConfig(String model, String host, int port, int queue, int maxBodyBytes) {
    public ServeConfig {
        require("port", port, 0, 65_535);
        require("queue", queue, 1, 100_000);
        require("max-body", maxBodyBytes, 1024, 1 << 30);
    }

    private static void require(String name, int value, int least, int most) {
        if (value < least || value > most) {
            throw new InvalidInputException(
                    name + ": expected a whole number from " + least + " to " + most + ", got " + value);
        }
    }
}
