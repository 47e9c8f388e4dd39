# Copyright 2026 the mohawk4j authors. Licensed under the Apache License, Version 2.0 (the
# "License"); you may not use this file except in compliance with the License. You may obtain a copy
# of the License at http://www.apache.org/licenses/LICENSE-2.0. Unless required by applicable law or
# agreed to in writing, software distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the License for the
# specific language governing permissions and limitations.
"""Opens Llamba folders that mohawk4j wrote in cartesia's own code, and compares the results.

    ./mohawk export STUDENT --format llamba --out llamba/STUDENT
    ./mohawk tokenize --text valid.txt --tokenizer TEACHER --out ids
    python check_llamba.py --source CHECKOUT --text ids/00000.tokens FOLDER...

CHECKOUT is a clone of cartesia-ai/edge. check_goombalab.py, which has all but the loading and
saving, tells what is compared and how. Also, config.json and its ssm_cfg may have no key that
cartesia's classes pass over. Needs torch, transformers, huggingface_hub and einops.
"""

import inspect
import json
import sys

from check_goombalab import main, module

# of transformers, of LlambaConfig's documentation alone, and an extension of mohawk4j
OTHER_KEYS = {"model_type", "architectures", "lm_head_prenorm", "max_position_embeddings"}


def require_known(keys, taker, known=frozenset()):
    """Its **kwargs would take any."""
    unknown = set(keys) - set(inspect.signature(taker).parameters) - known
    if unknown:
        raise ValueError(f"{taker.__name__}: expected keys that it takes, found {unknown}")


class Llamba:
    """cartesia-ai/edge: Llamba's blocks."""

    def load(self, folder):
        from cartesia_pytorch.Llamba.llamba import DiscreteMamba2, LlambaConfig, LlambaLMHeadModel

        config = json.loads((folder / "config.json").read_text())
        require_known(config, LlambaConfig, OTHER_KEYS)
        require_known(config["ssm_cfg"], DiscreteMamba2)
        return LlambaLMHeadModel.from_pretrained(str(folder), strict=True).eval()

    def save(self, model, folder, out):
        out.mkdir(parents=True)
        # as huggingface_hub does: the class's own save_pretrained writes a pickle
        model._save_pretrained(out)
        (out / "config.json").write_text(json.dumps(model.config.to_dict()))


def code_of(source):
    package = source / "cartesia-pytorch" / "cartesia_pytorch"
    if not (package / "Llamba" / "llamba.py").is_file():
        raise ValueError(f"--source: expected a clone of cartesia-ai/edge, found {source}")
    # without its __init__.py, which may import Rene and so more of mamba_ssm
    module("cartesia_pytorch")
    sys.modules["cartesia_pytorch"].__path__ = [str(package)]
    return Llamba()


if __name__ == "__main__":
    main(__doc__, code_of)
