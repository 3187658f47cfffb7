"""Where a training comes from: one that came with a folder is asked by a process of its own (core.inference.sandbox), and its
model is not loaded for anything else until someone says who made it (core.datasets.adoption)."""

from __future__ import annotations

from core.runs.lifecycle import Run
from core.system import signing


def is_foreign(run: Run) -> bool:
    """Whether the run has a model that was not made on this computer, nor trusted on it."""
    records = run.records
    return any(file.is_file() and not signing.made_here(file) for file in (records.model, records.tflite))
