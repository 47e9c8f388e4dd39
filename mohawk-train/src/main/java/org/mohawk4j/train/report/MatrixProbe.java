package org.mohawk4j.train.report;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.mohawk4j.matrix.MixingMatrix;
import org.mohawk4j.models.Block;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.HostTensor;

/** Captures mixing matrices on one short sequence, for the report. A failed capture is logged and omitted. */
public final class MatrixProbe {
    /** The title of the student's matrices before its first step. */
    public static final String START = "student at the start";

    private static final String TEACHER = "teacher";
    private static final int MAX_TIME = 128;
    private static final int MAX_HEADS = 8;

    private final CausalLm teacher;
    private final CausalLm student;
    private final int[] ids;
    private final List<List<LayerMatrices.Row>> rows = new ArrayList<>();

    /** @param sequence of which the start is used */
    public MatrixProbe(CausalLm teacher, CausalLm student, int[] sequence) {
        this.teacher = teacher;
        this.student = student;
        this.ids = Arrays.copyOf(sequence, Math.min(sequence.length, MAX_TIME));
        for (int i = 0; i < teacher.blocks().size(); i++) {
            rows.add(new ArrayList<>());
        }
        capture(TEACHER, teacher);
    }

    /** The title of the student's matrices when a stage is over. */
    public static String afterStage(int stage) {
        return "student after stage " + stage;
    }

    /** Adds the student's matrices as they are now, on the teacher's hidden states. */
    public void captureStudent(String title) {
        capture(title, student);
    }

    /** The pictures taken under a title, by layer and head; none if there are none. For a checkpoint. */
    public Map<String, HostTensor> pictures(String title) {
        Map<String, HostTensor> pictures = new LinkedHashMap<>();
        for (int layer = 0; layer < rows.size(); layer++) {
            for (LayerMatrices.Row row : rows.get(layer)) {
                if (row.title().equals(title)) {
                    for (int head = 0; head < row.heads().size(); head++) {
                        pictures.put(
                                key(title, layer, head), row.heads().get(head).toHost());
                    }
                }
            }
        }
        return pictures;
    }

    /** Puts pictures back that {@link #pictures} gave. */
    public void restore(String title, Map<String, HostTensor> pictures) {
        for (int layer = 0; layer < rows.size(); layer++) {
            List<MatrixValues> heads = new ArrayList<>();
            for (HostTensor found = pictures.get(key(title, layer, 0));
                    found != null;
                    found = pictures.get(key(title, layer, heads.size()))) {
                heads.add(MatrixValues.of(found));
            }
            if (!heads.isEmpty()) {
                rows.get(layer).add(new LayerMatrices.Row(title, heads, heads(student, layer)));
            }
        }
    }

    private static String key(String title, int layer, int head) {
        return title + ", layer " + layer + ", head " + head;
    }

    /** None if there are none of the teacher, to compare with. */
    public List<LayerMatrices> layers() {
        List<LayerMatrices> layers = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            if (!rows.get(i).isEmpty() && rows.get(i).get(0).title().equals(TEACHER)) {
                layers.add(new LayerMatrices(i, rows.get(i)));
            }
        }
        return layers;
    }

    private void capture(String title, CausalLm model) {
        BestEffort.attempt("mixing matrices of the " + title, () -> {
            Map<Integer, LayerMatrices.Row> taken = take(title, model);
            taken.forEach((layer, row) -> rows.get(layer).add(row));
            return taken;
        });
    }

    /** By layer, of those whose mixer has a matrix. */
    private Map<Integer, LayerMatrices.Row> take(String title, CausalLm model) {
        Map<Integer, LayerMatrices.Row> taken = new LinkedHashMap<>();
        Engine engine = teacher.engine();
        try (Scope scope = engine.scope()) {
            Tensor h = scope.adopt(teacher.embed(engine.indices(ids, 1, ids.length)));
            for (int i = 0; i < rows.size(); i++) {
                if (model.config().mixers().get(i).hasMatrix()) {
                    Block block = model.blocks().get(i);
                    MixingMatrix matrix = block.mixer().matrix(block.mixerInput(h));
                    taken.put(i, new LayerMatrices.Row(title, heads(matrix.materialize()), heads(model, i)));
                }
                h = teacher.blocks().get(i).forward(h);
            }
        }
        return taken;
    }

    private static int heads(CausalLm model, int layer) {
        return Math.toIntExact(model.blocks().get(layer).mixer().heads());
    }

    private static List<MatrixValues> heads(Tensor matrix) {
        int heads = (int) Math.min(MAX_HEADS, matrix.dim(1));
        int time = Math.toIntExact(matrix.dim(2));
        List<MatrixValues> values = new ArrayList<>();
        for (int head = 0; head < heads; head++) {
            values.add(new MatrixValues(time, time, matrix.narrow(1, head, 1).toFloats()));
        }
        return values;
    }
}
