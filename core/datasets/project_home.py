"""Where the notes on a project lie: index, edits, trainings. A hidden folder beside the class folders, where that can be.

The hidden folder may come from elsewhere, with links and devices in it that lead reading and writing astray. Whatever in it
is neither a plain file nor a folder is put aside before anything else is read.
"""

from __future__ import annotations

import errno
import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from core.datasets.edit_journal import HIDDEN
from core.system import disk, storage
from core.system.errors import ProjectError, as_sentence

QUARANTINE = "quarantine-"
"""What the folders in the hidden one begin with that hold what is neither a plain file nor a folder."""
VERSION = 1
"""Of how the files in it are laid out, all but those that say a version of their own: journal, index, runs."""
_VERSION_FILE = "version.json"
_NEVER = (errno.EACCES, errno.EPERM, errno.EROFS)
_known: dict[tuple[Path, Path], tuple[Path, tuple[int, int] | None]] = {}
"""(data home, root) -> home, and which folder lies beside the class folders; as long as that is the same one, the home does
not change while this process runs, whatever a write says later."""


def home_of(root: Path, *, make: bool = True) -> Path:
    """The folder for the notes on the project in `root`: `.fieldguide` beside the class folders; where that is a link, or may
    not be written to, a folder in the data home. It is made if it is missing.

    `make` False: it must be there. Raises ProjectError if it is not, if the disk is full, or if a newer Fieldguide has laid
    it out otherwise: then nothing in it is touched.
    """
    beside, elsewhere = root / HIDDEN, _elsewhere(root)
    known, same = _known.get((storage.data_home(), root), (None, None))
    if known and known.is_dir() and same == _identity(beside):
        return known
    if not make and not (beside.is_dir() or elsewhere.is_dir()):
        raise ProjectError(
            f"The folder {root} has lost what Fieldguide knew of it.",
            "Is it on a stick or a network that is not there now? If it is the right folder, open it again.",
        )
    with as_sentence(ProjectError):
        home = beside if _can_write(beside) and _disarmed(beside) else elsewhere
        home.mkdir(parents=True, exist_ok=True)
        disk.hide(home)
        _check_version(home / _VERSION_FILE)
    _known[storage.data_home(), root] = home, _identity(beside)
    return home


def _check_version(file: Path) -> None:
    """Notes that say no version are of the first one, and say so from now on."""
    said = storage.read_json(file)
    version = said.get("version") if isinstance(said, dict) else None
    if isinstance(version, int) and version > VERSION:
        raise ProjectError(
            "A newer Fieldguide has written its notes into this folder, and this one cannot read them.",
            "Use the newer one; nothing was changed.",
        )
    if version is None:
        storage.write_json(file, {"version": VERSION})


def _identity(folder: Path) -> tuple[int, int] | None:
    """What tells a folder from another that is put in its place, as under a stick of the same name."""
    try:
        status = folder.lstat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _elsewhere(root: Path) -> Path:
    return storage.data_home() / ".read-only-folders" / hashlib.sha256(str(root).encode()).hexdigest()[:16]


def _can_write(folder: Path) -> bool:
    """Whether a folder is there, or can be made, and written to. What passes, as a full disk, is no reason to say no.

    Raises OSError if it is missing and cannot be made now.
    """
    if folder.is_symlink():
        return False
    probe = folder / f"probe-{uuid.uuid4().hex}"  # a name of its own: others ask at the same moment
    try:
        folder.mkdir(exist_ok=True)
        probe.touch()
        disk.remove(probe)
    except OSError as error:
        if error.errno in _NEVER or not folder.is_dir():
            if error.errno not in _NEVER:
                raise
            return False
    return True


def _disarmed(home: Path) -> bool:
    """Puts aside what is neither a plain file nor a folder; whether nothing of the kind is left."""
    aside = home / f"{QUARANTINE}{uuid.uuid4().hex}"
    try:
        odd = list(_odd(home))
        if odd:
            aside.mkdir()
        for number, path in enumerate(odd):
            with suppress(FileNotFoundError):
                disk.rename(path, aside / f"{number}-{path.name}")
    except OSError:
        return False
    return True


def _odd(home: Path) -> Iterator[Path]:
    stack = [home]
    while stack:
        folder = stack.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    # Deeper down a folder may be called so to be passed over: what is in it is read as any other.
                    if folder != home or not entry.name.startswith(QUARANTINE):
                        stack.append(Path(entry.path))
                elif not entry.is_file(follow_symlinks=False):
                    yield Path(entry.path)


def put_aside(home: Path) -> int:
    """How many things were found in the hidden folder that were neither plain files nor folders, and are not read."""
    return sum(1 for _ in home.glob(f"{QUARANTINE}*/*"))
