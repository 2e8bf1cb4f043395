"""What the project evaluated itself: one capture a cell (a model and a suite), read by the reader of everybody's files.

A capture holds the files as lm-evaluation-harness wrote them, one a task of the suite, and the record of the cell:
which commits of the model and the datasets were used, with which versions and settings. How a cell is run does not
belong here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.captures import Capture, CaptureWriter
from pipeline.settings import Settings
from pipeline.sources import harness
from pipeline.sources.board import Board, Part
from pipeline.sources.hub_files import Document
from pipeline.sources.quarantine import EXCERPT, Unreadable

SOURCE = "evaluations"
TITLE = "Open Moat evaluations"
EVALUATOR = "Open Moat"
URL = "https://github.com/EleutherAI/lm-evaluation-harness"
LICENCE = "CC BY 4.0 (facts of the project)"
RECORD = "record.json"
SETTINGS = ("model_revision", "harness", "backend_versions", "suite", "device", "launcher")
"""What a record says of how a score came about, beyond the harness's own file."""


def seal(settings: Settings, origin: str, record: Mapping[str, Any], files: Mapping[str, bytes]) -> Capture:
    """Capture the files of one cell; what the same cell gave before is superseded by it.

    Args:
        settings: where captures lie.
        origin: the Hub from which the model and the datasets came.
        record: of the cell, see `pipeline.evaluate.worker`.
        files: contents of the harness's files by task.
    """
    with CaptureWriter(settings.captures, SOURCE, origin) as writer:
        for task in sorted(files):
            writer.add(f"{task}.json", files[task])
        writer.add(RECORD, json.dumps(record, indent=1, sort_keys=True).encode())
        found, _ = writer.seal(
            revision=f"{record['model']}@{record['model_revision'] or 'unknown'} {record['suite']}",
            client=f"lm-evaluation-harness {record['harness']}",
            requests=0,
            items=len(files),
            kind="delta",
        )
    return found


def record_of(capture: Capture) -> dict[str, Any]:
    """The record of a cell that was captured."""
    found: dict[str, Any] = json.loads(capture.page(RECORD))
    return found


def parse(capture: Capture) -> Iterator[Part]:
    """One part a task of the suite."""
    record = record_of(capture)
    model, suite = record["model"], record["suite"]
    written = harness.Written(
        EVALUATOR,
        EVALUATOR,
        TITLE,
        f"https://huggingface.co/{model}",
        smoke=record["smoke"],
        datasets=record["datasets"],
        settings={key: record[key] for key in SETTINGS},
        model=model,
    )
    for name in capture.manifest.pages:
        if name != RECORD:
            # The same model on the same suite may be asked in other ways, and each is a cell of its own.
            part = Part(f"{model}/{suite}/{record['cell']}/{name}", SOURCE, capture.manifest.capture_id)
            content = capture.page(name)
            try:
                harness.read(part, Document(name, content), written)
            except Unreadable as error:
                part.refuse_all(str(error), content[:EXCERPT].decode("utf-8", "replace"))
            yield part


BOARD = Board(SOURCE, TITLE, URL, LICENCE, parse, unasked="own")
