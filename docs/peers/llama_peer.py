"""What PyTorch does on Llama 3.2 1B's shapes: the stages of MOHAWK, reading a prompt, generation. A line of JSON for each.

    python llama_peer.py [--goombalab DIR] [--mamba DIR] [--batch 8] [--context 2048] [gemm s1 s2 s3 prefill decode ...]

The teacher is transformers' LlamaForCausalLM with random weights in bfloat16; the student has goombalab's discrete Mamba-2
in place of its attention, float32 parameters under autocast, fused AdamW. Both are compiled (--eager: they are not).
Attention is SDPA, except in stage 1, which needs its matrices. DIR is a checkout of goombalab/phi-mamba (GOOMBA in the
environment) and a folder with mamba_ssm (MAMBA; an installed one does as well). Needs torch, triton, transformers, einops.

share_of_gemm counts 6 operations for each of the student's and 2 for each of the teacher's matrix parameters and token,
the tied head once, and is of an 8192^3 product in bfloat16 in the same run.
"""

import argparse
import gc
import json
import os
import sys

parser = argparse.ArgumentParser()
parser.add_argument("--goombalab", default=os.environ.get("GOOMBA", "goombalab"))
parser.add_argument("--mamba", default=os.environ.get("MAMBA"))
parser.add_argument("--batch", type=int, default=8)
parser.add_argument("--context", type=int, default=2048)
parser.add_argument("--layers", type=int, default=16)
parser.add_argument("--eager", action="store_true")
parser.add_argument("what", nargs="*", default=["gemm", "s1", "s2", "s3", "prefill", "decode"])
arguments = parser.parse_args()
sys.path[:0] = [folder for folder in (arguments.goombalab, arguments.mamba) if folder]

import torch
from modules.mixers.discrete_mamba2 import Mixer
from torch import nn
from torch.nn import functional
from transformers.models.llama.configuration_llama import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaForCausalLM, LlamaMLP, LlamaRMSNorm

WIDTH, HEADS, GROUPS, HEAD_DIM, STATE, MLP, VOCABULARY = 2048, 32, 8, 64, 64, 8192, 128256
SIDE = 8192
DEVICE = "cuda"

torch.manual_seed(0)
torch.backends.cuda.matmul.allow_tf32 = True
torch.set_float32_matmul_precision("high")


def configuration(attention):
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        intermediate_size=MLP,
        num_hidden_layers=arguments.layers,
        num_attention_heads=HEADS,
        num_key_value_heads=GROUPS,
        head_dim=HEAD_DIM,
        max_position_embeddings=131072,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
    )
    config._attn_implementation = attention
    return config


def teacher(attention="sdpa"):
    torch.set_default_dtype(torch.bfloat16)
    torch.set_default_device(DEVICE)
    model = LlamaForCausalLM(configuration(attention)).eval().requires_grad_(False)
    torch.set_default_dtype(torch.float32)
    torch.set_default_device("cpu")
    return model


class Block(nn.Module):
    """A Llama block around goombalab's mixer."""

    def __init__(self, config, index):
        super().__init__()
        self.input_layernorm = LlamaRMSNorm(WIDTH, eps=config.rms_norm_eps)
        self.mixer = Mixer(
            d_model=WIDTH,
            d_state=STATE,
            n_qk_heads=HEADS,
            n_v_heads=HEADS,
            d_conv=4,
            activation="identity",
            chunk_size=128,
            layer_idx=index,
        )
        self.post_attention_layernorm = LlamaRMSNorm(WIDTH, eps=config.rms_norm_eps)
        self.mlp = LlamaMLP(config)

    def behind(self, hidden, mixed):
        hidden = hidden + mixed
        return hidden + self.mlp(self.post_attention_layernorm(hidden))

    def forward(self, hidden):
        return self.behind(hidden, self.mixer(self.input_layernorm(hidden))["hidden_states"])

    def step(self, hidden, state):
        mixed = self.mixer.step(self.input_layernorm(hidden), state)
        return self.behind(hidden, mixed[0] if isinstance(mixed, tuple) else mixed)


class Student(nn.Module):
    def __init__(self):
        super().__init__()
        config = configuration("sdpa")
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.layers = nn.ModuleList(Block(config, i) for i in range(arguments.layers))
        self.norm = LlamaRMSNorm(WIDTH, eps=config.rms_norm_eps)

    def head(self, hidden):
        return functional.linear(self.norm(hidden), self.embedding.weight)

    def forward(self, ids):
        hidden = self.embedding(ids)
        for layer in self.layers:
            hidden = layer(hidden)
        return self.head(hidden)

    def step(self, ids, states):
        hidden = self.embedding(ids)
        for layer, state in zip(self.layers, states, strict=True):
            hidden = layer.step(hidden, state)
        return self.head(hidden)


def student(dtype=torch.float32):
    torch.set_default_dtype(dtype)
    torch.set_default_device(DEVICE)
    model = Student()
    torch.set_default_dtype(torch.float32)
    torch.set_default_device("cpu")
    return model


def compiled(function):
    return function if arguments.eager else torch.compile(function)


def matrices(modules):
    return sum(p.numel() for module in modules for p in module.parameters() if p.dim() == 2)


def milliseconds(work, runs, warm):
    """Of the median run, by the device's clock."""
    for _ in range(warm):
        work()
    marks = [torch.cuda.Event(enable_timing=True) for _ in range(runs + 1)]
    marks[0].record()
    for mark in marks[1:]:
        work()
        mark.record()
    torch.cuda.synchronize()
    return sorted(a.elapsed_time(b) for a, b in zip(marks, marks[1:], strict=False))[runs // 2]


def gemm():
    a, b = (torch.randn(SIDE, SIDE, device=DEVICE, dtype=torch.bfloat16) for _ in range(2))
    return 2 * SIDE**3 / milliseconds(lambda: a @ b, 21, 300) * 1e3


def report(name, **results):
    print(json.dumps({"benchmark": name, "eager": arguments.eager, **results}), flush=True)


def measured(name, work, batch, operations=None):
    """A step's time, or that there is no room for it; operations for each token."""
    tokens = batch * arguments.context
    torch.cuda.reset_peak_memory_stats()
    try:
        ms = milliseconds(work, 5, 3)
    except torch.OutOfMemoryError:
        report(name, batch=batch, context=arguments.context, out_of_memory=True)
        return False
    results = {"ms": ms, "tokens_per_second": tokens / ms * 1e3}
    if operations is not None:
        results["teraflops"] = operations * tokens / ms / 1e9
        results["share_of_gemm"] = operations * tokens / ms * 1e3 / RATE
    report(
        name,
        batch=batch,
        context=arguments.context,
        **results,
        peak_gib=torch.cuda.max_memory_allocated() / 2**30,
    )
    return True


def indices(batch):
    return torch.randint(0, VOCABULARY, (batch, arguments.context), device=DEVICE)


def aligned(name, attention, loss):
    """Stages 1 and 2: the teacher layer by layer, each mixer on its input, differentiated right there."""
    own, other = teacher(attention), student().requires_grad_(False)
    mixers = [layer.mixer.requires_grad_(True) for layer in other.layers]
    trained = [p for mixer in mixers for p in mixer.parameters()]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, fused=True)
    mask = None
    if attention == "eager":
        full = torch.full((arguments.context, arguments.context), torch.finfo(torch.bfloat16).min, device=DEVICE)
        mask = full.triu(1).to(torch.bfloat16)[None, None]

    def layer(block, hidden, positions):
        u = block.input_layernorm(hidden)
        mixed, weights = block.self_attn(u, position_embeddings=positions, attention_mask=mask)
        middle = hidden + mixed
        return u, mixed, weights, middle + block.mlp(block.post_attention_layernorm(middle))

    layer = compiled(layer)
    losses = [compiled(lambda u, mixed, weights, mixer=mixer: loss(mixer, u, mixed, weights)) for mixer in mixers]
    batch = arguments.batch
    while batch > 0:
        ids = indices(batch)
        places = torch.arange(arguments.context, device=DEVICE)[None]

        def step(ids=ids, places=places):
            with torch.no_grad():
                hidden = own.model.embed_tokens(ids)
                positions = own.model.rotary_emb(hidden, places)
            for block, of in zip(own.model.layers, losses, strict=True):
                with torch.no_grad():
                    u, mixed, weights, hidden = layer(block, hidden, positions)
                with torch.autocast(DEVICE, torch.bfloat16):
                    value = of(u, mixed, weights)
                value.backward()
                del u, mixed, weights, value
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

        if measured(name, step, batch):
            break
        optimizer.zero_grad(set_to_none=True)
        gc.collect()
        torch.cuda.empty_cache()
        batch //= 2


def matrix_loss(mixer, u, mixed, weights):
    matrix = mixer(u, return_mixer_matrix=True)["transfer_matrix"]
    return torch.linalg.matrix_norm((matrix - weights).float(), ord="fro").mean()


def output_loss(mixer, u, mixed, weights):
    return torch.norm(mixer(u)["hidden_states"] - mixed, p=2, dim=-1, dtype=torch.float32).mean()


def distilled():
    own, other = teacher(), student()
    optimizer = torch.optim.AdamW(other.parameters(), lr=1e-4, fused=True)
    operations = 6 * matrices([other]) + 2 * matrices([own])
    forward, backward = compiled(own), compiled(other)
    batch = arguments.batch
    while batch > 0:
        ids = indices(batch)

        def step(ids=ids):
            with torch.no_grad():
                expected = forward(input_ids=ids, use_cache=False).logits.view(-1, VOCABULARY)
            with torch.autocast(DEVICE, torch.bfloat16):
                logits = backward(ids).view(-1, VOCABULARY)
            functional.cross_entropy(logits.float(), expected.float().softmax(-1)).backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

        if measured("stage3", step, batch, operations):
            break
        optimizer.zero_grad(set_to_none=True)
        gc.collect()
        torch.cuda.empty_cache()
        batch //= 2


def prefill():
    own = teacher()
    forward = compiled(own)
    for batch in (1, arguments.batch):
        ids = indices(batch)

        def read(ids=ids):
            with torch.no_grad():
                forward(input_ids=ids, use_cache=True, logits_to_keep=1)

        measured("prefill", read, batch)


def decode():
    """Greedy tokens of the student in a CUDA graph."""
    model = student(torch.bfloat16)
    channels = HEADS * HEAD_DIM + 2 * HEADS * STATE
    for batch in (1, 8):
        zeros = {"device": DEVICE, "dtype": torch.bfloat16}
        states = [
            {
                "conv": torch.zeros(batch, channels, 4, **zeros),
                "ssm": torch.zeros(batch, HEADS, HEAD_DIM, STATE, **zeros),
            }
            for _ in range(arguments.layers)
        ]
        ids = torch.zeros(batch, dtype=torch.long, device=DEVICE)

        def token(ids=ids, states=states):
            ids.copy_(model.step(ids, states).argmax(-1))

        with torch.no_grad():
            stream = torch.cuda.Stream()
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(4):
                    token()
            torch.cuda.current_stream().wait_stream(stream)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                token()
            ms = milliseconds(graph.replay, 200, 50)
        report("decode", batch=batch, ms_per_token=ms, tokens_per_second=batch / ms * 1e3)


RATE = gemm()
report("gemm", side=SIDE, teraflops=RATE / 1e12, torch=torch.__version__, device=torch.cuda.get_device_name())
runs = {
    "s1": lambda: aligned("stage1", "eager", matrix_loss),
    "s2": lambda: aligned("stage2", "sdpa", output_loss),
    "s3": distilled,
    "prefill": prefill,
    "decode": decode,
}
failed = False
for name, run in runs.items():
    if name in arguments.what:
        try:
            run()
        except Exception as error:
            # the others are measured all the same
            failed = True
            report(name, failed=f"{type(error).__name__}: {error}"[:500])
        gc.collect()
        torch.cuda.empty_cache()
sys.exit(failed)
