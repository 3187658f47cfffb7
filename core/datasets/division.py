"""How a project divides its pictures: the settings of its split, and what came with the pictures: parts and groups.

It lies in `split.json` in the project's home. Parts and groups go with the content of a picture, so that they stay when it
is moved, renamed or labelled. All of it is harmless to believe: it says who is in which part, and names no folder outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, TypeAdapter

from core.config.split import SplitConfig
from core.system import storage
from core.system.confined import parts_of

FILE = "split.json"
MOST_BYTES = 100_000_000
"""Of that file, some 600,000 pictures with a part and a group each."""
Part = Literal["train", "val", "test"]
_FIRST = ("train", "val", "test")
"""Of a picture that came in several parts, the last of these counts: what tests is kept apart."""


def foremost(parts: Iterable[str | None]) -> str | None:
    """Of the parts that one picture came in, the one that counts; None where it came in none."""
    return max(filter(None, parts), key=_FIRST.index, default=None)


@dataclass(frozen=True)
class Division:
    """`config`: how the split is made; `roots`: the folders of ready-made parts; `parts` and `groups`: picture id -> the part
    and the group that it came with."""

    config: SplitConfig = field(default_factory=lambda: SplitConfig(seed=0))
    roots: Mapping[str, Part] = field(default_factory=dict)
    parts: Mapping[str, Part] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)

    def with_parts(self, parts: Mapping[str, str]) -> Division:
        """With the parts of more pictures; one that is known in several belongs to the test before all else."""
        both = {picture: foremost((part, self.parts.get(picture))) for picture, part in parts.items()}
        return replace(self, parts={**self.parts, **both})  # type: ignore[dict-item]


_FIELDS: dict[str, TypeAdapter[Any]] = {
    "config": TypeAdapter(SplitConfig),
    "roots": TypeAdapter(dict[Annotated[str, AfterValidator(lambda root: "/".join(parts_of(root)))], Part]),
    "parts": TypeAdapter(dict[str, Part]),
    "groups": TypeAdapter(dict[str, str]),
}


def read(home: Path) -> Division:
    """What is kept in a project's home; the usual split where nothing is, or where it cannot be read."""
    path = home / FILE
    try:
        status = path.stat()
    except OSError:
        return Division()
    return _read(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=8)
def _read(path: Path, modified_ns: int, size: int) -> Division:  # noqa: ARG001 - both are part of the cache's key
    return _valid(storage.read_json(path, MOST_BYTES))


def _valid(value: Any) -> Division:
    """What can be believed: one thing that is damaged, or of another version, takes no other away."""
    found: dict[str, Any] = {}
    for name, adapter in _FIELDS.items():
        if isinstance(value, dict) and name in value:
            with suppress(ValueError):
                found[name] = adapter.validate_python(value[name])
    kept = Division(**found)
    return kept if kept.config.seed is not None else replace(kept, config=Division().config)


def change(home: Path, changed: Callable[[Division], Division]) -> None:
    """Changes what is kept, by one at a time. Raises OSError if it cannot be read or written."""

    def plain(before: Any) -> dict[str, Any]:
        after = changed(_valid(before))
        return asdict(after) | {"config": after.config.model_dump()}

    storage.update_json(home / FILE, plain, MOST_BYTES)
