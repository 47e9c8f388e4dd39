package org.mohawk4j.eval.tasks;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.io.JsonLinesReader;

/**
 * Where a task's questions lie: under a name of their own in the folder of all data sets, or in a folder of the task's.
 *
 * @param folders that the public archives unpack to, or that are named after the task
 * @param names that can mean this task alone
 * @param splits names that mean it in a folder of its own
 */
record TaskFile(List<String> folders, List<String> names, List<String> splits) {
    private static final String SUFFIX = ".jsonl";

    Path in(Path folder, String task) {
        List<Path> candidates = new ArrayList<>();
        names.forEach(name -> candidates.add(folder.resolve(name)));
        for (String own : folders) {
            Stream.concat(names.stream(), splits.stream())
                    .forEach(name -> candidates.add(folder.resolve(own).resolve(name)));
        }
        List<Path> found = candidates.stream().filter(Files::isRegularFile).toList();
        if (found.size() != 1) {
            throw new InvalidInputException(folder + ": expected one file for task " + task + ", "
                    + String.join(" or ", names) + ", or " + String.join(" or ", splits) + " in a folder "
                    + String.join(" or ", folders) + ", found " + (found.isEmpty() ? "none" : found));
        }
        return found.get(0);
    }

    List<TaskItem> read(Path questions, BiFunction<ConfigNode, Optional<String>, TaskItem> parser) {
        Optional<List<String>> labels = labels(questions);
        List<TaskItem> items = new ArrayList<>();
        JsonLinesReader.forEach(questions, row -> {
            int index = items.size();
            labels.filter(lines -> index >= lines.size()).ifPresent(lines -> {
                throw new InvalidInputException(
                        row.where() + ": expected as many labels as questions, found " + lines.size() + " labels");
            });
            items.add(parser.apply(row, labels.map(lines -> lines.get(index).strip())));
        });
        labels.filter(lines -> lines.size() != items.size()).ifPresent(lines -> {
            throw new InvalidInputException(questions + ": expected as many labels as its " + items.size()
                    + " questions, found " + lines.size());
        });
        if (items.isEmpty()) {
            throw new InvalidInputException(questions + ": expected questions, found none");
        }
        return items;
    }

    /** {@code valid-labels.lst} beside {@code valid.jsonl}, one label a line. */
    private static Optional<List<String>> labels(Path questions) {
        String name = String.valueOf(questions.getFileName());
        Path labels = questions.resolveSibling(name.substring(0, name.length() - SUFFIX.length()) + "-labels.lst");
        return Files.exists(labels) ? Optional.of(JsonLinesReader.lines(labels)) : Optional.empty();
    }
}
