"""Trainings that came with a folder: what is not done with them, and how a person says that they may be trusted.

A model file can hold code (.keras), or break the program that reads it (.tflite). One that was made on another computer is
asked by a process of its own (core.inference.sandbox), and is not loaded for anything else until someone says who made it.
"""

from __future__ import annotations

from core.datasets.project import Project
from core.runs.lifecycle import Run, list_runs
from core.system import signing
from core.system.errors import ModelError, ProjectError, as_sentence


def is_foreign(run: Run) -> bool:
    """Whether the run has a model that was not made on this computer, nor trusted on it."""
    records = run.records
    return any(file.is_file() and not signing.made_here(file) for file in (records.model, records.tflite))


def why_not_loaded(run: Run) -> ModelError | None:
    """Why the run's Keras model is not loaded, or None if it may be."""
    if signing.made_here(run.records.model):
        return None
    return ModelError(
        "This training was made on another computer, and its model could hold code that runs here.",
        "Train again on this computer. Or, if you know who made it, say so on the Export page.",
    )


@as_sentence(ProjectError)
def trust(project: Project) -> None:
    """Takes all that came with the folder for one's own: its models are loaded, and its edits can be undone.

    Raises ProjectError if that cannot be written.
    """
    with project.journal.editing():
        project.journal.adopt()
        for run in list_runs(project):
            signing.sign_files(*(file for file in (run.records.model, run.records.tflite) if file.is_file()))
