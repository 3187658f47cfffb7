"""Where things are kept, and how a file is written so that a crash never leaves half of one."""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

_TEMPORARY = ".fieldguide-tmp-"


def data_home() -> Path:
    """The folder for new projects, converted backbones and downloads: `FIELDGUIDE_HOME`, or ~/Fieldguide. Made if missing."""
    home = Path(os.environ.get("FIELDGUIDE_HOME") or Path.home() / "Fieldguide").expanduser().absolute()
    home.mkdir(parents=True, exist_ok=True)
    return home


def make_folder(folder: Path) -> None:
    """Makes a folder and the one that it lies in, but no more: a project whose folder was moved away while something still
    worked on it must not appear again, empty. Raises FileNotFoundError instead."""
    folder.parent.mkdir(exist_ok=True)
    folder.mkdir(exist_ok=True)


def write_with(path: Path, write: Callable[[Path], None], *, durable: bool = True) -> None:
    """Lets `write` fill a temporary file beside `path`, flushes it to disk and puts it in place in one step.

    `durable` False: does not wait for the disk, for what can be made again; a power failure may leave an empty file.
    The temporary name keeps the suffix of `path`, because some writers choose the format by it.
    """
    make_folder(path.parent)
    temporary = path.with_name(f"{_TEMPORARY}{uuid.uuid4().hex}{path.suffix}")
    try:
        write(temporary)
        if durable:
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Replaces the file at `path` by `content`, whole or not at all."""
    write_with(path, lambda temporary: _fill(temporary, content), durable=durable)


def _fill(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def write_json(path: Path, value: Any) -> None:
    """Replaces the file at `path` by `value` as JSON, whole or not at all."""
    write_bytes(path, (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode())


def read_json(path: Path) -> Any:
    """The value in a JSON file, or None if the file is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def sweep(folder: Path, names: str = f"**/{_TEMPORARY}*") -> int:
    """Removes temporary files that a crash left under `folder` more than an hour ago; returns how many.

    `names`: a pattern of other files or folders to remove.
    """
    left = list(folder.glob(names)) if folder.is_dir() else []
    old = [path for path in left if time.time() - _last_written(path) > 3600]  # a younger one may be in use
    for path in old:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()
    return len(old)


def _last_written(path: Path) -> float:
    """When a file, or anything in a folder, was written last; now, if it went meanwhile: someone is at it."""
    try:
        return max(each.lstat().st_mtime for each in (path, *path.rglob("*")))
    except FileNotFoundError:
        return time.time()
