package org.mohawk4j.train.cache;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.io.Sha256;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.train.run.MixerValues;
import org.mohawk4j.train.run.RunInputs;

/**
 * Tells a teacher whose outputs are cached from every other: by its parameters, by its configuration, of which
 * parameters show neither a rotary embedding nor an epsilon, and by the types it is computed in.
 */
final class TeacherIdentity {
    private TeacherIdentity() {}

    /** SHA-256 in hexadecimal; the same in every process. */
    static String sha256(CausalLm teacher) {
        Backend backend = teacher.engine().backend();
        List<Object> parts = List.of(
                RunInputs.sha256(teacher), configuration(teacher), backend.parameterType(), backend.productType());
        return Sha256.of(parts.toString().getBytes(StandardCharsets.UTF_8));
    }

    /** All values. A block's form is told by its class and its parameters, since the text of a form is its address. */
    private static List<Object> configuration(CausalLm teacher) {
        CausalLmConfig config = teacher.config();
        return List.of(
                config.vocabulary(),
                config.width(),
                config.maxPositions(),
                config.embeddingScale(),
                teacher.blocks().get(0).getClass().getName(),
                config.block().norm(),
                config.block().mlp(),
                config.head(),
                MixerValues.of(new MixerPlan(config.mixers()), config).toJson());
    }
}
