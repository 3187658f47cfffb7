"""Runs that nobody trained: the records of one, with answers that a test chooses."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core import Project, Run, TrainConfig
from core.evaluation import evaluate_predictions
from core.records import RunPicture, RunPlan, RunRecords, RunState


def made_up_run(
    project: Project, parts: dict[str, list[tuple[str, str, int]]], said: dict[str, np.ndarray], name: str = "made-up"
) -> Run:
    """A finished run. `parts`: (picture id, path, class) by part; `said`: float32 (N, K) for "val" and "test"."""
    classes = project.scan().classes
    folder = project.runs_dir / name
    folder.mkdir(parents=True)
    pictures = tuple(RunPicture(*picture, part) for part, found in parts.items() for picture in found)
    records = RunRecords(folder)
    records.write_plan(RunPlan(name, str(project.root), 1.7e9, TrainConfig(), classes, pictures))
    records.write_state(RunState("done", "", ended=True))
    records.append_epoch({"epoch": 1, "accuracy": 0.9, "val_accuracy": 0.9, "loss": 0.4, "val_loss": 0.4})
    scores = {
        part: evaluate_predictions(rows, np.array([p.label for p in pictures if p.part == part]), classes).as_dict()
        for part, rows in said.items()
    }
    records.write_predictions(said)
    records.write_result({
        "parameters": 10, "best_epoch": 1, "val": scores["val"], "test": scores["test"],
        "diagnosis": "It works.", "seconds": {"total": 1.0},
    })  # fmt: skip
    return Run(folder)
