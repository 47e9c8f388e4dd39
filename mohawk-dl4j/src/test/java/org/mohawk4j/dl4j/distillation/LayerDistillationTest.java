package org.mohawk4j.dl4j.distillation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SelfAttentionLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.weights.WeightInit;
import org.junit.jupiter.api.Test;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.nd4j.NdArrays;
import org.mohawk4j.dl4j.layer.MatrixMixerLayer;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

class LayerDistillationTest {
    private static final int WIDTH = 8;
    private static final int HEADS = 2;
    private static final int TIME = 6;

    @Test
    void theMatrixIsWhatDl4jsAttentionMultipliesItsValuesWith() {
        MultiLayerNetwork network = network(attention(HEADS));
        INDArray input = input();
        TeacherLayer teacher = TeacherLayer.of(network, 0);
        TeacherLayer.Pass pass = teacher.run(input);
        try (Engine engine = Engine.open("nd4j", BackendOptions.defaults())) {
            Tensor u = NdArrays.toTensor(engine, pass.input()).permute(0, 2, 1);
            Tensor values = u.reshape(-1, WIDTH)
                    .matmul(
                            false,
                            NdArrays.toTensor(engine, teacher.layer().getParam("Wv"))
                                    .reshape(WIDTH, WIDTH),
                            true)
                    .reshape(3, TIME, HEADS, WIDTH / HEADS)
                    .permute(0, 2, 1, 3);
            Tensor output = AttentionMatrix.of(teacher.layer(), u)
                    .matmul(values)
                    .permute(0, 2, 1, 3)
                    .reshape(-1, WIDTH)
                    .matmul(NdArrays.toTensor(engine, teacher.layer().getParam("Wo")))
                    .reshape(3, TIME, WIDTH)
                    .permute(0, 2, 1);

            assertThat(NdArrays.toINDArray(output).equalsWithEps(pass.output(), 1e-5))
                    .isTrue();
        }
    }

    @Test
    void bothStagesBringTheStudentNearerInItsOwnNetwork() {
        TeacherLayer teacher = TeacherLayer.of(network(attention(HEADS)), 0);
        MultiLayerNetwork student = network(mamba(HEADS));
        INDArray before = student.params().dup();
        INDArray input = input();

        assertThat(lastOfTwenty(teacher, student, true, input)).isLessThan(0.8);
        assertThat(lastOfTwenty(teacher, student, false, input)).isLessThan(0.8);

        assertThat(student.params()).isNotEqualTo(before);
        assertThat(student.getParam("1_W")).isEqualTo(network(mamba(HEADS)).getParam("1_W"));
    }

    @Test
    void aMixerOfAGraphCanBeTheTeacher() {
        ComputationGraph teacher = new ComputationGraph(new NeuralNetConfiguration.Builder()
                .seed(5)
                .graphBuilder()
                .addInputs("in")
                .setInputTypes(InputType.recurrent(WIDTH))
                .addLayer(
                        "attention",
                        new MatrixMixerLayer.Builder()
                                .mixer(new SoftmaxAttention.Config(WIDTH, HEADS, HEADS, 2, 10_000))
                                .build(),
                        "in")
                .addLayer("out", output(), "attention")
                .setOutputs("out")
                .build());
        teacher.init();
        MultiLayerNetwork student = network(mamba(HEADS));

        assertThat(lastOfTwenty(TeacherLayer.of(teacher, "attention"), student, true, input()))
                .isLessThan(0.8);
    }

    @Test
    void whatDoesNotFitIsOneLine() {
        MultiLayerNetwork teacher = network(attention(HEADS));
        MultiLayerNetwork student = network(mamba(4));
        refused(
                "stage 1: expected a student with the teacher's 2 heads, found 4",
                () -> distillation(TeacherLayer.of(teacher, 0), student).matrixOrientation(input()));
        refused(
                "teacher: expected a SelfAttentionLayer or a MatrixMixerLayer, found layer 'layer1', a RnnOutputLayer",
                () -> distillation(TeacherLayer.of(teacher, 1), student).matrixOrientation(input()));
        refused(
                "stage 2: expected a teacher's output of the student's shape",
                () -> distillation(TeacherLayer.of(network(attention(HEADS, WIDTH + 2)), 0), student)
                        .hiddenStateAlignment(input()));
        refused("teacher: expected a layer from 0 to 1, found 2", () -> TeacherLayer.of(teacher, 2));
        refused(
                "expected a MatrixMixerLayer, found layer 'layer0', a SelfAttentionLayer",
                () -> MatrixMixerLayer.mixerOf(teacher.getLayer(0)));
    }

    /** The last loss as a share of the first. */
    private static double lastOfTwenty(
            TeacherLayer teacher, MultiLayerNetwork student, boolean matrices, INDArray input) {
        try (LayerDistillation stage = distillation(teacher, student)) {
            double first = 0;
            double last = 0;
            for (int i = 0; i < 20; i++) {
                last = matrices ? stage.matrixOrientation(input) : stage.hiddenStateAlignment(input);
                first = i == 0 ? last : first;
            }
            return last / first;
        }
    }

    private static LayerDistillation distillation(TeacherLayer teacher, MultiLayerNetwork student) {
        return new LayerDistillation(teacher, student.getLayer(0), new Adam(0.02), List.of());
    }

    private static Layer attention(int heads) {
        return attention(heads, WIDTH);
    }

    private static Layer attention(int heads, int outputs) {
        return new SelfAttentionLayer.Builder()
                .nOut(outputs)
                .nHeads(heads)
                .projectInput(true)
                .weightInit(WeightInit.XAVIER)
                .build();
    }

    private static Layer mamba(int heads) {
        return new MatrixMixerLayer.Builder()
                .mixer(new DiscreteMamba2.Config(WIDTH, heads, heads, 4, 2, 4))
                .build();
    }

    private static MultiLayerNetwork network(Layer layer) {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder()
                .seed(3)
                .list()
                .layer(layer)
                .layer(output())
                .setInputType(InputType.recurrent(WIDTH, TIME))
                .build());
        network.init();
        return network;
    }

    private static RnnOutputLayer output() {
        return new RnnOutputLayer.Builder(LossFunction.MSE)
                .nOut(2)
                .activation(Activation.IDENTITY)
                .build();
    }

    private static INDArray input() {
        Nd4j.getRandom().setSeed(9);
        return Nd4j.rand(DataType.FLOAT, 3, WIDTH, TIME).subi(0.5).muli(3);
    }

    private static void refused(String message, ThrowingCallable action) {
        assertThatThrownBy(action).isInstanceOf(InvalidInputException.class).hasMessageStartingWith(message);
    }
}
