package org.mohawk4j.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostSource;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.HostTensors;
import org.mohawk4j.tensor.types.Shape;

/** Tensors that are larger than one buffer. */
class TensorPiecesTest {
    /** An embedding of 256,000 rows of 2,304, as Gemma 2 has one. */
    private static final Shape LARGE = Shape.of(256_000, 2_304);

    @TempDir
    Path folder;

    private static float[] numbers(HostSource source) {
        float[] all = new float[(int) source.shape().size()];
        source.forEachPiece((from, piece) -> {
            float[] part = HostTensors.toFloats(piece);
            System.arraycopy(part, 0, all, (int) from, part.length);
        });
        return all;
    }

    private static float[] ascending(int count) {
        float[] values = new float[count];
        IntStream.range(0, count).forEach(i -> values[i] = i);
        return values;
    }

    @Test
    void aStreamedTensorIsReadEachTimeAndWhileTheFileIsOpen() {
        Path file = folder.resolve("model.safetensors");
        int count = HostSource.PIECE_BYTES / Float.BYTES + 3;
        HostTensor x = HostTensors.of(Shape.of(count), ascending(count));
        write(file, x);
        List<Long> starts = new ArrayList<>();
        HostSource source;
        try (SafetensorsFile weights = SafetensorsFile.open(file)) {
            source = weights.stream("x");
            source.forEachPiece((from, piece) -> starts.add(from));

            assertThat(starts).containsExactly(0L, count - 3L);
            assertThat(numbers(source)).isEqualTo(ascending(count));
            assertThat(numbers(source.as(DType.FLOAT64))).isEqualTo(ascending(count));
        }
        assertThatThrownBy(() -> numbers(source)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aTensorIsMappedPieceByPiece() {
        Path file = folder.resolve("model.safetensors");
        HostTensor x = HostTensors.of(Shape.of(5, 7), ascending(35));
        write(file, x);
        HostSource source;
        List<Long> starts = new ArrayList<>();
        try (SafetensorsFile weights = SafetensorsFile.open(file)) {
            source = weights.numbers("x", 41);
        }
        source.forEachPiece((from, piece) -> starts.add(from));

        assertThat(starts).containsExactly(0L, 10L, 20L, 30L);
        assertThat(numbers(source)).isEqualTo(ascending(35));
        assertThat(numbers(source.as(DType.BFLOAT16))).isEqualTo(ascending(35));
    }

    @Test
    void aTensorIsWrittenPieceByPieceAsAtOnce() {
        HostTensor x = HostTensors.of(Shape.of(5, 7), ascending(35));
        Path atOnce = folder.resolve("at-once.safetensors");
        Path inPieces = folder.resolve("in-pieces.safetensors");
        write(atOnce, x);
        try (SafetensorsFile weights = SafetensorsFile.open(atOnce)) {
            write(inPieces, weights.numbers("x", 12));
        }

        assertThat(inPieces).hasSameBinaryContentAs(atOnce);
    }

    @Test
    @Tag("slow")
    void anEmbeddingOfMoreThanTwoGibibytesIsReadAndWritten() {
        Path narrow = folder.resolve("bf16.safetensors");
        Path wide = folder.resolve("f32.safetensors");
        long last = LARGE.dim(0) - 1;
        try (Engine engine = Engine.open("nd4j", BackendOptions.defaults())) {
            write(narrow, new Rows(LARGE));
            try (SafetensorsFile weights = SafetensorsFile.open(narrow);
                    var scope = engine.scope()) {
                Tensor x = engine.tensor(weights.numbers("x"), DType.FLOAT32);
                assertThat(x.narrow(0, last, 1).toFloats()).containsOnly((float) (last % 256));
                assertThat(x.narrow(0, 233_017, 1).toFloats()).containsOnly(233_017 % 256);
                write(wide, x.inPieces());
            }
            try (SafetensorsFile weights = SafetensorsFile.open(wide);
                    var scope = engine.scope()) {
                assertThatThrownBy(() -> weights.tensor("x"))
                        .isInstanceOf(InvalidInputException.class)
                        .hasMessageContaining("expected at most 2147483647 bytes");
                Tensor x = engine.tensor(weights.numbers("x"), DType.FLOAT32);
                assertThat(x.narrow(0, last, 1).toFloats()).containsOnly((float) (last % 256));
                assertThat(x.narrow(0, 1, 1).toFloats()).containsOnly(1);
            }
        }
    }

    /** Each row full of its index modulo 256, in bfloat16. */
    private record Rows(Shape shape) implements HostSource {
        @Override
        public DType dtype() {
            return DType.BFLOAT16;
        }

        @Override
        public void forEachPiece(PieceAction action) {
            int width = (int) shape.dim(1);
            float[] row = new float[width];
            for (long i = 0; i < shape.dim(0); i++) {
                Arrays.fill(row, (float) (i % 256));
                action.accept(i * width, HostTensors.convert(HostTensors.of(Shape.of(width), row), DType.BFLOAT16));
            }
        }
    }

    private static void write(Path file, HostSource x) {
        try (SafetensorsWriter writer =
                SafetensorsWriter.create(file, List.of(TensorSpec.of("x", x)), SafetensorsWriter.PYTORCH)) {
            writer.write("x", x);
            writer.commit();
        }
    }
}
