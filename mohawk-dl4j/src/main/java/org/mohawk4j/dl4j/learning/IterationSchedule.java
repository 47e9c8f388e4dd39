package org.mohawk4j.dl4j.learning;

import java.io.IOException;
import java.util.List;
import org.mohawk4j.train.schedule.CosineSchedule;
import org.mohawk4j.train.schedule.LearningRateSchedule;
import org.mohawk4j.train.schedule.WarmupStableDecaySchedule;
import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.shade.jackson.annotation.JsonTypeInfo;
import org.nd4j.shade.jackson.core.JsonParser;
import org.nd4j.shade.jackson.databind.DeserializationContext;
import org.nd4j.shade.jackson.databind.JsonDeserializer;
import org.nd4j.shade.jackson.databind.jsontype.TypeDeserializer;
import org.nd4j.shade.jackson.databind.node.ObjectNode;

/** A schedule of mohawk4j's as one of ND4J's, for any {@code IUpdater}. ND4J's JSON holds it if it is a record. */
public record IterationSchedule(
        @JsonTypeInfo(use = JsonTypeInfo.Id.CLASS) LearningRateSchedule schedule) implements ISchedule {
    private static final long serialVersionUID = 1L;

    /** A schedule of ND4J's by iteration as one of mohawk4j's, for its training; the epoch is always 0. */
    public static LearningRateSchedule of(ISchedule schedule) {
        return schedule instanceof IterationSchedule own ? own.schedule : step -> schedule.valueAt(step, 0);
    }

    /** The rate at an iteration; the epoch plays no part. */
    @Override
    public double valueAt(int iteration, int epoch) {
        return schedule.at(iteration);
    }

    /** This schedule: it never changes. */
    @Override
    public IterationSchedule clone() {
        return this;
    }

    /** Reads a schedule of ND4J's, and those of mohawk4j that were ND4J's themselves before this class. */
    static final class Reader extends JsonDeserializer<ISchedule> {
        private static final List<Class<? extends LearningRateSchedule>> FORMER =
                List.of(CosineSchedule.class, WarmupStableDecaySchedule.class);

        @Override
        public ISchedule deserialize(JsonParser parser, DeserializationContext context) throws IOException {
            ObjectNode json = parser.readValueAsTree();
            String name = json.path("@class").asText();
            for (Class<? extends LearningRateSchedule> type : FORMER) {
                if (type.getName().equals(name)) {
                    json.remove("@class");
                    return new IterationSchedule(parser.getCodec().treeToValue(json, type));
                }
            }
            return parser.getCodec().treeToValue(json, ISchedule.class);
        }

        @Override
        public ISchedule deserializeWithType(JsonParser parser, DeserializationContext context, TypeDeserializer types)
                throws IOException {
            return deserialize(parser, context);
        }
    }
}
