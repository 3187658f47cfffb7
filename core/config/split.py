"""How the pictures of a project are divided for learning, checking and the test."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from core.system.settings import Percent, Settings

PARTS = ("train", "val", "test")
Share = Annotated[Percent, Field(ge=0.05, le=0.5, multiple_of=0.01)]
Together = Literal["names", "beginnings", "folders", "pattern", "table", "off"]
_MOST_REPEATS, _MOST_CHOICES = 2, 8


class SplitConfig(Settings):
    """How the pictures are divided; what is left is for training. Shares are of each class."""

    validation: Share = Field(
        0.15, title="For checking while it learns (validation)", description="Share of the pictures, 0.05 to 0.5."
    )
    test: Share = Field(
        0.15, title="For the final test (test)", description="Share kept apart until the very end, 0.05 to 0.5."
    )
    seed: int | None = Field(
        None,
        ge=0,
        le=2**31 - 1,
        title="Seed of the split",
        description="Another number deals the pictures anew.",
    )
    ready_made: Literal["keep", "anew"] = Field(
        "keep",
        title="Folders that are split already (ready-made parts)",
        description="keep: pictures in folders such as train, val and test are used so; anew: they are dealt like all others.",
    )
    together: Together = Field(
        "names",
        title="What stays together (groups)",
        description="names: copies of one photo and frames of one film, as their names tell; beginnings: names that differ in "
        "their last number only; folders: each folder inside a class; pattern: where a pattern finds the same; table: a table "
        "that you give; off: only what looks almost the same, which never parts.",
    )
    pattern: str = Field(
        "",
        max_length=100,
        title="Pattern (regular expression)",
        description="What it finds in the path is the group's name, or what its brackets find, the first that find "
        "something: plant(\\d+).",
    )

    @field_validator("pattern")
    @classmethod
    def _readable(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except (re.error, RecursionError, OverflowError):
            raise ValueError("this is not a regular expression") from None
        # A pattern that comes with a folder may be made to never end: of the kinds that can take long none is taken.
        plain = re.sub(r"\\.|\[\^?\]?[^]]*\]", "x", pattern)
        if re.search(r"\(\?(#|[a-zA-Z-]*x)", re.sub(r"\\.", "x", pattern)):
            raise ValueError("leave out comments")  # a bracket in one would hide what stands after it
        repeats = len(re.findall(r"[*+{]", plain))
        if repeats > _MOST_REPEATS or re.search(r"\)[*+{]", plain):
            raise ValueError(f"use at most {_MOST_REPEATS} of * + {{}}, and none after brackets")
        # Each choice may double the time. The sign is none where it opens a group or makes a repeat lazy.
        choices = len(re.findall(r"[?|]", re.sub(r"\(\?|(?<=[*+}?])\?", "", plain)))
        most = _MOST_CHOICES >> repeats
        if choices > most:
            raise ValueError(f"use at most {most} of ? and | beside {repeats} of * + {{}}")
        return pattern

    @property
    def training(self) -> float:
        """Share that is left for training."""
        return round(1 - self.validation - self.test, 4)

    @model_validator(mode="after")
    def _enough_left(self) -> SplitConfig:
        if self.training < 0.2:
            raise ValueError(
                "checking and testing may take at most 80 % together, so that something is left to learn from"
            )
        return self
