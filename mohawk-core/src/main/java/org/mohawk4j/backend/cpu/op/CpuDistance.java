package org.mohawk4j.backend.cpu.op;

import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cpu.Cpu;
import org.mohawk4j.backend.cpu.Lane;
import org.mohawk4j.backend.cpu.Raw;
import org.mohawk4j.op.loss.DistanceFunction.FusedDistance;
import org.mohawk4j.op.loss.DistanceFunction.FusedRelativeDistance;

/** Distances with their gradient, row by row. */
public final class CpuDistance implements FusedDistance {
    private final Cpu cpu;

    public CpuDistance(Cpu cpu) {
        this.cpu = cpu;
    }

    @Override
    public Result forward(Array teacher, Array student, boolean gradient) {
        return forward(teacher, student, gradient, false);
    }

    /** Each row's distance divided by the norm of the teacher's row. */
    public FusedRelativeDistance relative() {
        return (teacher, student, gradient) -> forward(teacher, student, gradient, true);
    }

    private Result forward(Array teacher, Array student, boolean gradient, boolean relative) {
        int width = Math.toIntExact(student.shape().dim(-1));
        long rows = student.shape().size() / width;
        Optional<Array> ofStudent = gradient ? Optional.of(cpu.take(student.shape())) : Optional.empty();
        double[] norms = new double[Cpu.blocks(rows, Cpu.BLOCK)];
        long target = cpu.at(teacher);
        long actual = cpu.at(student);
        long result = ofStudent.map(cpu::at).orElse(0L);
        cpu.inBlocks(rows, Cpu.BLOCK, (from, count, block, lane) -> {
            long spare = lane.scratch().take(width);
            for (long i = from; i < from + count; i++) {
                long difference = result == 0 ? spare : Cpu.plus(result, i * width);
                lane.rows().subtract(difference, Cpu.plus(actual, i * width), Cpu.plus(target, i * width), width);
                double norm = Math.sqrt(lane.rows().dot(difference, difference, width));
                double unit = relative ? norm(lane, Cpu.plus(target, i * width), width) : 1;
                norms[block] += norm / unit;
                if (result != 0) {
                    float factor = norm == 0 ? 0 : (float) (1 / (norm * unit * rows));
                    lane.rows().affine(difference, factor, 0, difference, width);
                }
            }
        });
        double sum = 0;
        for (double norm : norms) {
            sum += norm;
        }
        Array loss = cpu.take();
        Raw.put(cpu.at(loss), (float) (sum / rows));
        return new Result(loss, ofStudent);
    }

    private static double norm(Lane lane, long row, int width) {
        return Math.sqrt(lane.rows().dot(row, row, width));
    }
}
