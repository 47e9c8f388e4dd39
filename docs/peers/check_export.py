"""Opens exported folders in Hugging Face transformers and compares them with what mohawk4j computed.

    python check_export.py [--device DEVICE] DIR...

Each DIR was written by `./mohawk export --format transformers`, and then got an expected.safetensors: input_ids [B, T],
logits [B, T, V], prompt [P], greedy [N] (the tokens behind the prompt), and for every parameter grad.NAME of the mean
next-token cross-entropy on input_ids. All is compared in the type of `logits`. The main class ExportExpectations among
mohawk-train's tests writes it.

Prints a line for each folder, and exits with 1 if one is beyond a tolerance. Needs torch from 2.1 on, transformers from
4.45 on, and safetensors.
"""

import argparse
import copy
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, GenerationConfig

# of the largest logit, or of 1 if that is less; of each gradient's norm
LOGITS = 1e-5
GRADIENTS = 1e-4
SHARE = 0.5


def load(folder, attention, dtype, device):
    model = AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True, attn_implementation=attention)
    return model.to(device=device, dtype=dtype).eval()


def apart(actual, expected):
    """The largest difference, as a share of the largest expected number or of 1."""
    expected = expected.to(actual)
    return ((actual - expected).abs().max() / expected.abs().max().clamp(min=1)).item()


def generate(model, ids, mask=None, tokens=60, **settings):
    """What follows the ids; no end-of-text token ends it."""
    model.generation_config = GenerationConfig(max_new_tokens=tokens, pad_token_id=0, **settings)
    mask = torch.ones_like(ids) if mask is None else mask
    return model.generate(ids, attention_mask=mask)[:, ids.shape[1] :]


def gradients(model, ids, expected):
    """The largest relative error of a gradient, and whose it is."""
    model.train()
    model.zero_grad(set_to_none=True)
    model(input_ids=ids, labels=ids).loss.backward()
    worst, name_of_worst = 0.0, "none"
    missing = {name[len("grad.") :] for name in expected if name.startswith("grad.")}
    for name, parameter in model.named_parameters():
        target = expected["grad." + name].to(parameter)
        missing.discard(name)
        error = ((parameter.grad - target).norm() / target.norm().clamp(min=1e-30)).item()
        if not error <= worst:
            worst, name_of_worst = error, name
    model.eval()
    if missing:
        raise ValueError(f"parameters that the model does not have: {sorted(missing)}")
    return worst, name_of_worst


@torch.no_grad()
def in_pieces(model, ids):
    """The logits of a few positions at a time, then of one at a time."""
    time = ids.shape[1]
    cuts = [0, time // 2, time // 2 + 3, *range(time // 2 + 4, time + 1)]
    cache, logits = None, []
    for start, end in zip(cuts, cuts[1:]):
        output = model(input_ids=ids[:, start:end], past_key_values=cache, use_cache=True)
        cache = output.past_key_values
        logits.append(output.logits)
    return torch.cat(logits, 1)


def padded_batch(model, prompt):
    """Whether two prompts of unequal length, padded on the left, are continued as each is by itself."""
    short = prompt[:, : max(1, int(SHARE * prompt.shape[1]))]
    padding = prompt.shape[1] - short.shape[1]
    ids = torch.cat((prompt, torch.cat((torch.zeros_like(prompt[:, :padding]), short), 1)))
    mask = torch.ones_like(ids)
    mask[1, :padding] = 0
    alone = torch.cat((generate(model, prompt, tokens=20), generate(model, short, tokens=20)))
    return torch.equal(generate(model, ids, mask, tokens=20), alone)


def other_ways(model, prompt):
    """Sampling, beams and no cache run; without a cache the greedy tokens are the same."""
    torch.manual_seed(0)
    sampled = generate(model, prompt.repeat(2, 1), tokens=8, do_sample=True, top_p=0.9)
    beams = generate(model, prompt, tokens=8, num_beams=3)
    uncached = generate(model, prompt, tokens=8, use_cache=False)
    return (
        sampled.shape == (2, 8)
        and beams.shape[1] == 8
        and torch.equal(uncached, generate(model, prompt, tokens=8))
    )


@torch.no_grad()
def saved(model, ids, dtype, device):
    """Whether the model that transformers saves and opens again gives the same numbers."""
    expected = model(input_ids=ids).logits
    with tempfile.TemporaryDirectory() as folder:
        copy.deepcopy(model).save_pretrained(folder)
        again = load(folder, "sdpa", dtype, device)
        return torch.equal(again(input_ids=ids).logits, expected)


def check(folder, device):
    expected = load_file(folder / "expected.safetensors")
    dtype = expected["logits"].dtype
    ids = expected["input_ids"].long().to(device)
    prompt = expected["prompt"].long()[None].to(device)
    model = load(folder, "sdpa", dtype, device)
    with torch.no_grad():
        logits = model(input_ids=ids).logits
        eager = load(folder, "eager", dtype, device)(input_ids=ids).logits
    error = max(apart(logits, expected["logits"]), apart(eager, expected["logits"]))
    pieces = apart(in_pieces(model, ids), logits)
    greedy = generate(model, prompt, tokens=len(expected["greedy"]))[0].cpu()
    same = int((greedy == expected["greedy"].long()).long().cumprod(0).sum())
    worst, name = gradients(model, ids, expected)
    facts = {
        "logits": error <= LOGITS,
        "pieces": pieces <= LOGITS,
        "greedy": same == len(greedy),
        "gradients": worst <= GRADIENTS,
        "padding": padded_batch(model, prompt),
        "sampling": other_ways(model, prompt),
        "saved": saved(model, ids, dtype, device),
    }
    failed = [fact for fact, holds in facts.items() if not holds]
    print(
        f"{folder}: {str(dtype)[6:]} logits={error:.2e} pieces={pieces:.2e} greedy={same}/{len(greedy)}"
        f" gradients={worst:.2e} ({name})",
        "ok" if not failed else "FAILED: " + ", ".join(failed),
        flush=True,
    )
    return not failed


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    arguments.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = arguments.parse_args()
    torch.set_float32_matmul_precision("highest")
    results = [check(folder, options.device) for folder in options.folders]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
