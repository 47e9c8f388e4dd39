package org.mohawk4j.backend.nd4j.array;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;

/** Runs ND4J's named operations into arrays that exist already. */
public final class Nd4jExec {
    private Nd4jExec() {}

    public static void run(String name, INDArray output, INDArray... inputs) {
        run(name, output, new int[0], inputs);
    }

    public static void run(String name, INDArray output, int[] arguments, INDArray... inputs) {
        Nd4j.getExecutioner()
                .exec(DynamicCustomOp.builder(name)
                        .addInputs(inputs)
                        .addOutputs(output)
                        .addIntegerArguments(arguments)
                        .build());
    }
}
