package org.mohawk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What modules below the command say is read by those who have no command: it names keys, not flags. */
class MessagesTest {
    private static final Path ROOT = Path.of(System.getProperty("maven.multiModuleProjectDirectory", ".."));
    private static final List<String> MODULES = List.of("core", "cuda", "models", "data", "eval", "train");
    private static final Pattern LITERAL = Pattern.compile("\"(?:[^\"\\\\\n]|\\\\.)*\"");
    private static final Pattern COMMENT = Pattern.compile("(?s:/\\*.*?\\*/)|(?m:^\\s*//.*$)");
    /** {@code --add-modules} is an option of the JVM. */
    private static final Pattern OF_COMMAND = Pattern.compile(
            "(?<![-\\w])--(?!add-modules)[a-z]|\\./mohawk|\\bmohawk (?:distill|evaluate|generate|inspect|parity|serve|tokenize)\\b");

    /** Options of NVRTC, the compiler of CUDA C++, are no flags of ours. */
    private static final Pattern OF_COMPILER = Pattern.compile("\"--(?:gpu-architecture|std|define-macro)=.*");

    @Test
    void noMessageBelowTheCommandNamesItsFlags() throws IOException {
        List<String> found = new ArrayList<>();
        for (String module : MODULES) {
            try (Stream<Path> files = Files.walk(ROOT.resolve("mohawk-" + module + "/src/main/java"))) {
                for (Path file :
                        files.filter(one -> one.toString().endsWith(".java")).toList()) {
                    literals(Files.readString(file)).stream()
                            .filter(MessagesTest::namesTheCommand)
                            .map(literal -> file.getFileName() + ": " + literal)
                            .forEach(found::add);
                }
            }
        }

        assertThat(found).isEmpty();
    }

    @Test
    void flagsAreFoundInMessagesAndNotInComments() {
        List<String> literals = literals("""
            // "--comment"
            /** ./mohawk "--javadoc" */
            throw new Failure("name: \\"x\\", use --batch" + " or ./mohawk distill" + "--gpu-architecture=" + "a--b, a - b");
            """);

        assertThat(literals.stream().filter(MessagesTest::namesTheCommand))
                .containsExactly("\"name: \\\"x\\\", use --batch\"", "\" or ./mohawk distill\"");
    }

    private static boolean namesTheCommand(String literal) {
        return OF_COMMAND.matcher(literal).find()
                && !OF_COMPILER.matcher(literal).matches();
    }

    private static List<String> literals(String source) {
        Matcher matcher = LITERAL.matcher(COMMENT.matcher(source).replaceAll(""));
        return matcher.results().map(found -> found.group()).toList();
    }
}
