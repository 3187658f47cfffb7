"""Films (video files) among what is imported: a process of its own takes pictures out of each (see core.imaging.film)."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.datasets.importing.archives import MAX_FILE, TOO_LARGE
from core.datasets.unread import FILMS
from core.system.errors import PictureError
from core.system.naming import count, file_stem
from core.system.tasks.processes import ROOT, apart, program

MOST_PICTURES = 300
"""Taken out of one film."""
_SILENT_SECONDS = 60.0
_PART = 1_000_000
_BROKEN = "this film broke the program that reads it"


def is_film(name: str) -> bool:
    """Whether a file is a film, by its ending."""
    return name.lower().endswith(FILMS)


def note_on(number: int) -> str:
    """What to know of an import with so many films."""
    return f"From {count(number, 'film')}: at most {MOST_PICTURES} pictures of each, those that show something new."


@contextmanager
def pictures_of(source: Path | bytes, name: str, tell: Callable[[], None]) -> Iterator[list[tuple[str, Path]]]:
    """(name, JPEG file) of the pictures of a film, in order; the files are there until the end of the block. Their names say
    that they are frames of one film, so that they stay together.

    `tell` is called all the while, and may raise to cancel. Raises PictureError for what is no film, OSError.
    """
    with tempfile.TemporaryDirectory(prefix="fieldguide-film-") as folder:
        out = Path(folder)
        if isinstance(source, bytes):
            if len(source) > MAX_FILE:
                raise PictureError(TOO_LARGE)
            file = out / "film"
            file.write_bytes(source)
        else:
            file = source.absolute()
        stem = f"{file_stem(name)}-{_mark_of(file)}"
        frames = out / "frames"
        frames.mkdir()
        _read(file, frames, tell)
        yield [(f"{stem}_frame_{frame.name}", frame) for frame in sorted(frames.iterdir())]


def _mark_of(file: Path) -> str:
    """What tells a film from others of its name, as cameras begin anew at 0001: by its length, beginning and end."""
    found = hashlib.sha256()
    with file.open("rb") as opened:
        found.update(opened.read(_PART))
        length = opened.seek(0, 2)
        opened.seek(max(0, length - _PART))
        found.update(opened.read(_PART) + str(length).encode())
    return found.hexdigest()[:8]


def _read(file: Path, frames: Path, tell: Callable[[], None]) -> None:
    command, needed = program("core.imaging.film", str(file), str(frames))
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | needed,
        encoding="utf-8",
        **apart(),
    ) as process:
        said = ""
        try:
            while line := _line(process):
                said = line
                tell()
        finally:
            process.kill()
    try:
        told = json.loads(said)
    except ValueError:
        raise PictureError(_BROKEN) from None
    if "error" in told:
        raise PictureError(str(told["error"]))
    if "pictures" not in told:
        raise PictureError(_BROKEN)


def _line(process: subprocess.Popen[str]) -> str:
    """What the process says next; "" once it has ended, or was silent for too long and is ended."""
    timer = threading.Timer(_SILENT_SECONDS, process.kill)
    timer.start()
    try:
        with suppress(OSError, ValueError):
            return process.stdout.readline() if process.stdout else ""
        return ""
    finally:
        timer.cancel()
