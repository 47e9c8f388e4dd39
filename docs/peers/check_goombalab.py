# Copyright 2026 the mohawk4j authors. Licensed under the Apache License, Version 2.0 (the
# "License"); you may not use this file except in compliance with the License. You may obtain a copy
# of the License at http://www.apache.org/licenses/LICENSE-2.0. Unless required by applicable law or
# agreed to in writing, software distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the License for the
# specific language governing permissions and limitations.
"""Opens folders that mohawk4j wrote in goombalab's own code, and compares the results.

    ./mohawk tokenize --text valid.txt --tokenizer TEACHER --out ids
    python check_goombalab.py --source CHECKOUT --text ids/00000.tokens FOLDER...

CHECKOUT is a clone of goombalab/mohawk or goombalab/phi-mamba, and each FOLDER a student in its
form with a tokenizer. The weights are loaded strictly: the file has every tensor of the model, in
its shape, and no other. Then the negative log-likelihood per token of the text is compared with
that of `./mohawk evaluate`, and the logits with expected.safetensors if the folder has one (see
check_export.py). With --save, goombalab/mohawk's code saves each model again, and
`./mohawk evaluate` reads what it wrote.

All is computed in float32 on the CPU. The compiled kernels of mamba_ssm need a GPU: what the code
imports of them is replaced by the same formulas in PyTorch. The rest of the code runs as it is, and
needs the transformers that it was written for, 4.55 (4.57 is enough), einops and rich.

Prints a line for each folder, and exits with 1 if one is beyond a tolerance.
"""

import argparse
import re
import struct
import subprocess
import sys
import tempfile
import types
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch.nn import functional as F

# of the largest logit, or of 1 if that is less; nats per token
LOGITS = 1e-5
NLL = 1e-5
HEADER = 80
MAGIC = b"\x89MHTOKEN"


def scan(x, dt, A, B, C, chunk_size, dt_softplus=False, seq_idx=None, return_final_states=False):
    """What mamba_ssm's mamba_chunk_scan_combined computes, as one matrix over all positions.

    Args:
        x: [B, T, H, P].
        dt: [B, T, H], the step before its softplus.
        A: [H].
        B, C: [B, T, G, N]; group g serves heads g * H/G and following.
        chunk_size: without influence on the result.
    """
    if not dt_softplus or seq_idx is not None or return_final_states:
        raise ValueError("the scan: expected softplus, one sequence per row and no final states")
    time, each = x.shape[1], x.shape[2] // B.shape[2]
    step = F.softplus(dt.float()).transpose(1, 2)
    decay = (step * A[:, None]).cumsum(-1)
    seen = torch.ones(time, time, dtype=torch.bool).tril()
    decays = (decay[..., :, None] - decay[..., None, :]).masked_fill(~seen, -torch.inf).exp()
    products = torch.einsum("btgn,bsgn->bgts", C, B).repeat_interleave(each, 1)
    return torch.einsum("bhts,bhs,bshp->bthp", products * decays, step, x)


def module(name, **contents):
    """A module of that name, and the packages above it."""
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        package = ".".join(parts[:end])
        if package not in sys.modules:
            sys.modules[package] = types.ModuleType(package)
            sys.modules[package].__path__ = []
    for key, value in contents.items():
        setattr(sys.modules[name], key, value)


def use(source):
    """Makes the checkout's modules importable."""
    import transformers.cache_utils

    module("mamba_ssm.ops.triton.ssd_combined", mamba_chunk_scan_combined=scan)
    # none: the checkouts have their own
    module("mamba_ssm.modules.ssd_minimal", ssd_minimal_discrete=None)
    module("mamba_ssm.utils.generation", GenerationMixin=type("GenerationMixin", (), {}))
    # imported by models of goombalab/mohawk other than these
    if not hasattr(transformers.cache_utils, "MambaCache"):
        transformers.cache_utils.MambaCache = None
    sys.path.insert(0, str(source))


class Mohawk:
    """goombalab/mohawk: Llama's and Qwen 2's blocks."""

    def load(self, folder):
        from utils.build_model import build_n_load_model
        from utils.weights_utils import get_model_weights

        model = build_n_load_model(str(folder), "eager", torch.float32).model
        # its loader passes over what is missing or unknown
        model.load_state_dict(get_model_weights(str(folder)), strict=True)
        return model.eval()

    def save(self, model, folder, out):
        from utils.config import Config
        from utils.weights_utils import save_weights

        config = Config.from_json(str(folder / "config.json"))
        with tempfile.TemporaryDirectory() as temporary:
            save_weights(model.state_dict(), temporary, str(out), config=config)


class PhiMamba:
    """goombalab/phi-mamba: Phi's blocks."""

    def load(self, folder):
        from modules.lm_head import LMHeadModel

        return LMHeadModel.from_pretrained(str(folder), strict=True).eval()

    def save(self, model, folder, out):
        raise ValueError(
            "--save: expected goombalab/mohawk; phi-mamba's code writes no safetensors"
        )


def code_of(source):
    if (source / "components" / "registry.py").is_file():
        return Mohawk()
    if (source / "modules" / "lm_head.py").is_file():
        return PhiMamba()
    raise ValueError(
        f"--source: expected a clone of goombalab/mohawk or goombalab/phi-mamba, found {source}"
    )


def token_ids(file):
    """The ids of a token file, which docs/file-formats.md describes."""
    data = file.read_bytes()
    if data[:8] != MAGIC:
        raise ValueError(f"{file}: expected a token file of `./mohawk tokenize`")
    width, count = struct.unpack_from("<IQ", data, 12)
    letter = {2: "H", 4: "I"}[width]
    return torch.tensor(struct.unpack_from(f"<{count}{letter}", data, HEADER))


@torch.no_grad()
def nll_per_token(model, ids, context, windows):
    """As `./mohawk evaluate`: consecutive windows, each token from the prefix in its own."""
    count = (len(ids) - 1) // context
    count = min(count, windows) if windows else count
    total = 0.0
    for window in range(count):
        part = ids[window * context : window * context + context + 1]
        logits = model(part[None, :-1]).logits[0]
        total += F.cross_entropy(logits, part[1:], reduction="sum").item()
    return total / (count * context)


def evaluated(options, folder, tokenizer):
    """The same by mohawk4j."""
    settings = {
        "--model": folder,
        "--tokenizer": tokenizer,
        "--text": options.text,
        "--context": options.context,
        "--windows": options.windows,
        "--dtype": "float",
        "--backend": "nd4j",
    }
    words = [str(word) for setting in settings.items() for word in setting]
    command = [str(options.mohawk), "evaluate", *words]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return float(re.search(r"\bnll_per_token=(\S+)", output).group(1))


@torch.no_grad()
def logit_error(model, folder):
    """Against the folder's expected.safetensors; None without one."""
    file = folder / "expected.safetensors"
    if not file.is_file():
        return None
    expected = load_file(file)
    logits = model(expected["input_ids"].long()).logits
    target = expected["logits"].to(logits)
    return ((logits - target).abs().max() / target.abs().max().clamp(min=1)).item()


def check(options, code, folder):
    model = code.load(folder)
    theirs = nll_per_token(model, options.ids, options.context, options.windows)
    results = {"mohawk4j": evaluated(options, folder, folder)}
    if options.save:
        out = options.save / folder.name
        code.save(model, folder, out)
        results["saved"] = evaluated(options, out, folder)
    holds = all(abs(theirs - nll) <= NLL for nll in results.values())
    figures = " ".join(f"{name}={nll:.6f}" for name, nll in results.items())
    error = logit_error(model, folder)
    if error is not None:
        holds = holds and error <= LOGITS
        figures += f" logits={error:.2e}"
    print(f"{folder}: nll={theirs:.6f} {figures} {'ok' if holds else 'FAILED'}", flush=True)
    return holds


def main(description, code_of):
    arguments = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    arguments.add_argument("--source", required=True, type=Path, metavar="CHECKOUT")
    arguments.add_argument("--text", required=True, type=Path, metavar="FILE.tokens")
    arguments.add_argument(
        "--context", type=int, default=64, help="tokens per window (default: 64)"
    )
    arguments.add_argument("--windows", type=int, default=8, help="at most, 0 for all (default: 8)")
    arguments.add_argument(
        "--save", type=Path, metavar="DIR", help="where their code saves each again"
    )
    mohawk = Path(__file__).resolve().parents[2] / "mohawk"
    arguments.add_argument(
        "--mohawk", type=Path, default=mohawk, help="the command (default: this clone's)"
    )
    options = arguments.parse_args()
    code = code_of(options.source)
    use(options.source)
    options.ids = token_ids(options.text)
    results = [check(options, code, folder) for folder in options.folders]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main(__doc__, code_of)
