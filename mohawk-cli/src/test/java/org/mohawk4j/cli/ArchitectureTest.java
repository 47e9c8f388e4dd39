package org.mohawk4j.cli;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** The directions between modules and packages that the table in {@code docs/architecture.md} states. */
@AnalyzeClasses(packages = "org.mohawk4j", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    private static final int CLASSES_PER_PACKAGE = 25;
    private static final int CONSTRUCTOR_PARAMETERS = 7;
    private static final int RECORD_COMPONENTS = 8;

    private static final String[] MODELS = {
        "org.mohawk4j.models..", "org.mohawk4j.safetensors..", "org.mohawk4j.tokenizer..", "org.mohawk4j.generation.."
    };
    private static final String DATA = "org.mohawk4j.data..";
    private static final String EVAL = "org.mohawk4j.eval..";
    private static final String TRAIN = "org.mohawk4j.train..";
    private static final String CLI = "org.mohawk4j.cli..";
    private static final String EXAMPLES = "org.mohawk4j.examples..";
    private static final String ND4J_BACKEND = "org.mohawk4j.backend.nd4j..";
    private static final String CUDA_BACKEND = "org.mohawk4j.backend.cuda..";

    @ArchTest
    static final ArchRule modulesDependInOneDirection = layeredArchitecture()
            .consideringOnlyDependenciesInLayers()
            .layer("core")
            .definedBy(resideInAPackage("org.mohawk4j..")
                    .and(not(resideInAnyPackage(MODELS)))
                    .and(not(resideInAnyPackage(DATA, EVAL, TRAIN, CLI, EXAMPLES, CUDA_BACKEND))))
            .layer("models")
            .definedBy(MODELS)
            .layer("data")
            .definedBy(DATA)
            .layer("eval")
            .definedBy(EVAL)
            .layer("train")
            .definedBy(TRAIN)
            .layer("cli")
            .definedBy(CLI)
            .layer("examples")
            .definedBy(EXAMPLES)
            .layer("cuda")
            .definedBy(CUDA_BACKEND)
            .whereLayer("core")
            .mayNotAccessAnyLayer()
            .whereLayer("models")
            .mayOnlyAccessLayers("core")
            .whereLayer("data")
            .mayOnlyAccessLayers("core", "models")
            .whereLayer("eval")
            .mayOnlyAccessLayers("core", "models", "data")
            .whereLayer("train")
            .mayOnlyAccessLayers("core", "models", "data", "eval")
            .whereLayer("cli")
            .mayOnlyAccessLayers("core", "models", "data", "eval", "train")
            .whereLayer("examples")
            .mayOnlyAccessLayers("core", "models", "data", "eval", "train")
            .whereLayer("cuda")
            .mayOnlyAccessLayers("core");

    @ArchTest
    static final ArchRule packagesHaveNoCycles =
            slices().matching("org.mohawk4j.(**)").should().beFreeOfCycles();

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

    /** Learning rates are ours too; {@code NdArrays}, the edge for arrays, stands beside the backend. */
    @ArchTest
    static final ArchRule nd4jTypesStayBehindTheBackend = noClasses()
            .that()
            .resideOutsideOfPackages(ND4J_BACKEND, "org.mohawk4j.dl4j..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("org.nd4j..", "org.deeplearning4j..");

    @ArchTest
    static final ArchRule nativePointersStayInBackends = noClasses()
            .that()
            .resideOutsideOfPackage("org.mohawk4j.backend..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.bytedeco..");

    @ArchTest
    static void aPackageReadsLikeAChapter(JavaClasses classes) {
        Map<String, Long> sizes = classes.stream()
                .filter(JavaClass::isTopLevelClass)
                .filter(one -> !one.getSimpleName().equals("package-info"))
                .collect(Collectors.groupingBy(JavaClass::getPackageName, TreeMap::new, Collectors.counting()));
        assertThat(sizes)
                .isNotEmpty()
                .allSatisfy((name, size) ->
                        assertThat(size).as("classes in %s", name).isLessThanOrEqualTo(CLASSES_PER_PACKAGE));
    }

    @ArchTest
    static void constructorsAndPublicRecordsAreShort(JavaClasses classes) {
        assertThat(classes.stream().filter(ArchitectureTest::isWrittenWithAllParameters))
                .isNotEmpty()
                .flatExtracting(JavaClass::getConstructors)
                .allSatisfy(constructor -> assertThat(constructor.getRawParameterTypes())
                        .as(constructor.getFullName())
                        .hasSizeLessThanOrEqualTo(CONSTRUCTOR_PARAMETERS));
        assertThat(classes.stream()
                        .filter(JavaClass::isRecord)
                        .filter(one -> one.getModifiers().contains(JavaModifier.PUBLIC)))
                .isNotEmpty()
                .allSatisfy(one -> assertThat(one.getFields())
                        .as(one.getName())
                        .filteredOn(field -> !field.getModifiers().contains(JavaModifier.STATIC))
                        .hasSizeLessThanOrEqualTo(RECORD_COMPONENTS));
    }

    /** The compiler adds parameters to constructors of enums and of classes that belong to an object or a method. */
    private static boolean isWrittenWithAllParameters(JavaClass one) {
        boolean alone = one.isTopLevelClass() || one.getModifiers().contains(JavaModifier.STATIC);
        return alone && !one.isRecord() && !one.isEnum() && !one.isInterface();
    }

    @ArchTest
    static void everyModuleIsSeen(JavaClasses classes) {
        assertThat(classes.stream().map(JavaClass::getPackageName).collect(Collectors.toSet()))
                .as("packages on the class path of this test")
                .contains(
                        "org.mohawk4j.tensor",
                        "org.mohawk4j.backend.cuda",
                        "org.mohawk4j.safetensors",
                        "org.mohawk4j.data",
                        "org.mohawk4j.eval",
                        "org.mohawk4j.train.run",
                        "org.mohawk4j.cli",
                        "org.mohawk4j.examples");
    }
}
