package org.mohawk4j.examples;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.Backends;
import org.mohawk4j.generation.Generator;
import org.mohawk4j.generation.Sampling;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tokenizer.TokenizerJson;
import org.mohawk4j.train.sample.EmbeddedTeacher;

/**
 * Continues a text with a model, token by token: a recurrent layer keeps a state of one size, however long the text.
 *
 * <p>Arguments: the text; the model's folder, or the tiny teacher that is shipped.
 */
public final class GenerateText {
    private static final long SEED = 0;

    private GenerateText() {}

    public static void main(String[] args) {
        String prompt = args.length > 0 ? args[0] : "It was";
        Path folder = args.length > 1 ? Path.of(args[1]) : EmbeddedTeacher.unpack();
        System.out.println(continued(folder, prompt, 60));
    }

    /** A text and what a model makes of its end, sampled at temperature 0.8 from the tokens that have 95% of it. */
    static String continued(Path folder, String prompt, int tokens) {
        TokenizerJson tokenizer = TokenizerJson.load(folder);
        int[] ids = tokenizer.encode(prompt);
        List<Integer> all = new ArrayList<>();
        for (int id : ids) {
            all.add(id);
        }
        try (Engine engine = Engine.open(Backends.AUTO, BackendOptions.defaults());
                CausalLm model = ModelFolder.loadForInference(engine, folder)) {
            Generator generator = new Generator(model, Sampling.of(0.8).withTopP(0.95), SEED);
            generator.generate(ids, tokens, tokenizer.stops(), all::add);
        }
        return tokenizer.decode(all.stream().mapToInt(Integer::intValue).toArray());
    }
}
