package org.mohawk4j.eval.tasks;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.mohawk4j.eval.tasks.TaskItem.Choice;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.tokenizer.jinja.value.PythonText;

/**
 * What each task asks, from a line of its file: prompts, answers and white space as in the task definitions of
 * EleutherAI/lm-evaluation-harness ({@code lm_eval/tasks}), zero-shot.
 */
final class TaskItems {
    private static final String DELIMITER = " ";
    private static final Pattern BRACKETS = Pattern.compile("\\[[^\\n]*?\\]");

    private TaskItems() {}

    /** The last word, after everything before its space. */
    static TaskItem lambada(ConfigNode row, Optional<String> label) {
        String text = row.text("text");
        int space = text.lastIndexOf(' ');
        String context = space < 0 ? "" : text.substring(0, space);
        return new TaskItem(row.where(), List.of(choice(context, text.substring(space + 1))), 0);
    }

    /** The end of a description; both parts of what comes before it in one sentence, artifacts of WikiHow removed. */
    static TaskItem hellaswag(ConfigNode row, Optional<String> label) {
        String before = row.text("ctx_a") + " " + PythonText.capitalize(row.text("ctx_b"));
        String query = withoutArtifacts(row.text("activity_label") + ": " + before);
        List<Choice> choices = row.texts("endings").stream()
                .map(ending -> choice(query, withoutArtifacts(ending)))
                .toList();
        return new TaskItem(row.where(), choices, index(row, row.word("label"), choices.size()));
    }

    private static String withoutArtifacts(String text) {
        String stripped = PythonText.strip(text).replace(" [title]", ". ");
        return BRACKETS.matcher(stripped).replaceAll("").replace("  ", " ");
    }

    /** Which of two solutions reaches a goal. The original files keep the labels apart. */
    static TaskItem piqa(ConfigNode row, Optional<String> label) {
        String prompt = question(row.text("goal"));
        List<Choice> choices = List.of(choice(prompt, row.text("sol1")), choice(prompt, row.text("sol2")));
        String gold = row.has("label") ? row.word("label") : label.orElseGet(() -> row.word("label"));
        return new TaskItem(row.where(), choices, index(row, gold, choices.size()));
    }

    /** A question of an exam, in the layout of the original files or of the Hub's. */
    static TaskItem arc(ConfigNode row, Optional<String> label) {
        List<String> texts = new ArrayList<>();
        List<String> labels = new ArrayList<>();
        String stem;
        if (row.isObject("question")) {
            ConfigNode question = row.object("question");
            stem = question.text("stem");
            question.objects("choices").forEach(choice -> {
                texts.add(choice.text("text"));
                labels.add(choice.text("label"));
            });
        } else {
            stem = row.text("question");
            texts.addAll(row.object("choices").texts("text"));
            labels.addAll(row.object("choices").texts("label"));
        }
        int gold = labels.indexOf(row.word("answerKey"));
        if (gold < 0 || labels.size() != texts.size()) {
            throw row.wrong("answerKey", "one of " + labels + ", a label for each choice", row.word("answerKey"));
        }
        String prompt = question(stem);
        List<Choice> choices = texts.stream().map(text -> choice(prompt, text)).toList();
        return new TaskItem(row.where(), choices, gold);
    }

    /** Who is meant: each option stands in the blank, and what follows the blank is scored (partial evaluation). */
    static TaskItem winogrande(ConfigNode row, Optional<String> label) {
        String sentence = row.text("sentence");
        int blank = sentence.indexOf('_');
        if (blank < 0) {
            throw row.wrong("sentence", "a sentence with a blank, _", sentence);
        }
        String rest = PythonText.strip(sentence.substring(blank + 1));
        List<Choice> choices = List.of(
                choice(sentence.substring(0, blank) + row.text("option1"), rest),
                choice(sentence.substring(0, blank) + row.text("option2"), rest));
        String answer = row.word("answer");
        if (!answer.equals("1") && !answer.equals("2")) {
            throw row.wrong("answer", "1 or 2", answer);
        }
        return new TaskItem(row.where(), choices, Integer.parseInt(answer) - 1);
    }

    private static String question(String text) {
        return "Question: " + text + "\nAnswer:";
    }

    private static Choice choice(String context, String answer) {
        return new Choice(context, DELIMITER + answer, answer.getBytes(UTF_8).length);
    }

    private static int index(ConfigNode row, String label, int count) {
        for (int i = 0; i < count; i++) {
            if (label.equals(String.valueOf(i))) {
                return i;
            }
        }
        throw row.wrong("label", "a whole number from 0 to " + (count - 1), label);
    }
}
