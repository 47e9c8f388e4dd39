package com.example;

import org.junit.jupiter.api.Test;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.Backends;
import org.mohawk4j.tensor.Engine;

class SmokeTest {
    @Test
    void opens() {
        try (Engine engine = Engine.open(Backends.AUTO, BackendOptions.defaults())) {
            System.out.println(engine);
        }
    }
}
