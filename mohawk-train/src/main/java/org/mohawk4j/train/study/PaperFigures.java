package org.mohawk4j.train.study;

import java.util.List;
import org.mohawk4j.train.study.page.Table;

/**
 * What the authors of MOHAWK measured (arXiv 2408.10189), as their own pages show it:
 * goombalab.github.io/blog/2024/distillation-part1-mohawk and -part2-phi-mamba. Nothing is read off a plot.
 */
final class PaperFigures {
    private static final String PART_1 = "Bick, Li et al. 2024, arXiv 2408.10189, as shown in"
            + " goombalab.github.io/blog/2024/distillation-part1-mohawk. ";
    private static final String PART_2 = "Bick, Li et al. 2024, arXiv 2408.10189, as shown in"
            + " goombalab.github.io/blog/2024/distillation-part2-phi-mamba. ";

    private PaperFigures() {}

    static Table stages() {
        return new Table(
                "The paper's Table 2: stages",
                PART_2 + "Mean accuracy of six zero-shot tasks in percent, Phi-1.5 as teacher, equal tokens. Phi is"
                        + " attention distilled into freshly initialized attention. Other models and another measure than"
                        + " above: orders can be compared, numbers cannot.",
                List.of("stages", "Phi-Mamba", "hybrid Phi-Mamba", "Phi"),
                List.of(
                        List.of("2", "53.3", "58.1", "63.1"),
                        List.of("3", "54.5", "60.4", "59.9"),
                        List.of("2+3", "62.3", "63.2", "64.3"),
                        List.of("1+2+3", "62.7", "64.0", "64.9")));
    }

    static Table structures() {
        return new Table(
                "The paper's Table 4: matrix structures",
                PART_1 + "Phi-1.5 with input-dependent mixers, stages 2 and 3 with 1 B tokens each; distance of block"
                        + " outputs and mean accuracy of five zero-shot tasks in percent.",
                List.of("structure", "distance", "accuracy"),
                List.of(
                        List.of("causal Toeplitz", "9.6", "35.0"),
                        List.of("causal low rank", "7.6", "36.4"),
                        List.of("SSD", "5.5", "59.2")));
    }

    static Table matrices() {
        return new Table(
                "The paper's Table 3: approximation of attention matrices",
                PART_1 + "Frobenius distance, absolute, Llama2-7B-Chat, 512 tokens, 1,000 matrices; low rank and SSD by"
                        + " 10,000 steps of gradient descent, semiseparable matrices by balanced truncation, Toeplitz"
                        + " by a heuristic.",
                List.of(
                        "text",
                        "Toeplitz",
                        "LR 16",
                        "SSD 16",
                        "SSM 16",
                        "LR 32",
                        "SSD 32",
                        "SSM 32",
                        "LR 64",
                        "SSD 64",
                        "SSM 64"),
                List.of(
                        List.of(
                                "WT-103", "12.0", "0.619", "0.477", "0.266", "0.322", "0.237", "0.127", "0.132",
                                "0.097", "0.046"),
                        List.of(
                                "OWT", "12.2", "0.606", "0.466", "0.259", "0.314", "0.231", "0.123", "0.129", "0.095",
                                "0.045"),
                        List.of(
                                "C4", "12.3", "0.595", "0.453", "0.236", "0.310", "0.226", "0.112", "0.128", "0.093",
                                "0.041"),
                        List.of(
                                "IMdB", "12.3", "0.598", "0.455", "0.238", "0.312", "0.226", "0.113", "0.129", "0.094",
                                "0.043")));
    }

    static Table budgets() {
        return new Table(
                "The paper's split",
                PART_2
                        + "Chosen from its Figures 3 and 5, Phi-1.5 to Phi-Mamba on C4, 3 B tokens in all. Its figures show"
                        + " that students from stage 2 end below students of stage 3 alone, given enough tokens, and that"
                        + " a small stage 1 helps stage 2.",
                List.of("stage", "tokens", "share"),
                List.of(
                        List.of("1", "80 M", "0.027"),
                        List.of("2", "160 M", "0.053"),
                        List.of("3", "2.76 B", "0.920")));
    }
}
