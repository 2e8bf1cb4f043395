"""A Hub on which models can be evaluated without a network: models made on the spot, a dataset in a public format."""

import random
import subprocess
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import polars as pl

from pipeline.localhub.repositories import Repositories
from pipeline.localhub.repository import Repository
from pipeline.localhub.server import serve
from pipeline.settings import Settings

PYTHON = Settings().worker_python

MODEL = "openmoat/tiny-gpt2"
OTHER = "openmoat/tiny-gpt2-b"
DATASET = "aps/super_glue"
WORDS = ("the", "man", "rain", "fell", "ran", "house", "because", "so", "dog", "was", "wet", "tired", "broke", "glass",
         "on", "floor", "sun", "rose", "late", "child", "cried", "milk", "True", "False", "Neither")  # fmt: skip
README = """---
configs:
- config_name: copa
  data_files:
  - {split: train, path: copa/train.parquet}
  - {split: validation, path: copa/validation.parquet}
- config_name: cb
  data_files:
  - {split: train, path: cb/train.parquet}
  - {split: validation, path: cb/validation.parquet}
---
"""


def sentence(dice):
    return " ".join(dice.choices(WORDS[:22], k=dice.randint(4, 8))).capitalize() + "."


def copa(dice, rows):
    return pl.DataFrame(
        {
            "premise": [sentence(dice) for _ in range(rows)],
            "choice1": [sentence(dice) for _ in range(rows)],
            "choice2": [sentence(dice) for _ in range(rows)],
            "question": [dice.choice(["cause", "effect"]) for _ in range(rows)],
            "idx": list(range(rows)),
            "label": [dice.randint(0, 1) for _ in range(rows)],
        }
    )


def cb(dice, rows):
    return pl.DataFrame(
        {
            "premise": [sentence(dice) for _ in range(rows)],
            "hypothesis": [sentence(dice) for _ in range(rows)],
            "idx": list(range(rows)),
            "label": [dice.randint(0, 2) for _ in range(rows)],
        }
    )


@cache
def dataset_folder():
    """The two tasks of the smoke suite in the form in which the Hub has them, with rows made up from a few words."""
    folder, dice = Path(mkdtemp(prefix="moat-super-glue-")), random.Random(7)  # noqa: S311 - made-up sentences
    (folder / "README.md").write_text(README)
    for name, make in (("copa", copa), ("cb", cb)):
        (folder / name).mkdir()
        for split in ("train", "validation"):
            make(dice, 40).write_parquet(folder / name / f"{split}.parquet")
    return folder


MAKE = """
import sys, torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

folder, seed, words, end = sys.argv[1], int(sys.argv[2]), sys.argv[3], "<|endoftext|>"
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
letters = pre_tokenizers.ByteLevel.alphabet()
trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=[end], initial_alphabet=letters)
tokenizer.train_from_iterator([words] * 10, trainer)
fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=end, eos_token=end, unk_token=end)
torch.manual_seed(seed)
sizes = {"n_positions": 256, "n_embd": 32, "n_layer": 2, "n_head": 2}
config = GPT2Config(vocab_size=len(fast), bos_token_id=0, eos_token_id=0, **sizes)
GPT2LMHeadModel(config).save_pretrained(folder)
fast.save_pretrained(folder)
"""


@cache
def model_folder(seed=0):
    """A GPT-2 of two layers with random weights, and a tokenizer that knows bytes and a few words.

    It is made by the interpreter of the workers, which has what that takes.
    """
    folder = Path(mkdtemp(prefix="moat-tiny-"))
    command = [PYTHON, "-c", MAKE, str(folder), str(seed), " ".join(WORDS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def models():
    """The models of such a Hub: two of other weights."""
    size = {"parameters": {"F32": 40_000}, "total": 40_000}
    return [
        Repository.new(model, model_folder(seed), pipeline_tag="text-generation", safetensors=size)
        for model, seed in ((MODEL, 0), (OTHER, 1))
    ]


@contextmanager
def hub():
    """Serve such a Hub; gives its server."""
    datasets = Repositories.of(Repository.new(DATASET, dataset_folder()))
    with serve(Repositories.of(*models()), datasets=datasets) as server:
        yield server
