# Copyright 2026 the mohawk4j authors. Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0. Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND,
# either express or implied. See the License for the specific language governing permissions and limitations.
"""Configuration of the language models that mohawk4j exports."""

from transformers import PretrainedConfig

MIXERS = ("discrete_mamba2", "attention", "causal_linear_attention", "toeplitz")
BLOCKS = ("parallel", "pre_norm", "post_norm", "sandwich_norm")
NORMS = ("layer", "rms", "rms_unit_offset")
ACTIVATIONS = ("gelu_pytorch_tanh", "relu", "silu")


def _require(key, value, known):
    if value not in known:
        raise ValueError(f"{key}: expected one of {', '.join(known)}, found {value!r}")


class MohawkConfig(PretrainedConfig):
    """A decoder-only language model whose layers may have different sequence mixers.

    Args:
        block: how mixer, MLP and norms are put together: "parallel" (Phi), "pre_norm" (Llama), "post_norm"
            (OLMo 2), "sandwich_norm" (Gemma 2 and 3).
        norm: {"kind": "layer" | "rms" | "rms_unit_offset", "epsilon": number}, of every block and the final one.
        mlp: {"width", "activation": "gelu_pytorch_tanh" | "relu" | "silu", "gated", "bias"}.
        runs: the layers in order, an object for each run of equal ones: {"count", "mixer", ...the mixer's keys}.
            discrete_mamba2: "inner_width", "heads", "groups", "state_size", "conv_width", "chunk".
            attention: "heads", "key_value_heads", "head_dim", "biases" (a list of "query", "key", "value",
            "output"), "query_key_norm" (null, or {"epsilon", "unit_offset", "across_heads"}), "rotary" ({"dim",
            "theta", "scaling"}), "scale", "soft_cap" (0: none), "window" (0: none).
            causal_linear_attention: "inner_width", "heads", "state_size", "chunk".
            toeplitz: "inner_width", "heads", "max_time".
        embedding_scale: what the embedding is multiplied by.
        logit_soft_cap: bounds the logits; 0: no bound.
    """

    model_type = "mohawk"
    keys_to_ignore_at_inference = ["past_key_values"]

    def __init__(
        self,
        vocab_size=128,
        hidden_size=32,
        max_position_embeddings=2048,
        block="pre_norm",
        norm=None,
        mlp=None,
        runs=None,
        embedding_scale=1.0,
        lm_head_bias=False,
        logit_soft_cap=0.0,
        tie_word_embeddings=False,
        initializer_range=0.02,
        use_cache=True,
        **kwargs,
    ):
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.max_position_embeddings = max_position_embeddings
        self.block = block
        self.norm = norm or {"kind": "rms", "epsilon": 1e-6}
        self.mlp = mlp or {"width": 4 * hidden_size, "activation": "silu", "gated": True, "bias": False}
        self.runs = runs or []
        self.embedding_scale = embedding_scale
        self.lm_head_bias = lm_head_bias
        self.logit_soft_cap = logit_soft_cap
        self.initializer_range = initializer_range
        self.use_cache = use_cache
        _require("block", self.block, BLOCKS)
        _require("norm.kind", self.norm["kind"], NORMS)
        _require("mlp.activation", self.mlp["activation"], ACTIVATIONS)
        for run in self.runs:
            _require("runs.mixer", run["mixer"], MIXERS)
        # follows from the runs; tools look for it
        kwargs.pop("num_hidden_layers", None)
        self.num_hidden_layers = sum(run["count"] for run in self.runs)
        super().__init__(tie_word_embeddings=tie_word_embeddings, **kwargs)
        # transformers 5 has no such attribute of its own
        self.tie_word_embeddings = tie_word_embeddings

    def mixers(self):
        """The mixer of each layer, in order."""
        return [run for run in self.runs for _ in range(run["count"])]
