"""What a study of the head needs of the settings, and how one waits for what it finds."""

from __future__ import annotations

from collections.abc import Callable

from core.config.training import TrainConfig
from core.datasets.project import Project
from core.runs.lifecycle import settled
from core.system.errors import ConfigError, RunError
from core.system.tasks.records import TaskState
from core.training.experiments import S, Study, wait_for


def why_not(config: TrainConfig) -> str:
    """Why nothing can be studied with these settings, as a sentence, or "" if it can: many heads must be quick to fit."""
    if config.minutes:
        return "The recipe is a search, which would take its whole time again and again; choose Quick or Balanced."
    if not config.pretrained or config.fine_tune != "off":
        return "Training a whole network many times takes too long here; choose Quick or Balanced."
    return ""


def require_quick(config: TrainConfig) -> None:
    """Raises ConfigError where `why_not` has a reason."""
    reason = why_not(config)
    if reason:
        what, _, hint = reason.partition("; ")
        raise ConfigError(f"{what}.", f"{hint[:1].upper()}{hint[1:]}")


def outcome(
    project: Project,
    study: Study,
    config: TrainConfig,
    shape: type[S],
    watch: Callable[[TaskState], None] | None = None,
) -> S:
    """Waits for the end and gives what was found; an interrupt (Ctrl-C) also stops the study.

    Raises RunError if it failed, or if it is one with other settings that was under way already.
    """
    if study.records.plan().config != settled(project, config):
        raise RunError("Another study of this kind is under way, with other settings.", "Wait for its end, or stop it.")
    return wait_for(study, shape, watch)
