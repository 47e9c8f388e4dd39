package org.mohawk4j.train.distributed.tcp;

import java.io.IOException;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.distributed.RankFailedException;

/**
 * Why a group has ended.
 *
 * @param line names the rank and its host
 * @param isRefusal whether it is bad input
 */
record Failure(String line, boolean isRefusal) {
    static Failure of(Message message) throws IOException {
        return new Failure(message.text(), message.kind() == Message.Kind.REFUSE);
    }

    Message message() {
        return Message.ofText(isRefusal ? Message.Kind.REFUSE : Message.Kind.FAIL, line);
    }

    /** A new one for each thread that it ends. */
    RuntimeException exception() {
        return isRefusal ? new InvalidInputException(line) : new RankFailedException(line);
    }
}
