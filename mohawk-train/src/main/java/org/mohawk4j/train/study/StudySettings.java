package org.mohawk4j.train.study;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.run.OutputFolder;
import org.mohawk4j.train.run.RunInputs;
import org.mohawk4j.train.yaml.ConfigMapper;

/**
 * What a study is told.
 *
 * @param config teacher, texts, machine and what its runs have in common
 * @param seeds how often each run is repeated, with seeds from 0 on
 * @param quick whether it shows the machinery alone, in a minute or two
 * @param options of this study alone, by name
 */
public record StudySettings(DistillConfig config, int seeds, boolean quick, Map<String, String> options) {
    /** The most that {@code --seeds} takes. */
    public static final int MOST_SEEDS = 1000;

    /** Checks the ranges. */
    public StudySettings {
        if (seeds < 1 || seeds > MOST_SEEDS) {
            throw new InvalidInputException(
                    "seeds: expected a whole number from 1 to " + MOST_SEEDS + ", got " + seeds);
        }
        options = Collections.unmodifiableMap(new LinkedHashMap<>(options));
    }

    /** The study's folder: the configuration's {@code out}, or a new one in {@code runs}. */
    Path folder(String study) {
        return config.files().out().orElseGet(() -> OutputFolder.of("study-" + study));
    }

    /**
     * All that its results depend on, as JSON: values, and the bytes of teacher and texts. The folder and the number of
     * threads are not among it.
     *
     * @param teacher folder of the teacher
     */
    ObjectNode tree(String study, Path teacher) {
        ObjectNode tree = ConfigMapper.empty();
        tree.put("study", study);
        tree.put("seeds", seeds);
        tree.put("quick", quick);
        tree.set("options", ConfigMapper.node(options));
        ObjectNode configuration = ConfigMapper.tree(config);
        ((ObjectNode) configuration.get("files")).remove("out");
        ((ObjectNode) configuration.get("machine")).remove("threads");
        tree.set("configuration", configuration);
        tree.set("inputs", ConfigMapper.tree(RunInputs.of(teacher, config).files()));
        return tree;
    }
}
