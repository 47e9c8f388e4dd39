package org.mohawk4j.train.loop;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.types.HostSource;
import org.mohawk4j.train.checkpoint.Position;
import org.mohawk4j.train.optimizer.AdamW;
import org.mohawk4j.train.optimizer.Optimizer;

/** The state of a stage between two steps: everything that its next step depends on, besides parameters and data. */
public final class StageState implements AutoCloseable {
    private static final String LENGTH = "length";

    private final int stage;
    private final Optimizer optimizer;
    private final StepGuard guard;
    private final StageLength length;
    private final Parallelism ranks;
    private int step;
    private long tokens;
    private double seconds;
    private ObjectNode data = JsonNodeFactory.instance.objectNode();

    /** The start of a stage. */
    public StageState(Engine engine, int stage, AdamW.Config optimizer, double spikeThreshold, StageLength length) {
        this(stage, new AdamW(engine, optimizer), spikeThreshold, length);
    }

    /** The start of a stage, with an optimizer that is closed with it. */
    public StageState(int stage, Optimizer optimizer, double spikeThreshold, StageLength length) {
        this(stage, optimizer, spikeThreshold, length, Parallelism.none());
    }

    /** As one of several ranks trains it. */
    public StageState(int stage, Optimizer optimizer, double spikeThreshold, StageLength length, Parallelism ranks) {
        this.stage = stage;
        this.optimizer = optimizer;
        this.guard = new StepGuard(spikeThreshold);
        this.length = length;
        this.ranks = ranks;
    }

    public int stage() {
        return stage;
    }

    public Optimizer optimizer() {
        return optimizer;
    }

    public StepGuard guard() {
        return guard;
    }

    /** How many steps it takes. */
    public StageLength length() {
        return length;
    }

    /** How ranks share its steps. */
    public Parallelism ranks() {
        return ranks;
    }

    /** Steps taken. */
    public int step() {
        return step;
    }

    public Position position() {
        return new Position(stage, step);
    }

    /** Tokens of the steps taken. */
    long tokens() {
        return tokens;
    }

    /** That the stage has run, interruptions not counted. */
    double seconds() {
        return seconds;
    }

    /** The data's state before the next step. */
    ObjectNode data() {
        return data;
    }

    void advance(long trainedOn, double now) {
        step++;
        tokens += trainedOn;
        seconds = now;
    }

    void dataAt(ObjectNode place) {
        data = place;
    }

    /** All of this but the optimizer's moments. */
    public ObjectNode toJson() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("tokens", tokens).put("seconds", seconds).put("updates", optimizer.steps());
        json.set("guard", guard.state());
        json.set(LENGTH, length.toJson());
        json.set("data", data);
        return json;
    }

    /** Continues from what was saved. */
    public void restore(Position position, ObjectNode json, Map<String, ? extends HostSource> moments) {
        step = position.step();
        ConfigNode saved = ConfigNode.of("the state of stage " + position.stage(), json);
        tokens = saved.whole("tokens", 0, Long.MAX_VALUE);
        seconds = saved.optionalNumber("seconds").orElse(0);
        guard.restore(json.withObjectProperty("guard"));
        length.restore(json.path(LENGTH));
        data = json.withObjectProperty("data");
        optimizer.restore(saved.between("updates", 0, Integer.MAX_VALUE), moments);
    }

    /**
     * Steps in all of a stage that was saved.
     *
     * @param own steps that the configuration gives it
     */
    public static int steps(JsonNode saved, int own) {
        return StageLength.stepsOf(saved.path(LENGTH), own);
    }

    /** Frees the optimizer's moments. */
    @Override
    public void close() {
        optimizer.close();
    }
}
