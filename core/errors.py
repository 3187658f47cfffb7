"""Errors that a person can cause or cure. Pages and the command line show them as plain sentences, without a traceback."""

from __future__ import annotations


class FieldguideError(Exception):
    """Something a person can put right.

    `message` says what happened, `hint` what to do next; both are whole sentences.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class PictureError(FieldguideError):
    """A picture that cannot be used; `message` is the reason, short enough for a list ("incomplete file")."""


class ProjectError(FieldguideError):
    """A folder that cannot be used as a project."""


class ConfigError(FieldguideError):
    """A setting outside what is allowed, or a name that does not exist."""


class RunError(FieldguideError):
    """A training run that is missing, damaged, stopped or failed."""


class ModelError(FieldguideError):
    """A model file or bundle that cannot be used."""
