package org.mohawk4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.CausalLinearAttention;
import org.mohawk4j.mixer.MatrixMixer;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.ModelFormat;
import org.mohawk4j.tensor.Engine;

/** A form of model whose head is its embedding: such a student cannot be saved. */
class TiedWeightsTest {
    @TempDir
    Path folder;

    /** Found by its own kind of mixer, which no other form knows. */
    public static final class TiedFormat implements ModelFormat {
        @Override
        public String name() {
            return "tied";
        }

        @Override
        public boolean accepts(ConfigNode config) {
            return false;
        }

        @Override
        public CausalLmConfig read(ConfigNode config) {
            throw new UnsupportedOperationException("nothing is read");
        }

        @Override
        public Optional<ObjectNode> write(CausalLmConfig config) {
            return config.mixers().get(0) instanceof OwnConfig
                    ? Optional.of(JsonNodeFactory.instance.objectNode())
                    : Optional.empty();
        }

        @Override
        public String fileName(CausalLmConfig config, String parameter) {
            return parameter.replace("lm_head.weight", "embedding.weight");
        }
    }

    private record OwnConfig(long width) implements MixerConfig {
        @Override
        public int heads() {
            return 4;
        }

        @Override
        public MatrixMixer create(Engine engine, RandomGenerator random) {
            return new CausalLinearAttention.Config(width, 4, 8, 8).create(engine, random);
        }
    }

    @Test
    void twoParametersInOneTensorAreFoundBeforeTraining() throws IOException {
        Path services = folder.resolve("classes/META-INF/services");
        Files.createDirectories(services);
        Files.writeString(services.resolve(ModelFormat.class.getName()), TiedFormat.class.getName());
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        TinyRun run = new TinyRun(folder.resolve("run"), Map.of(), new OwnConfig(32), List.of());
        try (URLClassLoader loader = new URLClassLoader(
                new URL[] {folder.resolve("classes").toUri().toURL()},
                getClass().getClassLoader())) {
            thread.setContextClassLoader(loader);

            assertThatThrownBy(run::start)
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessage("a model of the form tied cannot be saved: it keeps embedding.weight and"
                            + " lm_head.weight in one tensor, embedding.weight, but they are trained apart");
        } finally {
            thread.setContextClassLoader(before);
        }
        assertThat(run.folder()).doesNotExist();
    }
}
