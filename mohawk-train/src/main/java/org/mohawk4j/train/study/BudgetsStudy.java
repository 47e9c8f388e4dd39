package org.mohawk4j.train.study;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.StageConfig;
import org.mohawk4j.train.config.StageObjective;
import org.mohawk4j.train.report.Numbers;
import org.mohawk4j.train.report.Plot;
import org.mohawk4j.train.study.page.StudyPage;
import org.mohawk4j.train.study.page.Table;

/**
 * How tokens are best divided among the stages (MOHAWK, arXiv 2408.10189, Figures 3 and 5): the student's loss against the
 * tokens of stage 3 for several budgets of stage 2, and the distance that stage 2 reaches against its tokens for several
 * budgets of stage 1; curves through both, and the split that they recommend for the run's tokens.
 */
public final class BudgetsStudy implements Study {
    private static final StageObjective ONE = StageObjective.MATRIX_ORIENTATION;
    private static final StageObjective TWO = StageObjective.HIDDEN_STATE_ALIGNMENT;
    private static final StageObjective THREE = StageObjective.KNOWLEDGE_DISTILLATION;

    private static final String DISTANCE = Distiller.lastLoss(TWO);

    /** Shares of the run's tokens that the stage before takes. */
    private static final List<Double> BEFORE_THREE = List.of(0.0, 0.05, 0.1, 0.2, 0.4);

    private static final List<Double> BEFORE_TWO = List.of(0.0, 0.02, 0.05, 0.1);
    /** Shares of the run's tokens that the stage itself takes. */
    private static final List<Double> OF_THREE = List.of(0.125, 0.25, 0.5, 1.0);

    private static final List<Double> OF_TWO = List.of(0.05, 0.1, 0.2, 0.4);

    private static final List<Double> QUICK_BEFORE_THREE = List.of(0.0, 0.2, 0.4);
    private static final List<Double> QUICK_BEFORE_TWO = List.of(0.0, 0.2);
    private static final List<Double> QUICK_STAGE = List.of(0.25, 0.5, 1.0);

    /**
     * A grid: budgets of a stage, and of the one before it, in shares of the run's tokens.
     *
     * @param number of the stage
     */
    private record Grid(
            int number,
            StageObjective before,
            StageObjective stage,
            List<Double> budgetsBefore,
            List<Double> budgets,
            String value) {
        String id(double first, double second, int seed) {
            return String.format(Locale.ROOT, "stage%d-%s.stage%d-%s.seed%d", number - 1, first, number, second, seed);
        }
    }

    @Override
    public String name() {
        return "budgets";
    }

    private static List<Grid> grids(Lab lab) {
        boolean quick = lab.settings().quick();
        return List.of(
                new Grid(
                        3,
                        TWO,
                        THREE,
                        quick ? QUICK_BEFORE_THREE : BEFORE_THREE,
                        quick ? QUICK_STAGE : OF_THREE,
                        Distiller.NLL),
                new Grid(2, ONE, TWO, quick ? QUICK_BEFORE_TWO : BEFORE_TWO, quick ? QUICK_STAGE : OF_TWO, DISTANCE));
    }

    @Override
    public void check(Lab lab) {
        for (Grid grid : grids(lab)) {
            for (double before : grid.budgetsBefore()) {
                for (double budget : grid.budgets()) {
                    config(lab, grid, before, budget, 0).activeStages();
                }
            }
        }
        lab.config()
                .student()
                .plan(lab.dimensions(), List.of())
                .incomparable(lab.dimensions())
                .ifPresent(why -> {
                    throw new InvalidInputException(
                            "teacher: expected mixing matrices that stage 1 can compare, found: " + why);
                });
    }

    private static long tokens(Lab lab, double share) {
        return Math.round(share * lab.config().training().tokens());
    }

    private static DistillConfig config(Lab lab, Grid grid, double before, double budget, int seed) {
        List<StageConfig> stages = new ArrayList<>();
        for (StageConfig stage : lab.config().training().stages()) {
            if (stage.objective() == grid.before() && before > 0) {
                stages.add(stage.withTokens(tokens(lab, before)));
            } else if (stage.objective() == grid.stage()) {
                stages.add(stage.withTokens(tokens(lab, budget)));
            }
        }
        return lab.config().toBuilder()
                .seed(seed)
                .stages(stages.toArray(StageConfig[]::new))
                .build();
    }

    @Override
    public Outcome run(Lab lab) {
        List<Grid> grids = grids(lab);
        lab.expect(lab.settings().seeds()
                * grids.stream()
                        .mapToInt(grid ->
                                grid.budgetsBefore().size() * grid.budgets().size())
                        .sum());
        Fitted third = measure(lab, grids.get(0));
        Fitted second = measure(lab, grids.get(1));
        long total = lab.config().training().tokens();
        Split split = split(third, second, total);
        return new Outcome(page(lab, List.of(third, second), split), split.line());
    }

    /** A grid's measurements, and the curves through their means. */
    private record Fitted(Grid grid, List<List<Spread>> spreads, PowerLaw law) {}

    private static Fitted measure(Lab lab, Grid grid) {
        List<List<Spread>> spreads = new ArrayList<>();
        List<PowerLaw.Points> curves = new ArrayList<>();
        List<Double> x = grid.budgets().stream()
                .map(share -> (double) tokens(lab, share))
                .toList();
        for (double before : grid.budgetsBefore()) {
            List<Spread> row = new ArrayList<>();
            for (double budget : grid.budgets()) {
                List<Result> results = new ArrayList<>();
                for (int seed = 0; seed < lab.settings().seeds(); seed++) {
                    results.add(Distiller.measure(
                            lab,
                            grid.id(before, budget, seed),
                            Map.of(
                                    "tokens of stage " + (grid.number() - 1), tokens(lab, before),
                                    "tokens of stage " + grid.number(), tokens(lab, budget)),
                            config(lab, grid, before, budget, seed)));
                }
                row.add(Spread.of(results, grid.value()));
            }
            spreads.add(row);
            curves.add(new PowerLaw.Points(x, row.stream().map(Spread::mean).toList()));
        }
        return new Fitted(grid, spreads, PowerLaw.fit(curves));
    }

    /** Shares of the three stages. */
    private record Split(double one, double two, double three) {
        String line() {
            return String.format(Locale.ROOT, "split=%.4f,%.4f,%.4f", one, two, three);
        }
    }

    /**
     * The measured budget of the stages before the third after which its curve promises the least at what is left of the
     * total; and of that budget, the measured part for stage 1 after which the second's curve promises the least distance.
     */
    private static Split split(Fitted third, Fitted second, long total) {
        double before = best(third, 1, total);
        double first = before == 0 ? 0 : best(second, before, total);
        return new Split(first, before - first, 1 - before);
    }

    /** @param whole share of the total that the stage and the one before it divide */
    private static double best(Fitted fitted, double whole, long total) {
        List<Double> budgets = fitted.grid().budgetsBefore();
        int best = 0;
        double least = Double.POSITIVE_INFINITY;
        for (int i = 0; i < budgets.size(); i++) {
            double left = whole - budgets.get(i);
            double promised = left > 0 ? fitted.law().at(i, left * total) : Double.POSITIVE_INFINITY;
            if (promised < least) {
                least = promised;
                best = i;
            }
        }
        return budgets.get(best);
    }

    private static StudyPage page(Lab lab, List<Fitted> all, Split split) {
        List<Table> tables = new ArrayList<>();
        List<Plot> plots = new ArrayList<>();
        for (Fitted fitted : all) {
            tables.add(table(lab, fitted));
            plots.add(plot(lab, fitted));
        }
        tables.add(new Table(
                "The recommended split",
                "Of " + Numbers.whole((double) lab.config().training().tokens())
                        + " tokens, among the budgets that were measured, by the curves. For other totals the curves"
                        + " extrapolate.",
                List.of("stage", "share"),
                List.of(
                        List.of("1", String.format(Locale.ROOT, "%.4f", split.one())),
                        List.of("2", String.format(Locale.ROOT, "%.4f", split.two())),
                        List.of("3", String.format(Locale.ROOT, "%.4f", split.three())))));
        tables.add(PaperFigures.budgets());
        return new StudyPage("How to divide tokens among stages", List.of(), tables, plots, Map.of());
    }

    private static String title(Grid grid) {
        return grid.value().equals(DISTANCE) ? "Distance that stage 2 reaches" : "Student nll after stage 3";
    }

    private static Table table(Lab lab, Fitted fitted) {
        Grid grid = fitted.grid();
        int before = grid.number() - 1;
        List<String> columns = new ArrayList<>(List.of("tokens of stage " + before));
        grid.budgets().forEach(share -> columns.add(Numbers.whole((double) tokens(lab, share))));
        columns.add("scale");
        columns.add("exponent");
        List<List<String>> rows = new ArrayList<>();
        for (int i = 0; i < grid.budgetsBefore().size(); i++) {
            List<String> row = new ArrayList<>();
            row.add(Numbers.whole((double) tokens(lab, grid.budgetsBefore().get(i))));
            fitted.spreads().get(i).forEach(spread -> row.add(spread.toString()));
            PowerLaw.Curve curve = fitted.law().curves().get(i);
            row.add(Numbers.compact(curve.scale()));
            row.add(String.format(Locale.ROOT, "%.2f", curve.exponent()));
            rows.add(row);
        }
        String measured = grid.value().equals(DISTANCE)
                ? "The mean loss of the last ten steps of stage 2, summed over layers"
                : "Nats per held-out token";
        return new Table(
                title(grid) + ", by its tokens",
                String.format(
                        Locale.ROOT,
                        "%s. Fitted: %.4f + scale · tokens^-exponent, one constant for all rows; root of the mean squared"
                                + " residual %.4f.",
                        measured,
                        fitted.law().constant(),
                        fitted.law().error()),
                columns,
                rows);
    }

    private static Plot plot(Lab lab, Fitted fitted) {
        Grid grid = fitted.grid();
        double[] x =
                grid.budgets().stream().mapToDouble(share -> tokens(lab, share)).toArray();
        List<Plot.Series> series = new ArrayList<>();
        for (int i = 0; i < grid.budgetsBefore().size(); i++) {
            int curve = i;
            String name = Numbers.compact(tokens(lab, grid.budgetsBefore().get(i))) + " before";
            List<Spread> own = fitted.spreads().get(i);
            series.add(new Plot.Series(
                    name, x, Spread.each(own, Spread::mean), Spread.each(own, Spread::deviation), true));
            double[] fine = IntStream.range(0, 40)
                    .mapToDouble(step -> x[0] * Math.pow(x[x.length - 1] / x[0], step / 39.0))
                    .toArray();
            series.add(new Plot.Series(
                    name + ", fitted",
                    fine,
                    IntStream.range(0, fine.length)
                            .mapToDouble(step -> fitted.law().at(curve, fine[step]))
                            .toArray(),
                    new double[fine.length],
                    false));
        }
        return Plot.lines(title(grid), "tokens of the stage", grid.value().replace('_', ' '), true, series);
    }
}
