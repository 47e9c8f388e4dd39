package org.mohawk4j.cli;

import java.io.PrintWriter;
import java.util.Comparator;
import org.mohawk4j.models.mixer.MixerFormat;
import org.mohawk4j.models.mixer.MixerFormats;
import org.mohawk4j.models.mixer.MixerOption;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Lists the mixers that a student may have. */
@Command(
        name = "mixers",
        description = "Lists the mixers for distill --mixer, with their options: name, values, default, description.")
final class MixersCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        PrintWriter out = spec.commandLine().getOut();
        MixerFormats.all().stream()
                .sorted(Comparator.comparing(MixerFormat::name))
                .forEach(format -> {
                    out.println(format.name() + ": " + format.description());
                    format.options().forEach(option -> out.println("  " + line(option)));
                });
    }

    private static String line(MixerOption option) {
        return option.name() + ": " + option.values().expected() + " (default: " + option.shownFallback() + "), "
                + option.description();
    }
}
