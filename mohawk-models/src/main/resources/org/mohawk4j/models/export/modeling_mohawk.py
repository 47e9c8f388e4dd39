# Copyright 2026 the mohawk4j authors. Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0. Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND,
# either express or implied. See the License for the specific language governing permissions and limitations.
"""Language models of mohawk4j for Hugging Face transformers, in plain PyTorch.

Letters: B batch, T time, D model width, H heads, G groups of heads, P head width, N state size, K taps, Q chunk length.
"""

import math

import torch
import transformers
from torch import nn
from torch.nn import functional as F
from transformers import PreTrainedModel
from transformers.generation import GenerationMixin
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast

from .configuration_mohawk import MohawkConfig

# where silu is 1
OPEN_GATE = 1.278464542761074


def wide(x):
    """In float32 at least: what is summed, exponentiated or normalized is not rounded to the weights' type before."""
    return x if x.dtype == torch.float64 else x.float()


def soft_cap(x, cap):
    return cap * torch.tanh(x / cap) if cap else x


class MohawkCache:
    """What generation remembers: of each layer a few tensors whose first dimension is the batch.

    Mamba-2 keeps the convolution's last inputs and its state, linear attention its state, attention keys and values, a
    Toeplitz mixer all values. Where the rotation depends on the sequence's length, `past` has the embedded tokens and
    their positions until that length is passed.
    """

    is_compileable = False

    def __init__(self, layers):
        self.past = {}
        self.restart(layers)

    def restart(self, layers):
        self.layers = [{} for _ in range(layers)]
        self.seen = 0

    def get_seq_length(self, layer_idx=0):
        return self.seen

    def reorder_cache(self, beam_idx):
        for layer in (*self.layers, self.past):
            for name, tensor in layer.items():
                layer[name] = tensor.index_select(0, beam_idx.to(tensor.device))


class Pass:
    """What all layers share in one forward pass.

    Args:
        positions: [B or 1, T], of the tokens that are computed.
        seen: columns before them.
        tokens: [B, seen + T], whether a column is a token and not padding; None if all are.
    """

    def __init__(self, positions, seen, tokens):
        self.positions = positions
        self.seen = seen
        self.tokens = tokens
        self.tables = {}
        self.masks = {}

    def keep(self, x):
        """x [B, T, ...] with zeros at padding."""
        if self.tokens is None:
            return x
        now = self.tokens[:, self.seen :]
        return x * now.reshape(now.shape + (1,) * (x.dim() - 2)).to(x.dtype)

    def is_plain(self, keys, window):
        """Whether each token sees all columns up to its own."""
        return self.seen == 0 and self.tokens is None and (not window or keys <= window)

    def mask(self, keys, window):
        """Which of the last `keys` columns each token sees, [B, 1, T, keys] or [T, keys]; None: all."""
        key = (keys, window)
        if key not in self.masks:
            self.masks[key] = self._mask(keys, window)
        return self.masks[key]

    def _mask(self, keys, window):
        length = self.positions.shape[1]
        if length == 1 and self.tokens is None and (not window or keys <= window):
            return None
        total = self.seen + length
        columns = torch.arange(total, device=self.positions.device)
        query = columns[self.seen :, None]
        key = columns[total - keys :]
        seen = key <= query
        if window:
            seen = seen & (key > query - window)
        if self.tokens is not None:
            # padding sees itself, so that no row is empty
            seen = (seen & self.tokens[:, None, None, total - keys :]) | (key == query)
        return seen

    def rotation(self, rotary, dtype):
        """Cosines and sines [B or 1, 1, T, dim/2]."""
        key = repr(rotary)
        if key not in self.tables:
            self.tables[key] = self._rotation(rotary)
        cos, sin = self.tables[key]
        return cos.to(dtype), sin.to(dtype)

    def _rotation(self, rotary):
        longest = 0
        if rotary["scaling"]["type"] == "longrope":
            longest = int(self.positions.max()) + 1
        frequencies, factor = rotary_frequencies(rotary, longest)
        # angles in float64, where there is such a type: far positions lose digits otherwise
        device = self.positions.device
        where = torch.device("cpu") if device.type == "mps" else device
        frequencies = torch.tensor(frequencies, dtype=torch.float64, device=where)
        angles = self.positions[:, None, :, None].to(where, torch.float64) * frequencies
        dtype = torch.float32 if device.type == "mps" else torch.float64
        cos, sin = angles.cos() * factor, angles.sin() * factor
        return cos.to(dtype).to(device), sin.to(dtype).to(device)


def rotary_frequencies(rotary, length):
    """The angle per position of each pair, and what cosines and sines are multiplied by.

    Args:
        length: of the sequence, where the scaling depends on it.
    """
    dim, theta, scaling = rotary["dim"], rotary["theta"], rotary["scaling"]
    plain = [theta ** (-2.0 * i / dim) for i in range(dim // 2)]
    kind = scaling["type"]
    if kind == "none":
        return plain, 1.0
    if kind == "linear":
        return [f / scaling["factor"] for f in plain], 1.0
    if kind == "llama3":
        return [llama3_frequency(f, scaling) for f in plain], 1.0
    if kind == "yarn":
        return yarn_frequencies(plain, rotary), scaling["attention_factor"]
    if kind == "longrope":
        fits = length <= scaling["original_positions"]
        factors = scaling["short_factors"] if fits else scaling["long_factors"]
        return [f / factor for f, factor in zip(plain, factors)], scaling["attention_factor"]
    raise ValueError(f"rotary.scaling.type: expected none, linear, llama3, yarn or longrope, found {kind!r}")


def llama3_frequency(frequency, scaling):
    turns = scaling["original_positions"] * frequency / (2 * math.pi)
    low, high = scaling["low_frequency_factor"], scaling["high_frequency_factor"]
    if turns < low:
        return frequency / scaling["factor"]
    if turns > high:
        return frequency
    kept = (turns - low) / (high - low)
    return kept * frequency + (1 - kept) * frequency / scaling["factor"]


def yarn_frequencies(plain, rotary):
    dim, theta, scaling = rotary["dim"], rotary["theta"], rotary["scaling"]

    def pair_that_turns(turns):
        return dim * math.log(scaling["original_positions"] / (turns * 2 * math.pi)) / (2 * math.log(theta))

    first, last = pair_that_turns(scaling["turns_kept"]), pair_that_turns(scaling["turns_divided"])
    if scaling["whole_pairs"]:
        first, last = math.floor(first), math.ceil(last)
    first, last = max(0, first), min(dim - 1, last)
    span = 0.001 if first == last else last - first
    ramp = [min(1.0, max(0.0, (i - first) / span)) for i in range(len(plain))]
    return [f / scaling["factor"] * r + f * (1 - r) for f, r in zip(plain, ramp)]


def rotate(x, rotary, context):
    """x [B, H, T, P] with its first `dim` entries turned by position, entry i together with i + dim/2."""
    if rotary["dim"] == 0:
        return x
    half = rotary["dim"] // 2
    wider = wide(x)
    cos, sin = context.rotation(rotary, wider.dtype)
    first, second, rest = wider[..., :half], wider[..., half : 2 * half], wider[..., 2 * half :]
    return torch.cat((first * cos - second * sin, second * cos + first * sin, rest), dim=-1).to(x.dtype)


class RmsNorm(nn.Module):
    """Root mean square normalization; with `unit_offset` the scale is 1 + weight."""

    def __init__(self, width, epsilon, unit_offset):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(width) if unit_offset else torch.ones(width))
        self.epsilon = epsilon
        self.unit_offset = unit_offset

    def forward(self, x):
        wider = wide(x)
        normed = wider * torch.rsqrt(wider.square().mean(-1, keepdim=True) + self.epsilon)
        if self.unit_offset:
            return (normed * (1 + wide(self.weight))).to(x.dtype)
        return normed.to(x.dtype) * self.weight


def make_norm(config):
    epsilon = config.norm["epsilon"]
    if config.norm["kind"] == "layer":
        return nn.LayerNorm(config.hidden_size, eps=epsilon)
    return RmsNorm(config.hidden_size, epsilon, config.norm["kind"] == "rms_unit_offset")


def activate(x, name):
    if name == "silu":
        return F.silu(x)
    return F.relu(x) if name == "relu" else F.gelu(x, approximate="tanh")


class Mlp(nn.Module):
    """second(activation(first x))"""

    def __init__(self, width, mlp):
        super().__init__()
        self.activation = mlp["activation"]
        self.fc1 = nn.Linear(width, mlp["width"], bias=mlp["bias"])
        self.fc2 = nn.Linear(mlp["width"], width, bias=mlp["bias"])

    def forward(self, x):
        return self.fc2(activate(self.fc1(x), self.activation))


class GatedMlp(nn.Module):
    """down(activation(gate x) * up x)"""

    def __init__(self, width, mlp):
        super().__init__()
        self.activation = mlp["activation"]
        self.gate_proj = nn.Linear(width, mlp["width"], bias=mlp["bias"])
        self.up_proj = nn.Linear(width, mlp["width"], bias=mlp["bias"])
        self.down_proj = nn.Linear(mlp["width"], width, bias=mlp["bias"])

    def forward(self, x):
        return self.down_proj(activate(self.gate_proj(x), self.activation) * self.up_proj(x))


def semiseparable(x, b, c, log_decay, chunk, state):
    """y_t = sum over s <= t of (c_t . b_s) exp(sum of log_decay over s+1..t) x_s.

    Dense within chunks, recurrent between them: time and memory are O(T * chunk).

    Args:
        x: [B, T, H, P].
        b, c: [B, T, G, N]; group g serves heads g * H/G and following.
        log_decay: [B, T, H].
        state: [B, H, P, N], what came before; None: nothing.

    Returns:
        y [B, T, H, P] and the state behind the last position.
    """
    batch, time, heads, head_dim = x.shape
    groups, size = b.shape[2:]
    each = heads // groups
    length = min(chunk, time)
    chunks = -(-time // length)
    missing = chunks * length - time

    def split(tensor, *dims):
        """[B, T, ...] to [B, chunks, ..., length] with the time behind the given dimensions, padded with zeros."""
        padded = F.pad(tensor, (0, 0) * (tensor.dim() - 2) + (0, missing))
        return padded.reshape(batch, chunks, length, *dims).movedim(2, 4)

    x = split(x, groups, each, head_dim)
    b = split(b, groups, 1, size)
    c = split(c, groups, 1, size)
    steps = split(log_decay, groups, each)
    row = torch.arange(length, device=x.device)
    # each sum for itself: differences of running sums would lose the digits that those have lost
    sums = (steps.unsqueeze(-1) * (row[:, None] > row).to(steps.dtype)).cumsum(-2)
    decay = sums.masked_fill(row[:, None] < row, -math.inf).exp()
    within = (c @ b.transpose(-1, -2) * decay) @ x
    gathered = (x * decay[..., -1, :].unsqueeze(-1)).transpose(-1, -2) @ b
    from_start = steps.cumsum(-1).exp().unsqueeze(-1)
    if state is None:
        state = x.new_zeros(batch, groups, each, head_dim, size)
    else:
        state = state.reshape(batch, groups, each, head_dim, size)
    before = []
    for i in range(chunks):
        before.append(state)
        state = state * from_start[:, i, :, :, -1:] + gathered[:, i]
    across = c @ torch.stack(before, 1).transpose(-1, -2) * from_start
    y = (within + across).movedim(4, 2).reshape(batch, chunks * length, heads, head_dim)
    return y[:, :time], state.reshape(batch, heads, head_dim, size)


def semiseparable_step(x, b, c, log_decay, state):
    """`semiseparable` of one position, by the recurrence."""
    batch, _, heads, head_dim = x.shape
    groups, size = b.shape[2:]
    each = heads // groups
    x = x.reshape(batch, groups, each, head_dim, 1)
    b = b.reshape(batch, groups, 1, 1, size)
    c = c.reshape(batch, groups, 1, size, 1)
    decay = log_decay.exp().reshape(batch, groups, each, 1, 1)
    state = state.reshape(batch, groups, each, head_dim, size) * decay + x * b
    return (state @ c).reshape(batch, 1, heads, head_dim), state.reshape(batch, heads, head_dim, size)


def recurrent(x, b, c, log_decay, chunk, memory):
    """The product, by whichever way is the faster, with its state kept in a layer's memory if there is one."""
    state = None if memory is None else memory.get("state")
    if x.shape[1] == 1 and state is not None:
        y, state = semiseparable_step(x, b, c, log_decay, state)
    else:
        y, state = semiseparable(x, b, c, log_decay, chunk, state)
    if memory is not None:
        memory["state"] = state
    return y


class CausalConv1d(nn.Module):
    """Depthwise causal convolution along time, [B, T, C] to [B, T, C]."""

    def __init__(self, channels, taps):
        super().__init__()
        self.taps = taps
        self.weight = nn.Parameter(torch.empty(channels, 1, taps))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x, memory):
        if memory is None or "history" not in memory:
            seen = F.pad(x, (0, 0, self.taps - 1, 0))
        else:
            seen = torch.cat((memory["history"], x), 1)
        if memory is not None:
            memory["history"] = seen[:, x.shape[1] :]
        y = self.bias
        # tap by tap, since cuDNN's convolutions round to TF32
        for tap in range(self.taps):
            y = y + seen[:, tap : tap + x.shape[1]] * self.weight[:, 0, tap]
        return y


class DiscreteMamba2(nn.Module):
    """M = L o (C B^T) + diag(D) with L[t, s] = exp(-sum over s+1..t of softplus(A_log)), gated by silu(z + z_bias)."""

    def __init__(self, config, mixer):
        super().__init__()
        self.inner = mixer["inner_width"]
        self.heads = mixer["heads"]
        self.groups = mixer["groups"]
        self.chunk = mixer["chunk"]
        self.states = mixer["groups"] * mixer["state_size"]
        channels = self.inner + 2 * self.states
        self.in_proj = nn.Linear(config.hidden_size, channels + self.inner + self.heads, bias=False)
        self.conv1d = CausalConv1d(channels, mixer["conv_width"])
        self.D = nn.Parameter(torch.ones(self.heads))
        self.z_bias = nn.Parameter(torch.full((self.inner,), OPEN_GATE))
        self.out_proj = nn.Linear(self.inner, config.hidden_size, bias=False)

    def forward(self, u, context, memory):
        batch, time, _ = u.shape
        parts = (self.inner + 2 * self.states, self.inner, self.heads)
        x_b_c, z, a_log = self.in_proj(u).split(parts, -1)
        x_b_c = self.conv1d(context.keep(x_b_c), memory)
        x, b, c = wide(x_b_c).split((self.inner, self.states, self.states), -1)
        x = x.reshape(batch, time, self.heads, -1)
        b = context.keep(b).reshape(batch, time, self.groups, -1)
        c = c.reshape(batch, time, self.groups, -1)
        # padding neither adds to the state nor lets it decay
        log_decay = context.keep(-F.softplus(wide(a_log)))
        y = recurrent(x, b, c, log_decay, self.chunk, memory) + x * wide(self.D)[:, None]
        y = y.reshape(batch, time, self.inner).to(u.dtype)
        return self.out_proj(y * F.silu(z + self.z_bias))


class CausalLinearAttention(nn.Module):
    """M = tril(C B^T), C and B linear in the input."""

    def __init__(self, config, mixer):
        super().__init__()
        width, inner = config.hidden_size, mixer["inner_width"]
        self.heads = mixer["heads"]
        self.chunk = mixer["chunk"]
        self.v_proj = nn.Linear(width, inner, bias=False)
        self.out_proj = nn.Linear(inner, width, bias=False)
        self.c_proj = nn.Linear(width, self.heads * mixer["state_size"], bias=False)
        self.b_proj = nn.Linear(width, self.heads * mixer["state_size"], bias=False)

    def forward(self, u, context, memory):
        batch, time, _ = u.shape
        x, b, c = (
            wide(projection(u)).reshape(batch, time, self.heads, -1)
            for projection in (self.v_proj, self.b_proj, self.c_proj)
        )
        no_decay = x.new_zeros(batch, time, self.heads)
        y = recurrent(x, context.keep(b), c, no_decay, self.chunk, memory)
        return self.out_proj(y.reshape(batch, time, -1).to(u.dtype))


class Toeplitz(nn.Module):
    """A long causal convolution per head, the same for every input; at most `max_time` positions."""

    def __init__(self, config, mixer):
        super().__init__()
        width, inner = config.hidden_size, mixer["inner_width"]
        self.heads = mixer["heads"]
        self.max_time = mixer["max_time"]
        self.v_proj = nn.Linear(width, inner, bias=False)
        self.out_proj = nn.Linear(inner, width, bias=False)
        self.coefficients = nn.Parameter(torch.empty(self.heads, self.max_time))

    def forward(self, u, context, memory):
        batch, time, _ = u.shape
        values = context.keep(self.v_proj(u)).reshape(batch, time, self.heads, -1).transpose(1, 2)
        if memory is not None:
            values = torch.cat((memory["values"], values), 2) if "values" in memory else values
            memory["values"] = values
        total = values.shape[2]
        if total > self.max_time:
            raise ValueError(f"a Toeplitz mixer for up to {self.max_time} positions is given {total}")
        column = torch.arange(total, device=u.device)
        distance = column[total - time :, None] - column
        matrix = self.coefficients[:, distance.clamp(min=0)] * (distance >= 0).to(u.dtype)
        return self.out_proj((matrix @ values).transpose(1, 2).reshape(batch, time, -1))


class Attention(nn.Module):
    """Causal softmax attention with grouped queries and rotary position embedding."""

    def __init__(self, config, mixer):
        super().__init__()
        width, head_dim, biases = config.hidden_size, mixer["head_dim"], mixer["biases"]
        self.mixer = mixer
        self.config = config
        self.heads, self.groups, self.head_dim = mixer["heads"], mixer["key_value_heads"], head_dim
        self.q_proj = nn.Linear(width, self.heads * head_dim, bias="query" in biases)
        self.k_proj = nn.Linear(width, self.groups * head_dim, bias="key" in biases)
        self.v_proj = nn.Linear(width, self.groups * head_dim, bias="value" in biases)
        self.dense = nn.Linear(self.heads * head_dim, width, bias="output" in biases)
        norm = mixer["query_key_norm"]
        self.across_heads = norm is not None and norm["across_heads"]
        if norm is not None:
            each = (self.heads, self.groups) if self.across_heads else (1, 1)
            self.q_norm = RmsNorm(each[0] * head_dim, norm["epsilon"], norm["unit_offset"])
            self.k_norm = RmsNorm(each[1] * head_dim, norm["epsilon"], norm["unit_offset"])

    def _turned(self, projected, norm, heads, context):
        """[B, T, heads * P] to [B, heads, T, P], normed and turned."""
        if norm is not None and self.across_heads:
            projected = norm(projected)
        x = projected.reshape(*projected.shape[:2], heads, self.head_dim)
        if norm is not None and not self.across_heads:
            x = norm(x)
        return rotate(x.transpose(1, 2), self.mixer["rotary"], context)

    def forward(self, u, context, memory):
        batch, time, _ = u.shape
        q = self._turned(self.q_proj(u), getattr(self, "q_norm", None), self.heads, context)
        k = self._turned(self.k_proj(u), getattr(self, "k_norm", None), self.groups, context)
        v = self.v_proj(u).reshape(batch, time, self.groups, self.head_dim).transpose(1, 2)
        window = self.mixer["window"]
        if memory is not None:
            if "keys" in memory:
                k = torch.cat((memory["keys"], k), 2)
                v = torch.cat((memory["values"], v), 2)
            # no later query sees more than that
            first = max(0, k.shape[2] - (window - 1)) if window else 0
            memory["keys"], memory["values"] = k[:, :, first:], v[:, :, first:]
        k = k.repeat_interleave(self.heads // self.groups, 1)
        v = v.repeat_interleave(self.heads // self.groups, 1)
        y = self._attend(q, k, v, context)
        return self.dense(y.transpose(1, 2).reshape(batch, time, self.heads * self.head_dim))

    def _attend(self, q, k, v, context):
        scale, cap, window = self.mixer["scale"], self.mixer["soft_cap"], self.mixer["window"]
        fused = not cap and getattr(self.config, "_attn_implementation", None) != "eager"
        if fused and context.is_plain(k.shape[2], window):
            return F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale)
        mask = context.mask(k.shape[2], window)
        if fused:
            return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale)
        scores = soft_cap(wide(q * scale @ k.transpose(-1, -2)), cap)
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        return scores.softmax(-1).to(v.dtype) @ v


MIXER_CLASSES = {
    "discrete_mamba2": DiscreteMamba2,
    "attention": Attention,
    "causal_linear_attention": CausalLinearAttention,
    "toeplitz": Toeplitz,
}


class MohawkBlock(nn.Module):
    """Mixer and MLP: side by side, or one behind the other with norms before, behind or on both sides of each."""

    def __init__(self, config, mixer):
        super().__init__()
        self.parallel = config.block == "parallel"
        before = config.block != "post_norm"
        behind = config.block in ("post_norm", "sandwich_norm")
        self.mixer = MIXER_CLASSES[mixer["mixer"]](config, mixer)
        self.mlp = (GatedMlp if config.mlp["gated"] else Mlp)(config.hidden_size, config.mlp)
        if before:
            self.input_layernorm = make_norm(config)
        if before and not self.parallel:
            self.post_attention_layernorm = make_norm(config)
        if behind:
            self.mixer_output_layernorm = make_norm(config)
            self.mlp_output_layernorm = make_norm(config)

    def _normed(self, name, x):
        norm = getattr(self, name, None)
        return x if norm is None else norm(x)

    def forward(self, h, context, memory):
        u = self._normed("input_layernorm", h)
        mixed = self._normed("mixer_output_layernorm", self.mixer(u, context, memory))
        if self.parallel:
            return h + mixed + self.mlp(u)
        h = h + mixed
        u = self._normed("post_attention_layernorm", h)
        return h + self._normed("mlp_output_layernorm", self.mlp(u))


class MohawkPreTrainedModel(PreTrainedModel):
    config_class = MohawkConfig
    base_model_prefix = "model"
    supports_gradient_checkpointing = True
    _no_split_modules = ["MohawkBlock"]
    _skip_keys_device_placement = "past_key_values"
    _supports_sdpa = True
    # its cache cannot be cut back, and is not one of transformers' own
    _is_stateful = True

    def _init_weights(self, module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, mean=0.0, std=self.config.initializer_range)
            if getattr(module, "bias", None) is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.LayerNorm):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, RmsNorm):
            nn.init.constant_(module.weight, 0.0 if module.unit_offset else 1.0)
        elif isinstance(module, CausalConv1d):
            nn.init.zeros_(module.bias)
            nn.init.constant_(module.weight, 1.0 / module.taps)
        elif isinstance(module, DiscreteMamba2):
            nn.init.ones_(module.D)
            nn.init.constant_(module.z_bias, OPEN_GATE)
        elif isinstance(module, Toeplitz):
            nn.init.constant_(module.coefficients, 1.0 / module.max_time)


class ScaledEmbedding(nn.Embedding):
    """An embedding whose output is scaled, so that `inputs_embeds` made with it are what the blocks get."""

    def __init__(self, vocab_size, hidden_size, scale):
        super().__init__(vocab_size, hidden_size)
        self.scale = scale

    def forward(self, input_ids):
        h = super().forward(input_ids)
        if self.scale == 1:
            return h
        # rounded to the type of the weights, as Gemma has it
        return h * torch.tensor(self.scale, dtype=h.dtype, device=h.device)


class MohawkModel(MohawkPreTrainedModel):
    """Embedding, blocks and the final norm."""

    def __init__(self, config):
        super().__init__(config)
        self.embedding = ScaledEmbedding(config.vocab_size, config.hidden_size, config.embedding_scale)
        self.layers = nn.ModuleList(MohawkBlock(config, mixer) for mixer in config.mixers())
        self.final_layernorm = make_norm(config)
        self.gradient_checkpointing = False
        # the longest sequence whose positions turn as those of shorter ones
        scalings = [mixer["rotary"]["scaling"] for mixer in config.mixers() if mixer["mixer"] == "attention"]
        bounds = [scaling["original_positions"] for scaling in scalings if scaling["type"] == "longrope"]
        self.same_rotation = min(bounds, default=None)
        self.post_init()

    def get_input_embeddings(self):
        return self.embedding

    def set_input_embeddings(self, value):
        self.embedding = value

    def _context(self, h, attention_mask, position_ids, seen):
        time = h.shape[1]
        tokens = None
        if attention_mask is not None:
            if attention_mask.dim() != 2 or attention_mask.shape[1] != seen + time:
                raise ValueError(
                    f"attention_mask: expected [B, {seen + time}], every position up to the last, "
                    f"found {list(attention_mask.shape)}"
                )
            if not bool(attention_mask.all()):
                tokens = attention_mask.to(h.device).bool()
        if position_ids is None:
            if tokens is None:
                position_ids = torch.arange(seen, seen + time, device=h.device)[None]
            else:
                position_ids = (tokens.long().cumsum(-1) - 1).clamp(min=0)[:, seen:]
        return Pass(position_ids, seen, tokens)

    def _from_start(self, h, context, cache):
        """The tokens to compute: these, or all that there were, once, when the sequence outgrows a rotation."""
        if cache.seen > 0 and not cache.past:
            return h, context
        positions = context.positions.expand(h.shape[0], -1)
        past = {"embedded": h, "positions": positions}
        if cache.past:
            past = {name: torch.cat((cache.past[name], new), 1) for name, new in past.items()}
        if int(past["positions"].max()) < self.same_rotation:
            cache.past = past
            return h, context
        cache.past = {}
        if cache.seen == 0:
            return h, context
        cache.restart(len(self.layers))
        return past["embedded"], Pass(past["positions"], 0, context.tokens)

    def _recomputes(self):
        """Whether each block runs again in the backward pass, where a cache would be written twice."""
        return self.gradient_checkpointing and self.training

    def _own_cache(self, given, wanted):
        if isinstance(given, MohawkCache):
            return given
        if given is not None and given.get_seq_length() > 0:
            raise ValueError(f"past_key_values: expected a MohawkCache, found {type(given).__name__}")
        return MohawkCache(len(self.layers)) if wanted else None

    def forward(
        self,
        input_ids=None,
        attention_mask=None,
        position_ids=None,
        past_key_values=None,
        inputs_embeds=None,
        use_cache=None,
        output_hidden_states=None,
        return_dict=None,
        **kwargs,
    ):
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("expected one of input_ids and inputs_embeds")
        h = self.embedding(input_ids) if inputs_embeds is None else inputs_embeds
        if use_cache is None:
            use_cache = self.config.use_cache and not self.training
        cache = self._own_cache(past_key_values, use_cache and not self._recomputes())
        context = self._context(h, attention_mask, position_ids, 0 if cache is None else cache.seen)
        length = h.shape[1]
        if cache is not None and self.same_rotation is not None:
            h, context = self._from_start(h, context, cache)
        if output_hidden_states is None:
            output_hidden_states = getattr(self.config, "output_hidden_states", False)
        states = []
        for i, layer in enumerate(self.layers):
            if output_hidden_states:
                states.append(h)
            memory = None if cache is None else cache.layers[i]
            if self._recomputes():
                h = self._gradient_checkpointing_func(layer.__call__, h, context, memory)
            else:
                h = layer(h, context, memory)
        if cache is not None:
            cache.seen += h.shape[1]
        h = self.final_layernorm(h)
        states = tuple(state[:, -length:] for state in (*states, h)) if output_hidden_states else None
        h = h[:, -length:]
        if return_dict is False:
            return tuple(value for value in (h, cache, states) if value is not None)
        return BaseModelOutputWithPast(last_hidden_state=h, past_key_values=cache, hidden_states=states)


TIED = {"lm_head.weight": "model.embedding.weight"}


class MohawkForCausalLM(MohawkPreTrainedModel, GenerationMixin):
    """The model with its head."""

    # transformers 5 wants to know what each is tied to
    _tied_weights_keys = TIED if int(transformers.__version__.split(".")[0]) >= 5 else list(TIED)

    def __init__(self, config):
        super().__init__(config)
        self.model = MohawkModel(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=config.lm_head_bias)
        self.post_init()

    def get_input_embeddings(self):
        return self.model.embedding

    def set_input_embeddings(self, value):
        self.model.embedding = value

    def get_output_embeddings(self):
        return self.lm_head

    def set_output_embeddings(self, new_embeddings):
        self.lm_head = new_embeddings

    def forward(
        self,
        input_ids=None,
        attention_mask=None,
        position_ids=None,
        past_key_values=None,
        inputs_embeds=None,
        labels=None,
        use_cache=None,
        output_hidden_states=None,
        return_dict=None,
        logits_to_keep=0,
        **kwargs,
    ):
        outputs = self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            use_cache=use_cache,
            output_hidden_states=output_hidden_states,
        )
        kept = slice(-logits_to_keep or None, None) if isinstance(logits_to_keep, int) else logits_to_keep
        logits = soft_cap(self.lm_head(outputs.last_hidden_state[:, kept]), self.config.logit_soft_cap)
        loss = None if labels is None else self._loss(logits, labels, kwargs.get("num_items_in_batch"))
        if return_dict is False:
            values = (loss, logits, outputs.past_key_values, outputs.hidden_states)
            return tuple(value for value in values if value is not None)
        return CausalLMOutputWithPast(
            loss=loss,
            logits=logits,
            past_key_values=outputs.past_key_values,
            hidden_states=outputs.hidden_states,
        )

    def _loss(self, logits, labels, items):
        """Mean cross-entropy of each next token; labels of -100 do not count.

        Args:
            items: what the sum is divided by, where gradients of several batches are accumulated.
        """
        predicted = wide(logits[:, :-1]).reshape(-1, logits.shape[-1])
        actual = labels[:, 1:].reshape(-1).to(logits.device)
        if items is None:
            return F.cross_entropy(predicted, actual, ignore_index=-100)
        return F.cross_entropy(predicted, actual, ignore_index=-100, reduction="sum") / items

    def _prepare_cache_for_generation(self, generation_config, model_kwargs, *args, **kwargs):
        """The first forward pass makes the cache."""

    def prepare_inputs_for_generation(
        self,
        input_ids,
        past_key_values=None,
        attention_mask=None,
        inputs_embeds=None,
        use_cache=True,
        logits_to_keep=None,
        **kwargs,
    ):
        seen = 0 if past_key_values is None else past_key_values.get_seq_length()
        inputs = {"attention_mask": attention_mask, "past_key_values": past_key_values, "use_cache": use_cache}
        if inputs_embeds is not None and seen == 0:
            inputs["inputs_embeds"] = inputs_embeds
        elif seen == 0:
            inputs["input_ids"] = input_ids
        elif inputs_embeds is not None:
            # the embedded prompt is not among the ids
            inputs["input_ids"] = input_ids[:, -1:]
        else:
            inputs["input_ids"] = input_ids[:, seen:]
        if logits_to_keep is not None:
            inputs["logits_to_keep"] = logits_to_keep
        return inputs
