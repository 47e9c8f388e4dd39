# Copyright 2026 the mohawk4j authors. Licensed under the Apache License, Version 2.0 (the
# "License"); you may not use this file except in compliance with the License. You may obtain a copy
# of the License at http://www.apache.org/licenses/LICENSE-2.0. Unless required by applicable law or
# agreed to in writing, software distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the License for the
# specific language governing permissions and limitations.
"""Compares the answers of `./mohawk evaluate --tasks` with transformers and lm-evaluation-harness.

    ./mohawk evaluate --model MODEL --tasks piqa,lambada --task-data DATA --out OUT
    python check_tasks.py --task-data DATA --answers OUT/answers.jsonl MODEL

MODEL is a folder that transformers opens: a teacher, or a student written by `./mohawk export`.
DATA has NAME.jsonl for each task, and OUT/answers.jsonl mohawk4j's log-likelihoods of each item.
They are computed again with transformers, in float32 on the CPU: prompts, tokens (a BOS token where
the tokenizer adds one), truncation and scores are those of lm-evaluation-harness. With --harness,
lm-evaluation-harness (from 0.4.11 on) itself computes them as well, with its own definitions of the
tasks.

Prints a line for each task, and exits with 1 if an item is beyond the tolerance.
"""

import argparse
import json
import re
import sys
import tempfile
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

# of a log-likelihood, in nats, and of one beyond -1 relative to it
TOLERANCE = 1e-4

# the harness's definition of each task and the split of the data that it scores
HARNESS = {
    "lambada": ("lambada/lambada_openai.yaml", "test"),
    "hellaswag": ("hellaswag/hellaswag.yaml", "validation"),
    "piqa": ("piqa/piqa.yaml", "validation"),
    "arc_easy": ("arc/arc_easy.yaml", "test"),
    "arc_challenge": ("arc/arc_easy.yaml", "test"),
    "winogrande": ("winogrande/default.yaml", "validation"),
}


def lambada(item):
    words = item["text"].split(" ")
    return [(" ".join(words[:-1]), " " + words[-1])]


def hellaswag(item):
    def plain(text):
        text = text.strip().replace(" [title]", ". ")
        return re.sub(r"\[.*?\]", "", text).replace("  ", " ")

    context = item["ctx_a"] + " " + item["ctx_b"].capitalize()
    context = plain(item["activity_label"] + ": " + context)
    return [(context, " " + plain(ending)) for ending in item["endings"]]


def piqa(item):
    context = f"Question: {item['goal']}\nAnswer:"
    return [(context, " " + item["sol1"]), (context, " " + item["sol2"])]


def arc(item):
    context = f"Question: {item['question']}\nAnswer:"
    return [(context, " " + text) for text in item["choices"]["text"]]


def winogrande(item):
    before, _, behind = item["sentence"].partition("_")
    return [(before + item[option], " " + behind.strip()) for option in ("option1", "option2")]


REQUESTS = {
    "lambada": lambada,
    "hellaswag": hellaswag,
    "piqa": piqa,
    "arc_easy": arc,
    "arc_challenge": arc,
    "winogrande": winogrande,
}


class Scorer:
    """A model and its tokenizer in transformers."""

    def __init__(self, folder):
        self.tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=True)
        model = AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True)
        self.model = model.float().eval()
        self.positions = self.model.config.max_position_embeddings
        bos = self.tokenizer.bos_token_id
        self.prefix = self.tokenizer.eos_token_id if bos is None else bos

    def encode(self, text):
        """As a text from its start: with the tokenizer's BOS, unless the text spells it out."""
        given = self.prefix is not None and text.startswith(self.tokenizer.decode(self.prefix))
        return self.tokenizer.encode(text, add_special_tokens=not given)

    def pair(self, context, continuation):
        """The tokens of both: the continuation's are those beyond the context's number."""
        if not context:
            ids = self.tokenizer.encode(continuation, add_special_tokens=False)
            return [self.prefix], ids[1:] if ids[0] == self.prefix else ids
        solid = context.rstrip()
        continuation = context[len(solid) :] + continuation
        before = self.encode(solid)
        return before, self.encode(solid + continuation)[len(before) :]

    @torch.no_grad()
    def score(self, context, continuation):
        """The continuation's log-likelihood, and whether greedy decoding writes it."""
        before, after = self.pair(context, continuation)
        ids = torch.tensor((before + after)[-(self.positions + 1) :])
        logits = self.model(ids[None, :-1], use_cache=False).logits[0, -len(after) :]
        target = ids[-len(after) :]
        chosen = logits.log_softmax(-1).gather(1, target[:, None])
        return chosen.sum().item(), bool((logits.argmax(-1) == target).all())


def by_transformers(folder, tasks):
    scorer = Scorer(folder)
    return {
        task: [[scorer.score(*pair) for pair in REQUESTS[task](item)] for item in items]
        for task, items in tasks.items()
    }


def by_harness(folder, tasks):
    """What lm-evaluation-harness logs of each item, with its own prompts and tokens."""
    import lm_eval
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    definitions = Path(lm_eval.__file__).parent / "tasks"
    with tempfile.TemporaryDirectory() as temporary:
        for task, items in tasks.items():
            definition, split = HARNESS[task]
            data = Path(temporary, task + ".jsonl")
            data.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")
            lines = [
                f"include: {definitions / definition}",
                f"task: check_{task}",
                "dataset_path: json",
                "dataset_name: null",
                f"dataset_kwargs: {{data_files: {{{split}: {data}}}}}",
            ]
            for name in ("training", "validation", "test"):
                lines.append(f"{name}_split: {split if split == name else 'null'}")
            Path(temporary, task + ".yaml").write_text("\n".join(lines) + "\n")
        model = HFLM(
            pretrained=str(folder),
            trust_remote_code=True,
            dtype="float32",
            device="cpu",
            batch_size=1,
        )
        found = lm_eval.simple_evaluate(
            model=model,
            tasks=["check_" + task for task in tasks],
            task_manager=TaskManager(include_path=temporary, include_defaults=False),
            num_fewshot=0,
            log_samples=True,
            bootstrap_iters=0,
        )
    return {
        task: [
            [(float(score), bool(greedy)) for score, greedy in sample["filtered_resps"]]
            for sample in sorted(found["samples"]["check_" + task], key=lambda s: s["doc_id"])
        ]
        for task in tasks
    }


def read_lines(file):
    with open(file, encoding="utf-8-sig") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def mohawk4j(answers):
    """Log-likelihoods and greedy flags by task and item."""
    scores = {}
    for line in read_lines(answers):
        if "item" in line:
            greedy = line["greedy"]
            likelihoods = line["log_likelihoods"]
            scores.setdefault(line["task"], {})[line["item"]] = (likelihoods, greedy)
    return {task: [items[i] for i in range(len(items))] for task, items in scores.items()}


def error(actual, expected):
    return abs(actual - expected) / max(1.0, abs(expected))


def compare(task, name, ours, theirs):
    """Whether all items agree; prints the worst."""
    if len(ours) != len(theirs):
        raise ValueError(f"{task}: expected {len(theirs)} items in the answers, found {len(ours)}")
    worst, greedy_differs, count = 0.0, 0, 0
    for (likelihoods, greedy), scores in zip(ours, theirs):
        if len(likelihoods) != len(scores):
            raise ValueError(f"{task}: expected {len(scores)} choices, found {len(likelihoods)}")
        errors = [error(own, score) for own, (score, _) in zip(likelihoods, scores)]
        worst = max(worst, *errors)
        count += len(scores)
        greedy_differs += sum(own != other for own, (_, other) in zip(greedy, scores))
    holds = worst <= TOLERANCE and greedy_differs == 0
    print(
        f"{task}: {name} items={len(ours)} scores={count} worst={worst:.2e}"
        f" greedy_differs={greedy_differs} {'ok' if holds else 'FAILED'}",
        flush=True,
    )
    return holds


def main():
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("model", type=Path, metavar="MODEL")
    arguments.add_argument("--task-data", required=True, type=Path, metavar="DATA")
    arguments.add_argument("--answers", required=True, type=Path, metavar="FILE")
    arguments.add_argument(
        "--harness", action="store_true", help="compare with lm-evaluation-harness as well"
    )
    options = arguments.parse_args()
    ours = mohawk4j(options.answers)
    tasks = {task: read_lines(options.task_data / (task + ".jsonl")) for task in ours}
    sources = {"transformers": by_transformers}
    if options.harness:
        sources["lm-evaluation-harness"] = by_harness
    holds = True
    for name, source in sources.items():
        theirs = source(options.model, tasks)
        for task in tasks:
            holds &= compare(task, name, ours[task], theirs[task])
    sys.exit(0 if holds else 1)


if __name__ == "__main__":
    main()
