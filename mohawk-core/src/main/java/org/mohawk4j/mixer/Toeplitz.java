package org.mohawk4j.mixer;

import java.util.random.RandomGenerator;
import org.mohawk4j.Arguments;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.Records;
import org.mohawk4j.matrix.ToeplitzMatrix;
import org.mohawk4j.nn.Initializer;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;

/** A long causal convolution per head, the same for every input (MOHAWK, arXiv 2408.10189, table 5). */
public final class Toeplitz extends ProjectedMixer {
    /**
     * @param width D
     * @param innerWidth H·P
     * @param heads H, dividing H·P
     * @param maxTime the longest T
     * @param chunk Q, positions that are multiplied as one dense block
     */
    public record Config(long width, long innerWidth, int heads, long maxTime, int chunk) implements MixerConfig {
        public Config {
            requireHeads("Toeplitz", width, innerWidth, heads);
            Arguments.atLeast(1, "Toeplitz: longest time", maxTime);
            Arguments.atLeast(1, "Toeplitz: chunk", chunk);
        }

        /** As wide inside as outside: H·P = D. */
        public Config(long width, int heads, long maxTime, int chunk) {
            this(width, width, heads, maxTime, chunk);
        }

        /** As wide as another mixer, inside and outside, and with as many heads; Q = 64. */
        public static Config like(MixerConfig other, long maxTime) {
            return new Config(other.width(), other.innerWidth(), other.heads(), maxTime, 64);
        }

        public Config withChunk(int chunk) {
            return new Config(width, innerWidth, heads, maxTime, chunk);
        }

        @Override
        public Toeplitz create(Engine engine, RandomGenerator random) {
            return new Toeplitz(engine, this, random);
        }

        @Override
        public String toString() {
            return Records.toString(this);
        }
    }

    private final Config config;
    private final Parameter coefficients;

    public Toeplitz(Engine engine, Config config, RandomGenerator random) {
        super(engine, config.width(), config.innerWidth(), config.heads(), random);
        this.config = config;
        long maxTime = config.maxTime();
        // the mean over the past, as an attention that attends everywhere
        coefficients = parameter(
                "coefficients", Shape.of(config.heads(), maxTime), Initializer.byIndex(i -> 1.0 / (1 + i % maxTime)));
    }

    @Override
    public ToeplitzMatrix matrix(Tensor u) {
        if (u.dim(1) > config.maxTime()) {
            throw new InvalidInputException(
                    "a Toeplitz mixer for up to " + config.maxTime() + " positions is given " + u.dim(1));
        }
        return new ToeplitzMatrix(coefficients.value().narrow(1, 0, u.dim(1)), u.dim(0), config.chunk());
    }
}
