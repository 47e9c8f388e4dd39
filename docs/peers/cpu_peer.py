"""PyTorch on a CPU: the counterpart of org.mohawk4j.benchmarks.CpuThroughput, to stand beside it on the same cores.

A training step of each stage on a Phi or Llama teacher (or any other whose blocks have transformers' names for one of the
two) and a discrete Mamba-2 student, perplexity over windows, and greedy generation of both at batch 1 with a cache. One
line each: the median of the steps, the fastest, and the processor time of one.

    taskset -c 0-7 python3 cpu_peer.py TEACHER_DIR THREADS [--batch 8] [--context 256] [--steps 9]
        [--warm-up 3] [--form chunked|quadratic] [--compile] [WHAT ...]

WHAT is among 1 2 3 evaluate generate, all if none is named. Stage 1 materializes both matrices, stages 2 and 3 run the
student's product in chunks of 64 or through the whole matrix (--form: one of them alone), and the faster of the two
counts. --compile adds a row of torch.compile for each. Needs torch and transformers, and nothing of this project.
"""

import argparse
import copy
import time

import torch
import torch.nn as nn
import torch.nn.functional as F
from transformers import AutoModelForCausalLM

STATE, TAPS, CHUNK = 64, 4, 64
PROMPT, NEW_TOKENS, WINDOWS = 8, 128, 16


class Mixer(nn.Module):
    """Discrete Mamba-2 (arXiv 2408.10189, section 3.2): x, B, C, z and A_log from one projection."""

    def __init__(self, outer, width, heads):
        super().__init__()
        self.width, self.heads, self.head = width, heads, width // heads
        self.channels = width + 2 * heads * STATE
        self.in_proj = nn.Linear(outer, self.channels + width + heads, bias=False)
        self.conv1d = nn.Conv1d(self.channels, self.channels, TAPS, groups=self.channels, padding=TAPS - 1)
        self.z_bias = nn.Parameter(torch.full((width,), 1.278464542761074))
        self.D = nn.Parameter(torch.ones(heads))
        self.out_proj = nn.Linear(width, outer, bias=False)

    def parts(self, u):
        b, t, _ = u.shape
        mixed, z, a = self.in_proj(u).split([self.channels, self.width, self.heads], -1)
        mixed = self.conv1d(mixed.transpose(1, 2))[..., :t].transpose(1, 2)
        x, keys, queries = mixed.split([self.width, self.heads * STATE, self.heads * STATE], -1)
        return *(v.reshape(b, t, self.heads, -1) for v in (x, keys, queries)), z, -F.softplus(a)

    def matrix_of(self, keys, queries, decay):
        sums = decay.transpose(1, 2).cumsum(-1)
        t = sums.shape[-1]
        future = torch.ones(t, t, dtype=torch.bool).triu(1)
        kept = torch.exp((sums[..., :, None] - sums[..., None, :]).masked_fill(future, float("-inf")))
        return torch.einsum("blhn,bshn->bhls", queries, keys) * kept + torch.diag_embed(
            self.D[None, :, None].expand(sums.shape[0], -1, t)
        )

    def matrix(self, u):
        _, keys, queries, _, decay = self.parts(u)
        return self.matrix_of(keys, queries, decay)

    def chunked(self, x, keys, queries, decay):
        b, t, h, p = x.shape
        x, keys, queries, decay = (v.reshape(b, t // CHUNK, CHUNK, *v.shape[2:]) for v in (x, keys, queries, decay))
        sums = decay.cumsum(2)
        future = torch.ones(CHUNK, CHUNK, dtype=torch.bool).triu(1)
        kept = (sums[:, :, :, None] - sums[:, :, None]).permute(0, 1, 4, 2, 3)
        kept = torch.exp(kept.masked_fill(future, float("-inf")))
        within = torch.einsum("bcihn,bcjhn->bchij", queries, keys) * kept
        y = torch.einsum("bchij,bcjhp->bcihp", within, x)
        added = torch.einsum("bcjhn,bcjh,bcjhp->bchpn", keys, torch.exp(sums[:, :, -1:] - sums), x)
        left, states, state = torch.exp(sums[:, :, -1]), [], torch.zeros_like(added[:, 0])
        for i in range(added.shape[1]):
            states.append(state)
            state = state * left[:, i, :, None, None] + added[:, i]
        y = y + torch.einsum("bcihn,bchpn,bcih->bcihp", queries, torch.stack(states, 1), torch.exp(sums))
        return y.reshape(b, t, h, p)

    def forward(self, u, quadratic=False):
        x, keys, queries, z, decay = self.parts(u)
        if quadratic:
            y = torch.einsum("bhls,bshp->blhp", self.matrix_of(keys, queries, decay), x)
        else:
            y = self.chunked(x, keys, queries, decay) + self.D[:, None] * x
        return self.out_proj(y.flatten(2) * F.silu(z + self.z_bias))

    def step(self, u, memory):
        """One position; memory is the last inputs [B,K-1,C] and the state [B,H,P,N], changed in place."""
        history, state = memory
        mixed, z, a = self.in_proj(u).split([self.channels, self.width, self.heads], -1)
        window = torch.cat([history, mixed], 1)
        history.copy_(window[:, 1:])
        mixed = (window * self.conv1d.weight[:, 0].t()).sum(1) + self.conv1d.bias
        x, keys, queries = mixed.split([self.width, self.heads * STATE, self.heads * STATE], -1)
        x, keys, queries = (v.reshape(-1, self.heads, v.shape[-1] // self.heads) for v in (x, keys, queries))
        state.mul_(torch.exp(-F.softplus(a[:, 0]))[..., None, None]).add_(x[..., None] * keys[:, :, None])
        y = (state @ queries[..., None])[..., 0] + self.D[:, None] * x
        return self.out_proj((y.flatten(1) * F.silu(z[:, 0] + self.z_bias))[:, None])


class Block(nn.Module):
    """The teacher's block around a mixer: MLP beside it as in Phi, or after it with a norm of its own as in Llama."""

    def __init__(self, teachers, config):
        super().__init__()
        heads = config.num_attention_heads
        head = getattr(config, "head_dim", None) or config.hidden_size // heads
        self.mixer = Mixer(config.hidden_size, heads * head, heads)
        self.mlp = copy.deepcopy(teachers.mlp)
        self.ln = copy.deepcopy(teachers.input_layernorm)
        self.second = copy.deepcopy(getattr(teachers, "post_attention_layernorm", None))

    def forward(self, h, mix):
        u = self.ln(h)
        if self.second is None:
            return h + mix(u) + self.mlp(u)
        h = h + mix(u)
        return h + self.mlp(self.second(h))


class Student(nn.Module):
    def __init__(self, teacher):
        super().__init__()
        self.embedding = copy.deepcopy(teacher.model.embed_tokens)
        self.layers = nn.ModuleList([Block(l, teacher.config) for l in teacher.model.layers])
        self.norm = copy.deepcopy(getattr(teacher.model, "final_layernorm", None) or teacher.model.norm)
        self.head = copy.deepcopy(teacher.lm_head)
        if teacher.lm_head.weight is teacher.model.embed_tokens.weight:
            self.head.weight = self.embedding.weight
        self.requires_grad_(True)

    def forward(self, ids, quadratic=False):
        h = self.embedding(ids)
        for layer in self.layers:
            h = layer(h, lambda u, mixer=layer.mixer: mixer(u, quadratic))
        return self.head(self.norm(h))

    def memories(self, batch):
        return [
            (
                torch.zeros(batch, TAPS - 1, l.mixer.channels),
                torch.zeros(batch, l.mixer.heads, l.mixer.head, STATE),
            )
            for l in self.layers
        ]

    def step(self, ids, memories):
        h = self.embedding(ids)
        for layer, memory in zip(self.layers, memories):
            h = layer(h, lambda u, mixer=layer.mixer, memory=memory: mixer.step(u, memory))
        return self.head(self.norm(h[:, -1]))


def load(folder, attention):
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation=attention).float()
    return model.eval().requires_grad_(False)


def report(what, tokens, runs, body, warm_up):
    for _ in range(warm_up):
        body()
    seconds, before = [], time.process_time()
    for _ in range(runs):
        start = time.perf_counter()
        body()
        seconds.append(time.perf_counter() - start)
    processor = (time.process_time() - before) / runs
    seconds.sort()
    median = seconds[runs // 2]
    print(
        f"{what}: {median * 1e3:.1f} ms, {tokens / median:.0f} tok/s "
        f"(fastest {seconds[0] * 1e3:.1f} ms, processor {processor * 1e3:.1f} ms)",
        flush=True,
    )


def stage(number, teacher, student, args, quadratic, compiled):
    c = teacher.config
    ids = torch.randint(0, c.vocab_size, (args.batch, args.context))
    trained = [p for n, p in student.named_parameters() if number == 3 or ".mixer." in n]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, betas=(0.9, 0.95), fused=True)
    wrap = torch.compile if compiled else lambda f: f
    outputs = {}
    hooks = [
        l.self_attn.register_forward_hook(lambda m, a, o, i=i: outputs.__setitem__(i, o[0]))
        for i, l in enumerate(teacher.model.layers)
    ]
    whole = wrap(lambda i: student(i, quadratic))
    mixers = [wrap(lambda u, m=l.mixer: m(u, quadratic)) for l in student.layers]
    matrices = [wrap(l.mixer.matrix) for l in student.layers]

    def step():
        with torch.no_grad():
            seen = teacher(ids, output_hidden_states=number < 3, output_attentions=number == 1, use_cache=False)
        if number == 3:
            target = seen.logits.flatten(0, 1).softmax(-1)
            F.cross_entropy(whole(ids).flatten(0, 1), target).backward()
        else:
            for i, layer in enumerate(student.layers):
                with torch.no_grad():
                    u = layer.ln(seen.hidden_states[i])
                if number == 1:
                    loss = torch.linalg.matrix_norm(matrices[i](u) - seen.attentions[i]).mean()
                else:
                    loss = torch.norm(mixers[i](u) - outputs[i], dim=-1).mean()
                loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    how = "quadratic" if quadratic else "chunked"
    name = f"stage {number} {how}{' compiled' if compiled else ''}"
    report(name, args.batch * args.context, args.steps, step, args.warm_up)
    for hook in hooks:
        hook.remove()


@torch.inference_mode()
def evaluate(whose, logits, vocabulary, args, compiled):
    ids = torch.randint(0, vocabulary, (WINDOWS * args.context + 1,))
    inputs, targets = ids[:-1].view(WINDOWS, -1), ids[1:].view(WINDOWS, -1)
    run = torch.compile(logits) if compiled else logits

    def body():
        F.cross_entropy(run(inputs).flatten(0, 1), targets.flatten()).item()

    report(f"evaluate {whose}{' compiled' if compiled else ''}", inputs.numel(), args.steps, body, args.warm_up)


@torch.inference_mode()
def generate(whose, vocabulary, begin, args, compiled):
    """begin() gives a function from new ids to the logits of what follows."""
    prompt = torch.randint(1, min(1000, vocabulary), (1, PROMPT))

    def body():
        step = begin(compiled)
        for i in range(PROMPT):
            logits = step(prompt[:, i : i + 1])
        for _ in range(NEW_TOKENS - 1):
            logits = step(logits.argmax(-1, keepdim=True))
        logits.argmax(-1).item()

    report(f"generate {whose}{' compiled' if compiled else ''}", NEW_TOKENS, args.steps, body, args.warm_up)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("teacher")
    parser.add_argument("threads", type=int)
    parser.add_argument("what", nargs="*", default=["1", "2", "3", "evaluate", "generate"])
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--context", type=int, default=256)
    parser.add_argument("--steps", type=int, default=9)
    parser.add_argument("--warm-up", type=int, default=3)
    parser.add_argument("--form", choices=["chunked", "quadratic"])
    parser.add_argument("--compile", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    print(f"# PyTorch {torch.__version__}, {args.threads} threads")
    teacher, eager = load(args.teacher, "sdpa"), load(args.teacher, "eager")
    student, vocabulary = Student(teacher), teacher.config.vocab_size
    forms = {"chunked": [False], "quadratic": [True], None: [True, False]}[args.form]
    for compiled in [False, True] if args.compile else [False]:
        for what in args.what:
            if what == "evaluate":
                evaluate("teacher", lambda i: teacher(i, use_cache=False).logits, vocabulary, args, compiled)
                for quadratic in forms:
                    name = f"student {'quadratic' if quadratic else 'chunked'}"
                    evaluate(name, lambda i, q=quadratic: student(i, q), vocabulary, args, compiled)
            elif what == "generate":
                generate("teacher", vocabulary, lambda c: begin_teacher(teacher, c), args, compiled)
                generate("student", vocabulary, lambda c: begin_student(student, c), args, compiled)
            else:
                for quadratic in [True] if what == "1" else forms:
                    stage(int(what), eager if what == "1" else teacher, student, args, quadratic, compiled)


def begin_teacher(teacher, compiled):
    """transformers' own cache; a static one where the step is compiled, or each length would be compiled anew."""
    if not compiled:
        cache = {}

        def grow(ids):
            out = teacher(ids, past_key_values=cache.get("past"), use_cache=True)
            cache["past"] = out.past_key_values
            return out.logits[:, -1]

        return grow
    from transformers import StaticCache

    past = StaticCache(config=teacher.config, max_cache_len=PROMPT + NEW_TOKENS)
    run = compiled_once("teacher", teacher.forward)
    position = [0]

    def fixed(ids):
        out = run(ids, past_key_values=past, use_cache=True, cache_position=torch.tensor([position[0]]))
        position[0] += 1
        return out.logits[:, -1]

    return fixed


def begin_student(student, compiled):
    memories = student.memories(1)
    run = compiled_once("student", student.step) if compiled else student.step
    return lambda ids: run(ids, memories)


COMPILED = {}


def compiled_once(name, function):
    if name not in COMPILED:
        COMPILED[name] = torch.compile(function)
    return COMPILED[name]


if __name__ == "__main__":
    main()
