package org.mohawk4j.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.cli.option.ConfigOptions;
import org.mohawk4j.cli.option.ModelOptions;
import org.mohawk4j.eval.serve.CompletionServer;
import org.mohawk4j.eval.serve.ServeConfig;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tokenizer.ChatTemplate;
import org.mohawk4j.tokenizer.TokenizerJson;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Serves a model over HTTP until it is told to end. */
@Command(
        name = "serve",
        description =
                "Serves a model, teacher or student, over HTTP as OpenAI's /v1/completions and"
                        + " /v1/chat/completions, so that other programs can use it. Ends on SIGINT or SIGTERM, after what it has begun.",
        modelTransformer = ConfigOptions.Model.class)
final class ServeCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Mixin
    private ModelOptions model;

    @Option(names = "--name", paramLabel = "NAME", description = "name of the model (default: the folder's)")
    private Optional<String> name = Optional.empty();

    @Option(
            names = "--host",
            paramLabel = "ADDRESS",
            defaultValue = "127.0.0.1",
            description = "address to listen on; 0.0.0.0 for all interfaces (default: ${DEFAULT-VALUE})")
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private String host;

    @Option(
            names = "--port",
            paramLabel = "N",
            defaultValue = "8000",
            description = "0 for any free port (default: ${DEFAULT-VALUE})")
    private int port;

    @Option(
            names = "--queue",
            paramLabel = "N",
            defaultValue = "64",
            description = "maximum number of queued requests; more get status 429 (default: ${DEFAULT-VALUE})")
    private int queue;

    @Option(
            names = "--max-body",
            paramLabel = "BYTES",
            defaultValue = "4194304",
            description = "maximum size of a request (default: ${DEFAULT-VALUE})")
    private int maxBody;

    @Override
    public void run() {
        Path folder = model.folder();
        ModelFolder.config(folder);
        ServeConfig config = new ServeConfig(
                name.orElseGet(
                        () -> String.valueOf(folder.toAbsolutePath().normalize().getFileName())),
                host,
                port,
                queue,
                maxBody);
        TokenizerJson words = model.tokenizer();
        PrintWriter out = spec.commandLine().getOut();
        CountDownLatch ended = new CountDownLatch(1);
        try (Engine engine = model.engine();
                CausalLm loaded = model.load(engine);
                CompletionServer server = new CompletionServer(config, loaded, words, template(out))) {
            // The JVM waits for this thread, and this thread until the engine has let go of the machine.
            Thread end = new Thread(() -> {
                server.close();
                await(ended);
            });
            Runtime.getRuntime().addShutdownHook(end);
            out.println("listening " + server.url() + " model=" + config.model());
            out.flush();
            server.run();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            ended.countDown();
        }
    }

    /** What is wrong with a template costs conversations alone. */
    private Optional<ChatTemplate> template(PrintWriter out) {
        try {
            return ChatTemplate.find(model.tokenizerPath());
        } catch (InvalidInputException e) {
            out.println("no chat   " + e.getMessage());
            return Optional.empty();
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
