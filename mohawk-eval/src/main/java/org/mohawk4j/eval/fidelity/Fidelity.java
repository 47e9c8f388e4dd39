package org.mohawk4j.eval.fidelity;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.TokenBatch;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.matrix.MixingMatrix;
import org.mohawk4j.mixer.MatrixMixer;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.models.Block;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;

/**
 * Compares a student with its teacher on consecutive windows of a text. Both run block by block at the same time, so that
 * the matrices and outputs of one layer are in memory at once.
 */
public final class Fidelity {
    private static final int TOKENS_AT_ONCE = 4096;
    private static final long MATRIX_ENTRIES_AT_ONCE = 1L << 25;

    private final CausalLm teacher;
    private final CausalLm student;
    private final int context;
    private final AgreementSums agreement;
    private final List<LayerSums> layers;

    private Fidelity(CausalLm teacher, CausalLm student, int context) {
        this.teacher = teacher;
        this.student = student;
        this.context = context;
        this.agreement = new AgreementSums(context);
        this.layers = IntStream.range(0, teacher.blocks().size())
                .mapToObj(i -> new LayerSums(
                        teacher.blocks().get(i).mixer(),
                        student.blocks().get(i).mixer(),
                        context,
                        hasComparableMatrices(teacher, student, i)))
                .toList();
    }

    private static boolean hasComparableMatrices(CausalLm teacher, CausalLm student, int layer) {
        MixerConfig wanted = teacher.config().mixers().get(layer);
        MixerConfig actual = student.config().mixers().get(layer);
        return wanted.hasMatrix() && actual.hasMatrix() && wanted.heads() == actual.heads();
    }

    /**
     * Measures.
     *
     * @param teacher on the student's engine
     * @param limit how many windows from the start, 0 for all
     * @throws InvalidInputException if the two differ in vocabulary, width or layers, or a window is too long
     */
    public static FidelityScores of(CausalLm teacher, CausalLm student, TokenWindows windows, int limit) {
        requireComparable(teacher.config(), student.config());
        long positions = teacher.config().maxPositions();
        if (windows.context() > positions) {
            throw new InvalidInputException(
                    "context: expected at most " + positions + ", the teacher's positions, got " + windows.context());
        }
        Fidelity fidelity = new Fidelity(teacher, student, windows.context());
        int count = limit > 0 ? Math.min(limit, windows.count()) : windows.count();
        int batch = fidelity.batch();
        for (int first = 0; first < count; first += batch) {
            fidelity.add(windows.batch(first, Math.min(batch, count - first)));
        }
        return fidelity.scores();
    }

    private static void requireComparable(CausalLmConfig teacher, CausalLmConfig student) {
        if (teacher.vocabulary() != student.vocabulary()
                || teacher.width() != student.width()
                || teacher.layers() != student.layers()) {
            throw new InvalidInputException("teacher: expected the student's vocabulary " + student.vocabulary()
                    + ", width " + student.width() + " and layers " + student.layers() + ", found "
                    + teacher.vocabulary() + ", " + teacher.width() + " and " + teacher.layers());
        }
    }

    private int batch() {
        long heads = IntStream.range(0, layers.size())
                .mapToObj(i -> teacher.blocks().get(i).mixer())
                .mapToLong(MatrixMixer::heads)
                .max()
                .orElse(1);
        long most = Math.min(TOKENS_AT_ONCE / context, MATRIX_ENTRIES_AT_ONCE / (heads * context * context));
        return (int) Math.max(1, most);
    }

    private void add(TokenBatch batch) {
        Engine engine = teacher.engine();
        try (Scope scope = engine.scope()) {
            Tensor ids = scope.adopt(engine.indices(batch.inputs(), batch.batch(), context));
            Tensor wanted = teacher.embed(ids);
            Tensor actual = student.embed(ids);
            for (int i = 0; i < layers.size(); i++) {
                Block ofTeacher = teacher.blocks().get(i);
                Block ofStudent = student.blocks().get(i);
                Tensor h = wanted;
                Tensor own = actual;
                LayerSums sums = layers.get(i);
                wanted = engine.scoped(() -> sums.addMixers(ofTeacher, ofStudent, h));
                actual = engine.scoped(() -> ofStudent.forward(own));
                scope.free(h);
                scope.free(own);
                sums.addHiddenStates(wanted, actual);
            }
            agreement.add(
                    teacher.head(teacher.finalNorm(wanted)), student.head(student.finalNorm(actual)), batch.targets());
        }
    }

    private FidelityScores scores() {
        List<FidelityScores.Layer> found = new ArrayList<>();
        layers.forEach(layer -> found.add(layer.scores()));
        return new FidelityScores(agreement.tokens(), context, agreement.mean(), agreement.byPosition(), found);
    }

    /** The errors of one layer. */
    private static final class LayerSums {
        private final MatrixMixer teacher;
        private final MatrixMixer student;
        private final boolean comparable;
        private final ErrorSums matrix;
        private final ErrorSums output;
        private final ErrorSums hiddenState;

        LayerSums(MatrixMixer teacher, MatrixMixer student, int context, boolean comparable) {
            this.teacher = teacher;
            this.student = student;
            this.comparable = comparable;
            this.matrix = new ErrorSums(comparable ? Math.toIntExact(teacher.heads()) : 0, context);
            this.output = new ErrorSums(1, context);
            this.hiddenState = new ErrorSums(1, context);
        }

        /**
         * Compares the mixers on the teacher's input.
         *
         * @return the teacher's output
         */
        Tensor addMixers(Block ofTeacher, Block ofStudent, Tensor h) {
            Tensor u = ofTeacher.mixerInput(h);
            Tensor v = ofStudent.mixerInput(h);
            if (!comparable) {
                Tensor mixed = teacher.forward(u);
                output.add(mixed, student.forward(v), 0, 2);
                return ofTeacher.combine(h, u, mixed);
            }
            MixingMatrix wanted = teacher.matrix(u);
            MixingMatrix actual = student.matrix(v);
            Tensor mixed = teacher.forward(u, wanted);
            output.add(mixed, student.forward(v, actual), 0, 2);
            matrix.add(wanted.materialize(), actual.materialize(), 0, 3);
            return ofTeacher.combine(h, u, mixed);
        }

        void addHiddenStates(Tensor wanted, Tensor actual) {
            try (Scope scope = wanted.engine().scope()) {
                hiddenState.add(wanted, actual, 0, 2);
            }
        }

        FidelityScores.Layer scores() {
            return new FidelityScores.Layer(
                    teacher.getClass().getSimpleName(),
                    student.getClass().getSimpleName(),
                    matrix.byRow(),
                    output.error(),
                    hiddenState.error(),
                    comparable ? matrix.byColumn() : List.of(),
                    output.byColumn(),
                    hiddenState.byColumn());
        }
    }
}
