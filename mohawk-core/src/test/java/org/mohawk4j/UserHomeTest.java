package org.mohawk4j;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UserHomeTest {
    @TempDir
    private Path folder;

    @Test
    void whatTheJvmFoundIsTaken() {
        assertThat(UserHome.home("/home/ada", folder.toString(), "/tmp")).isEqualTo("/home/ada");
    }

    @Test
    void whereTheJvmFoundNoneTheEnvironmentsIsTaken() {
        assertThat(UserHome.home("?", folder.toString(), "/tmp")).isEqualTo(folder.toString());
        assertThat(UserHome.home("", folder.toString(), "/tmp")).isEqualTo(folder.toString());
        assertThat(UserHome.home(null, folder.toString(), "/tmp")).isEqualTo(folder.toString());
    }

    @Test
    void whereThereIsNoneTheFolderOfTemporaryFilesIs() {
        String missing = folder.resolve("missing").toString();
        assertThat(UserHome.home("?", null, "/tmp")).isEqualTo("/tmp");
        assertThat(UserHome.home("?", "", "/tmp")).isEqualTo("/tmp");
        assertThat(UserHome.home("?", missing, "/tmp")).isEqualTo("/tmp");
    }

    @Test
    void aTildeIsTheHomeFolder() {
        String home = System.getProperty("user.home");
        assertThat(UserHome.expand("~/models/phi")).isEqualTo(home + "/models/phi");
        assertThat(UserHome.expand("~")).isEqualTo(home);
        assertThat(UserHome.expand("./~/x")).isEqualTo("./~/x");
        assertThat(UserHome.expand("~backup/x")).isEqualTo("~backup/x");
        assertThat(UserHome.expand("a/~/x")).isEqualTo("a/~/x");
        assertThat(UserHome.expand("")).isEmpty();
    }
}
