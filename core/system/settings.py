"""What all groups of settings have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from core.system.errors import ConfigError


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


S = TypeVar("S", bound=Settings)


def make_settings(kind: type[S], values: dict[str, Any]) -> S:
    """Settings from plain values. Raises ConfigError that names the setting, what is allowed and what arrived."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "settings"
        received = "" if isinstance(first["input"], dict) else f" Received: {first['input']!r}."
        message = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{name}: {message}.{received}") from None
