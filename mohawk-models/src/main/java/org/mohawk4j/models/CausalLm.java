package org.mohawk4j.models;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.ObjIntConsumer;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.mohawk4j.mixer.MixerState;
import org.mohawk4j.nn.Embedding;
import org.mohawk4j.nn.Layer;
import org.mohawk4j.nn.Linear;
import org.mohawk4j.nn.Norm;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.LinearMap;
import org.mohawk4j.op.ResidualNormFunction.Normed;
import org.mohawk4j.op.SoftCap;
import org.mohawk4j.op.loss.LmHead;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;

/** A causal language model: embedding, blocks, final norm, head. Token ids are int32 [B,T], hidden states [B,T,D]. */
public final class CausalLm extends Layer {
    private final CausalLmConfig config;
    private final Embedding embedding;
    private final List<Block> blocks = new ArrayList<>();
    private final Norm finalNorm;
    private final Optional<Linear> lmHead;

    public CausalLm(Engine engine, CausalLmConfig config, RandomGenerator random) {
        super(engine);
        this.config = config;
        embedding = part("embedding", new Embedding(engine, config.vocabulary(), config.width(), random));
        for (int i = 0; i < config.layers(); i++) {
            blocks.add(part(
                    "layers." + i,
                    config.block().form().create(engine, config, config.mixers().get(i), random)));
        }
        finalNorm = part("final_layernorm", config.block().norm().create(engine, config.width()));
        boolean bias = config.head().bias();
        lmHead = config.head().tied()
                ? Optional.empty()
                : Optional.of(part("lm_head", new Linear(engine, config.width(), config.vocabulary(), bias, random)));
    }

    public CausalLmConfig config() {
        return config;
    }

    public List<Block> blocks() {
        return List.copyOf(blocks);
    }

    /** A tied head's is the embedding's, of which every token that is generated reads all. */
    @Override
    public List<Parameter> linearWeights() {
        Stream<Parameter> tied = lmHead.isPresent() ? Stream.of() : embedding.parameters().values().stream();
        return Stream.concat(super.linearWeights().stream(), tied).toList();
    }

    /** What the first block is applied to, in the type of parameters. */
    public Tensor embed(Tensor ids) {
        Tensor rows = embedding.apply(ids).cast(engine().parameterType());
        double scale = config.embeddingScale();
        return scale == 1 ? rows : rows.mul(scale);
    }

    /** The last block's output with the final norm: what the head is applied to. */
    public Tensor finalNorm(Tensor h) {
        return finalNorm.apply(h);
    }

    /** Hidden states after the final norm. */
    public Tensor hidden(Tensor ids) {
        return hidden(ids, (h, index) -> {});
    }

    /**
     * As {@link #hidden(Tensor)}.
     *
     * @param observer is shown what each block is applied to, and at last what the final norm is, with its index; each
     *     is freed when it is no longer needed
     */
    public Tensor hidden(Tensor ids, ObjIntConsumer<Tensor> observer) {
        Tensor embedded = embed(ids);
        observer.accept(embedded, 0);
        Normed stream = new Normed(embedded, normBefore(0).apply(embedded));
        for (int i = 0; i < blocks.size(); i++) {
            stream = replace(stream, blocks.get(i), normBefore(i + 1));
            observer.accept(stream.sum(), i + 1);
        }
        engine().currentScope().free(stream.sum());
        return stream.normalized();
    }

    /** The norm between block {@code index - 1} and what follows it. */
    private Norm normBefore(int index) {
        return index < blocks.size() ? blocks.get(index).norm() : finalNorm;
    }

    /** Applies a block and frees what it is applied to, unless a tape still needs it. */
    private Normed replace(Normed stream, Block block, Norm next) {
        Normed output;
        try (Scope scope = engine().scope()) {
            output = block.forward(stream, next);
            scope.keep(output.sum());
            scope.keep(output.normalized());
        }
        engine().currentScope().free(stream.sum());
        engine().currentScope().free(stream.normalized());
        return output;
    }

    /**
     * As {@link #hidden(Tensor)}, storing of each block its input alone for the backward pass, where its activations are
     * computed again: memory of one block instead of all, for a second forward pass.
     */
    public Tensor hiddenRecomputed(Tensor ids) {
        return hiddenRecomputed(ids, (h, index) -> {});
    }

    /** As {@link #hiddenRecomputed(Tensor)}, with an observer as of {@link #hidden(Tensor, ObjIntConsumer)}. */
    public Tensor hiddenRecomputed(Tensor ids, ObjIntConsumer<Tensor> observer) {
        Tensor h = embed(ids);
        observer.accept(h, 0);
        for (int i = 0; i < blocks.size(); i++) {
            Block block = blocks.get(i);
            h = replace(h, input -> engine().recompute(input, block::forward));
            observer.accept(h, i + 1);
        }
        return finalNorm(h);
    }

    /**
     * The logits [B,V] after the last of these positions, which follow those the state has seen, in the type of
     * parameters.
     */
    public Tensor next(Tensor ids, InferenceCache state) {
        Tensor following = state.append(ids);
        Tensor h = embed(following);
        for (int i = 0; i < blocks.size(); i++) {
            Block block = blocks.get(i);
            MixerState memory = state.layer(i);
            h = replace(h, input -> block.forward(input, memory));
        }
        Tensor logits = finalNorm
                .thenMaps(h.narrow(1, following.dim(1) - 1, 1), List.of(headMap()), engine().parameterType())
                .get(0)
                .reshape(ids.dim(0), config.vocabulary());
        return SoftCap.apply(logits, config.head().softCap());
    }

    /** Applies a block and frees its input, unless a tape still needs it. */
    private Tensor replace(Tensor h, UnaryOperator<Tensor> block) {
        Tensor output = engine().scoped(() -> block.apply(h));
        engine().currentScope().free(h);
        return output;
    }

    /** The head on hidden states of any leading shape, one row per position. */
    public LmHead head(Tensor hidden) {
        LinearMap map = headMap();
        return new LmHead(
                hidden.reshape(-1, hidden.dim(-1)),
                map.weight(),
                map.bias(),
                config.head().softCap());
    }

    /** A tied head is the embedding's parameter itself, so that it has one gradient and is saved once. */
    private LinearMap headMap() {
        return lmHead.map(own -> own.map(Activation.NONE))
                .orElseGet(() -> new LinearMap(embedding.weight(), Optional.empty(), Activation.NONE));
    }

    /** [B,T,V] */
    public Tensor logits(Tensor ids) {
        return head(hidden(ids)).logits().reshape(ids.dim(0), ids.dim(1), config.vocabulary());
    }

    /**
     * A state that has seen nothing.
     *
     * @param batch B
     */
    public InferenceCache newState(long batch) {
        return new InferenceCache(
                engine(),
                () -> blocks.stream()
                        .map(block -> block.mixer().newState(batch))
                        .toList(),
                config.sameRotation());
    }
}
