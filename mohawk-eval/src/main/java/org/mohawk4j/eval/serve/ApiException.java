package org.mohawk4j.eval.serve;

import java.util.Optional;

/** What a client is told when its request is not fulfilled. */
final class ApiException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int status;
    private final String code;
    private final transient Optional<String> parameter;

    private ApiException(int status, String code, Optional<String> parameter, String message) {
        super(message);
        this.status = status;
        this.code = code;
        this.parameter = parameter;
    }

    /** A value in the request that cannot be: 400. */
    static ApiException wrong(String parameter, String expected) {
        return new ApiException(400, "invalid_value", Optional.of(parameter), parameter + ": expected " + expected);
    }

    /** So many requests wait already, or those that there are take too much memory. */
    static ApiException tooMany(int queue) {
        return of(429, "queue_full", "expected at most " + queue + " requests to wait; try again later");
    }

    /** The heap is full, whatever was counted. */
    static ApiException outOfMemory() {
        return of(503, "out_of_memory", "out of memory; expected smaller requests, or fewer at once");
    }

    /** Anything else. */
    static ApiException of(int status, String code, String message) {
        return new ApiException(status, code, Optional.empty(), message);
    }

    int status() {
        return status;
    }

    String code() {
        return code;
    }

    Optional<String> parameter() {
        return parameter;
    }

    String explanation() {
        return String.valueOf(getMessage());
    }

    /** The kind of error in OpenAI's terms. */
    String type() {
        return status == 429 ? "rate_limit_error" : status >= 500 ? "server_error" : "invalid_request_error";
    }
}
