"""What an error that a person reads must be."""

from __future__ import annotations

from core.system.errors import FieldguideError


def must_tell(error: FieldguideError, *, hint: bool = True) -> None:
    """Fails for an error that is no sentence, cannot be shown, or, with `hint`, does not say what to do."""
    str(error).encode()
    assert error.message
    if hint:
        assert error.message.endswith(".")
        assert error.hint.endswith((".", "?"))
