"""A project that came from another computer, taken for one's own: how a person says that its models and edits may be trusted.

A model file can hold code (.keras), or break the program that reads it (.tflite), and a step of an edit can touch files. What
was not made on this computer is therefore not loaded, nor undone, until someone says who made it.
"""

from __future__ import annotations

from core.datasets.project import Project
from core.system import signing
from core.system.errors import ProjectError, as_sentence


@as_sentence(ProjectError)
def adopt(project: Project) -> None:
    """Takes all that came with the folder for one's own: its models are loaded, and its edits can be undone.

    Raises ProjectError if that cannot be written.
    """
    with project.journal.editing():
        project.journal.adopt()
        for run in sorted(project.runs_dir.glob("*/run.json")):
            models = (run.with_name(name) for name in ("model.keras", "head.npz", "model.tflite"))
            signing.sign_files(*(file for file in models if file.is_file()))
