"""What all groups of settings have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """A group of settings: no names beside its own, finite numbers only, never changed after it is made."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:  # noqa: ARG002
        """A copy with changes, which are checked as if it were made anew; pydantic's own would take anything.

        Raises pydantic.ValidationError.
        """
        return type(self).model_validate(self.model_dump() | dict(update or {}))
