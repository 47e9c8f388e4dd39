package org.mohawk4j.backend.cpu;

import java.lang.reflect.Constructor;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which version of {@link Rows} runs: the one in vectors on Java 22 and later, if the module {@value #MODULE} is resolved
 * and this library was built with such a JDK; else the plain one. The system property {@value #PROPERTY} can say
 * {@code plain}.
 */
final class RowsVersion {
    private static final Logger LOG = LoggerFactory.getLogger(RowsVersion.class);
    private static final String MODULE = "jdk.incubator.vector";
    private static final String PROPERTY = "mohawk.cpu.rows";
    private static final String VECTORS = "org.mohawk4j.backend.cpu.VectorRows";
    private static final int SINCE = 22;

    /** The choice is the same each time, and is logged once. */
    private static final AtomicBoolean LOGGED = new AtomicBoolean();

    private RowsVersion() {}

    static Supplier<Rows> choose() {
        if ("plain".equals(System.getProperty(PROPERTY))) {
            return PlainRows::new;
        }
        Optional<Rows> vectors = vectors();
        return vectors.isPresent() ? vectors::get : PlainRows::new;
    }

    /** The version in vectors; empty if it cannot run, which is then logged. */
    private static Optional<Rows> vectors() {
        int version = Runtime.version().feature();
        if (version < SINCE) {
            log("Java {} has no vectors that this library uses, Java {} has", version, SINCE);
            return Optional.empty();
        }
        if (ModuleLayer.boot().findModule(MODULE).isEmpty()) {
            log("the JVM's option --add-modules {} makes it faster on Java {}", MODULE, version);
            return Optional.empty();
        }
        try {
            Constructor<?> constructor = Class.forName(VECTORS).getDeclaredConstructor();
            constructor.setAccessible(true);
            return Optional.of((Rows) constructor.newInstance());
        } catch (ClassNotFoundException e) {
            log("this library was built without vectors, by a JDK before {} (Java {} runs)", SINCE, version);
            return Optional.empty();
        } catch (ReflectiveOperationException | LinkageError e) {
            log("vectors do not work here ({}) on Java {}", e, version);
            return Optional.empty();
        }
    }

    private static void log(String reason, Object... details) {
        if (!LOGGED.getAndSet(true)) {
            LOG.info("CPU kernels run without the Vector API: " + reason, details);
        }
    }
}
