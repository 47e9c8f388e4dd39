package org.mohawk4j.examples;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.util.stream.Collectors;

/** The arrows between the modules, as the table in {@code docs/architecture.md} draws them. */
@AnalyzeClasses(packages = "org.mohawk4j", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    private static final String[] MODELS = {
        "org.mohawk4j.models..", "org.mohawk4j.safetensors..", "org.mohawk4j.tokenizer..", "org.mohawk4j.generation.."
    };
    private static final String TRAIN = "org.mohawk4j.train..";
    private static final String EXAMPLES = "org.mohawk4j.examples..";
    private static final String ND4J_BACKEND = "org.mohawk4j.backend.nd4j..";
    private static final String CUDA_BACKEND = "org.mohawk4j.backend.cuda..";

    @ArchTest
    static final ArchRule modulesDependInOneDirection = layeredArchitecture()
            .consideringOnlyDependenciesInLayers()
            .withOptionalLayers(true)
            .layer("core")
            .definedBy(resideInAPackage("org.mohawk4j..")
                    .and(not(resideInAnyPackage(MODELS)))
                    .and(not(resideInAnyPackage(TRAIN, EXAMPLES, CUDA_BACKEND))))
            .layer("models")
            .definedBy(MODELS)
            .layer("train")
            .definedBy(TRAIN)
            .layer("examples")
            .definedBy(EXAMPLES)
            .layer("cuda")
            .definedBy(CUDA_BACKEND)
            .whereLayer("models")
            .mayOnlyBeAccessedByLayers("train", "examples")
            .whereLayer("train")
            .mayOnlyBeAccessedByLayers("examples")
            .whereLayer("examples")
            .mayNotBeAccessedByAnyLayer()
            .whereLayer("cuda")
            .mayNotBeAccessedByAnyLayer();

    @ArchTest
    static final ArchRule cudaIsFoundAtRunTimeOnly = noClasses()
            .that()
            .resideOutsideOfPackage(CUDA_BACKEND)
            .should()
            .dependOnClassesThat()
            .resideInAPackage(CUDA_BACKEND);

    @ArchTest
    static final ArchRule nd4jBackendIsReachedThroughItsInterfaceOnly = noClasses()
            .that()
            .resideOutsideOfPackage(ND4J_BACKEND)
            .should()
            .dependOnClassesThat()
            .resideInAPackage(ND4J_BACKEND);

    /** {@code INDArray} is the public edge of a tensor, {@code ISchedule} that of a learning rate. */
    @ArchTest
    static final ArchRule nd4jTypesStayBehindTheBackend = classes()
            .that()
            .resideOutsideOfPackage(ND4J_BACKEND)
            .should()
            .onlyDependOnClassesThat(not(resideInAPackage("org.nd4j.."))
                    .or(resideInAnyPackage("org.nd4j.linalg.api.ndarray", "org.nd4j.linalg.schedule")));

    @ArchTest
    static final ArchRule indArrayIsSeenByTensorsOnly = noClasses()
            .that()
            .resideOutsideOfPackages(ND4J_BACKEND, "org.mohawk4j.tensor..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.nd4j.linalg.api.ndarray");

    @ArchTest
    static final ArchRule nativePointersStayInBackends = noClasses()
            .that()
            .resideOutsideOfPackage("org.mohawk4j.backend..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.bytedeco..");

    @ArchTest
    static void everyModuleIsSeen(JavaClasses classes) {
        assertThat(classes.stream().map(JavaClass::getPackageName).collect(Collectors.toSet()))
                .as("packages on the class path of this test")
                .contains(
                        "org.mohawk4j.tensor",
                        "org.mohawk4j.safetensors",
                        "org.mohawk4j.train.run",
                        "org.mohawk4j.examples");
    }
}
