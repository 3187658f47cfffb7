"""Where things are kept, and how files are read with bounds, and written so that a crash never leaves half of one."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import shutil
import stat
import time
import uuid
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from filelock import FileLock

from core.system import disk
from core.system.errors import RunError
from core.system.naming import class_key

_TEMPORARY = ".fieldguide-tmp-"
MAX_JSON = 16_000_000
"""Bytes; ours have a few kilobytes, but for the list of a run's pictures."""
MAX_ARRAYS = 1_000_000_000
"""Bytes of the arrays in one .npz file."""


HALF_MADE = ".unpacking-"
"""What the name of a project that is being made in the data home begins with; core.datasets.packing sweeps what is left."""


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


def require_disk(folder: Path, needed: float, what: str) -> None:
    """Raises RunError if the disk of `folder` has no room for the `needed` bytes of what is called so, a singular."""
    if (free := shutil.disk_usage(folder).free) < needed:
        raise RunError(
            f"{what} takes up to {needed / 1e6:,.0f} MB, and the disk of {folder} has {free / 1e6:,.0f} MB left.",
            "Make room there, and try again.",
        )


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
        disk.replace(temporary, path)
    finally:
        with suppress(OSError):  # `sweep` takes it later; what went wrong before is what counts
            disk.remove(temporary)


def write_bytes(path: Path, content: bytes, *, durable: bool = True, private: bool = False) -> None:
    """Replaces the file at `path` by `content`, whole or not at all. `private`: other users of this computer cannot read it."""
    write_with(path, lambda temporary: _fill(temporary, content, private=private), durable=durable)


def _fill(path: Path, content: bytes, *, private: bool) -> None:
    if private:
        path.touch(0o600)
    path.write_bytes(content)


def write_json(path: Path, value: Any) -> None:
    """Replaces the file at `path` by `value` as JSON, whole or not at all. Halves of characters, as file names may have
    them, are escaped, and come back as they were."""
    write_bytes(path, _as_json(value))


def _as_json(value: Any) -> bytes:
    return f"{json.dumps(value, indent=1, ensure_ascii=False)}\n".encode(errors="backslashreplace")


def lock_of(folder: Path) -> FileLock:
    """Held by whoever reads something in a folder in order to write it: others of the same folder wait, those of another do
    not. It lies in the data home: there it makes no folder again that someone deleted."""
    locks = data_home() / ".locks"
    locks.mkdir(exist_ok=True)
    key = class_key(str(folder.absolute()))  # Windows and Macs have one folder for several spellings
    name = hashlib.blake2b(os.fsencode(key), digest_size=12).hexdigest()
    return FileLock(locks / f"{name}.lock", timeout=60)


def update_json(path: Path, change: Callable[[Any], Any], most: int = MAX_JSON) -> None:
    """Replaces the value in a JSON file by what `change` makes of it (None if there is none, or it is damaged), by one caller
    at a time, in whatever process. Nothing is written where it stays the same. Raises OSError where what is there cannot be
    read, and is not replaced then, and where there are, or would be, more than `most` bytes."""
    with lock_of(path.parent):
        try:
            before = json.loads(read_bytes(path, most))
        except (FileNotFoundError, ValueError, RecursionError):
            before = None
        after = change(before)
        if after != before:
            content = _as_json(after)
            if len(content) > most:
                raise OSError(errno.EFBIG, "larger than it can be", str(path))
            write_bytes(path, content)


def stamp(path: Path) -> tuple[int, ...]:
    """What tells one state of a file from another, for the keys of caches: each write puts another file in its place. Empty if
    it is missing."""
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_ino, status.st_mtime_ns, status.st_size


def open_plain(path: Path, most: int, *, links: bool = False) -> BinaryIO:
    """A plain file, to be read and closed. Raises OSError for a device or a pipe, which may never end, for more than `most`
    bytes, and for a link, unless `links` may be followed."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    flags = flags if links else flags | getattr(os, "O_NOFOLLOW", 0)
    handle = disk.patiently(lambda: os.open(path, flags))  # it may be replaced at this moment
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a plain file", str(path))
        if status.st_size > most:
            raise OSError(errno.EFBIG, "larger than it can be", str(path))
    except BaseException:
        os.close(handle)
        raise
    return os.fdopen(handle, "rb")


def read_bytes(path: Path, most: int) -> bytes:
    """The content of a plain file. Raises OSError for a link, a device or a pipe, and for more than `most` bytes."""
    with open_plain(path, most) as file:
        content = file.read(most + 1)
    if len(content) > most:  # it grew meanwhile
        raise OSError(errno.EFBIG, "larger than it can be", str(path))
    return content


def read_json(path: Path, most: int = MAX_JSON) -> Any:
    """The value in a JSON file, or None if the file is missing, damaged, no plain file, or larger than `most` bytes."""
    try:
        return json.loads(read_bytes(path, most))
    except (OSError, ValueError, RecursionError, MemoryError):
        return None


def read_arrays(path: Path, most: int | None = None) -> dict[str, np.ndarray]:
    """The arrays in a .npz file, by name. Raises OSError if it is missing, damaged or larger than `most` bytes, by default
    MAX_ARRAYS; nothing in it is ever run (no pickles)."""
    most = MAX_ARRAYS if most is None else most
    content = read_bytes(path, most)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as members:
            if sum(member.file_size for member in members.infolist()) > most:
                raise ValueError("larger than it can be")
        # Given a path, it would leave a damaged file open.
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return {name: np.asarray(file[name]) for name in file.files}
    except (ValueError, KeyError, TypeError, EOFError, MemoryError, NotImplementedError, RuntimeError) as error:
        raise OSError(errno.EINVAL, f"damaged: {error}", str(path)) from None
    except (zipfile.BadZipFile, zlib.error, SyntaxError, OverflowError) as error:  # numpy parses a header as Python
        raise OSError(errno.EINVAL, f"damaged: {error}", str(path)) from None


def sweep(folder: Path, names: str = f"**/{_TEMPORARY}*", seconds: float = 3600) -> int:
    """Removes temporary files that a crash left under `folder` more than an hour ago, or so many seconds; returns how many.

    `names`: a pattern of other files or folders to remove.
    """
    left = list(folder.glob(names)) if folder.is_dir() else []
    old = [path for path in left if time.time() - _last_written(path) > seconds]  # a younger one may be in use
    for path in old:
        if path.is_dir():
            disk.remove_tree(path)
        else:
            with suppress(OSError):
                disk.remove(path)
    return len(old)


def _last_written(path: Path) -> float:
    """When a file, or anything in a folder, was written last; now, if it went meanwhile: someone is at it."""
    try:
        return max(each.lstat().st_mtime for each in (path, *path.rglob("*")))
    except FileNotFoundError:
        return time.time()
