package org.mohawk4j.cli;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.models.export.ExportForm;
import org.mohawk4j.models.export.ModelExport;
import org.mohawk4j.train.config.DistillConfigYaml;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Writes a model in a form that other software opens. */
@Command(
        name = "export",
        description = "Exports a model, student or teacher, for other software, with tokenizer, generation settings and"
                + " license.")
final class ExportCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "MODEL", description = "the model's folder")
    @SuppressWarnings("NullAway.Init") // picocli refuses the command line without it
    private Path model;

    @Option(
            names = "--format",
            paramLabel = "FORM",
            defaultValue = "transformers",
            converter = FormConverter.class,
            description = "one of ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE})")
    @SuppressWarnings("NullAway.Init") // picocli gives it its default
    private ExportForm form;

    @Option(names = "--out", paramLabel = "DIR", required = true, description = "a new or empty folder")
    @SuppressWarnings("NullAway.Init") // picocli refuses the command line without it
    private Path out;

    @Option(
            names = "--teacher",
            paramLabel = "DIR",
            description = "folder for files such as the license that MODEL lacks (default: the teacher of MODEL's run)")
    private Optional<Path> teacher = Optional.empty();

    /** Of a form's name in any case. */
    static final class FormConverter implements ITypeConverter<ExportForm> {
        @Override
        public ExportForm convert(String name) {
            return Arrays.stream(ExportForm.values())
                    .filter(form -> form.toString().equalsIgnoreCase(name))
                    .findFirst()
                    .orElseThrow(() -> new TypeConversionException("expected one of "
                            + Arrays.stream(ExportForm.values())
                                    .map(ExportForm::toString)
                                    .collect(Collectors.joining(", "))
                            + ", got '" + name + "'"));
        }
    }

    @Override
    public void run() {
        List<String> files = ModelExport.write(model, form, lenders(), out);
        PrintWriter print = spec.commandLine().getOut();
        print.println("written   " + String.join(" ", files));
        print.println("format=" + form + " files=" + files.size() + " out=" + out);
    }

    private List<Path> lenders() {
        if (teacher.isPresent()) {
            ModelFolder.requireFolder("teacher", teacher.get());
            return List.of(teacher.get());
        }
        Path run = model.toAbsolutePath().normalize().resolveSibling("config.yaml");
        boolean isOfRun = Files.isRegularFile(run) && Files.isRegularFile(run.resolveSibling("metrics.jsonl"));
        return isOfRun
                ? DistillConfigYaml.readRun(run).files().teacher().filter(Files::isDirectory).stream()
                        .toList()
                : List.of();
    }
}
