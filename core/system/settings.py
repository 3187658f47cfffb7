"""What all groups of settings have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict


@dataclass(frozen=True)
class Slider:
    """How a page asks for a number, in the metadata of its field: by a slider over its bounds, told in per cent. A number
    without one is typed."""

    step: float


Percent = Annotated[float, Slider(0.01)]
"""A share that a page asks for in whole per cents."""


class Settings(BaseModel):
    """A group of settings: no names beside its own, finite numbers only, never changed after it is made."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:  # noqa: ARG002
        """A copy with changes, which are checked as if it were made anew; pydantic's own would take anything.

        Raises pydantic.ValidationError.
        """
        return type(self).model_validate(self.model_dump() | dict(update or {}))
