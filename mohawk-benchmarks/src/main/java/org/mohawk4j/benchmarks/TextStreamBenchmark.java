package org.mohawk4j.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.mohawk4j.data.DataLoader;
import org.mohawk4j.data.TokenBatch;
import org.mohawk4j.data.source.Encoding;
import org.mohawk4j.data.source.Mixture;
import org.mohawk4j.data.stream.StreamOptions;
import org.mohawk4j.data.stream.StreamingDataset;
import org.mohawk4j.data.tokens.TokenFile;
import org.mohawk4j.data.tokens.TokenFileWriter;
import org.mohawk4j.data.tokens.TokenVocabulary;
import org.mohawk4j.tokenizer.TokenizerJson;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Tokens per second from texts to batches. With {@code taskset -c 0} in front: of one core. */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 3)
@Measurement(iterations = 5, time = 5)
@Fork(
        value = 1,
        jvmArgsAppend = {"-XX:+UseSerialGC", "-Dai.djl.offline=true"})
@SuppressWarnings("NullAway.Init") // JMH sets parameters and calls prepare() before anything else
public class TextStreamBenchmark {
    private static final int BATCH = 8;
    private static final int CONTEXT = 2048;
    private static final int SHUFFLE = 1024;
    private static final int TOKENS = 50_000_000;
    private static final int VOCABULARY = 50_257;

    /** Texts of any kind; without, a token file of 50 million ids. */
    @Param("")
    public String text;

    /** A tokenizer.json, or a folder with one; for texts. */
    @Param("")
    public String tokenizer;

    @Param({"1", "2"})
    public int readers;

    private Path file;
    private DataLoader batches;

    @Setup(Level.Trial)
    public void prepare() throws IOException {
        file = Files.createTempFile("benchmark", "." + TokenFile.ENDING);
        StreamOptions options = new StreamOptions(readers, SHUFFLE);
        if (text.isEmpty()) {
            write();
            Encoding none = new Encoding(
                    any -> {
                        throw new IllegalStateException("there is no text in a token file");
                    },
                    0,
                    VOCABULARY,
                    "text",
                    TokenFile.UNKNOWN_TOKENIZER);
            batches = StreamingDataset.of(new Mixture(List.of(file.toString())), none, options)
                    .batches(CONTEXT, BATCH, 0);
        } else {
            TokenizerJson ids = TokenizerJson.load(Path.of(tokenizer));
            Encoding encoding = new Encoding(
                    ids::encode, ids.endOfText().orElseThrow(), ids.vocabularySize(), "text", ids.sha256());
            batches = StreamingDataset.of(new Mixture(List.of(text)), encoding, options)
                    .batches(CONTEXT, BATCH, 0);
        }
    }

    private void write() {
        int[] ids = new int[TokenFile.CHUNK_TOKENS];
        SplittableRandom random = new SplittableRandom(0);
        try (TokenFileWriter writer =
                new TokenFileWriter(file, new TokenVocabulary(VOCABULARY, 0, TokenFile.UNKNOWN_TOKENIZER))) {
            while (writer.tokens() < TOKENS) {
                for (int i = 0; i < ids.length; i++) {
                    ids[i] = random.nextInt(VOCABULARY);
                }
                // a file ends with a document
                ids[ids.length - 1] = 0;
                writer.write(ids, 0, ids.length);
            }
            writer.commit();
        }
    }

    /** A batch; its tokens are counted. */
    @Benchmark
    @OperationsPerInvocation(BATCH * CONTEXT)
    public TokenBatch next() {
        return batches.next();
    }

    @TearDown(Level.Trial)
    public void close() throws IOException {
        batches.close();
        Files.deleteIfExists(file);
    }
}
