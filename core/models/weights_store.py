"""Weights that come over the internet: whether they are here, whether they may be used, and how they get here.

In the data home: `hub/<SHA-1 of the handle>/` for a Hub module, `weights/<file name>` for what is one file at an address, and
beside it `<file name>.json` with the checksum of what came, where none was known before; `trusted.json` for the modules from
elsewhere that a person allowed. Loads no TensorFlow.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from filelock import FileLock, Timeout

from core.config.backbones import BACKBONES, HUB, Backbone
from core.system import disk, storage
from core.system.download import (
    PAUSES,
    TIMEOUT,
    Remote,
    Said,
    check,
    download,
    forget,
    has_checksum,
    not_written,
    sha256_of,
    size_of,
    told_checksum,
)
from core.system.errors import ModelError
from core.system.tasks.job import Stopped, interruptible

MAX_FILES = 1_000
MAX_BYTES = 4_000_000_000
"""Of a module, unpacked."""

_GRAPH = "saved_model.pb"
_HDF5 = b"\x89HDF\r\n\x1a\n"
_PIECE = 1024 * 1024
_LOOK_SECONDS = 0.1
_GRACE_SECONDS = 0.5


def place_of(backbone: Backbone) -> Path | None:
    """Where its weights lie or will lie: the folder of a Hub module, a weights file; None if nothing is to be fetched."""
    if backbone.source == HUB:
        return module_folder(backbone.handle)
    if backbone.weights_address:
        name = backbone.weights_address.rpartition("/")[2]
        own = name.removeprefix("model.")  # what every network's file is called at Hugging Face
        return storage.data_home() / "weights" / (name if own == name else f"{backbone.name}.{own}")
    return None


def module_folder(handle: str) -> Path:
    """Where a Hub module lies: its own folder, or the one in the data home that its address leads to."""
    if Path(handle).is_absolute():
        return Path(handle)
    return storage.data_home() / "hub" / hashlib.sha1(handle.encode()).hexdigest()  # noqa: S324 - as TensorFlow Hub does


def is_here(backbone: Backbone) -> bool:
    """Whether it can be built on this machine now, without the internet. Checksums are looked at when it is built."""
    place = place_of(backbone)
    return place is None or (place / _GRAPH if backbone.source == HUB else place).is_file()


def trusted(backbone: Backbone) -> bool:
    """Whether it may be loaded: a Hub module can run code, so only those of the table, and those that a person allowed."""
    if backbone.source != HUB:
        return True
    known = {one.handle for one in BACKBONES.values() if one.source == HUB}
    return backbone.handle in known or backbone.handle in _allowed()


def trust(backbone: Backbone) -> None:
    """Remembers that a person allows this module, on this machine."""
    if not trusted(backbone):
        storage.update_json(_trust_file(), lambda known: sorted({*_handles(known), backbone.handle}))


def require_trusted(backbone: Backbone) -> None:
    """Raises ModelError for a module from elsewhere that nobody has allowed."""
    if not trusted(backbone):
        raise ModelError(
            f"A module from elsewhere can run code on this computer: {backbone.handle}",
            "If you know who made it: allow it on the Configure page, or with --trust.",
        )


@dataclass(frozen=True)
class Checksum:
    """What the file of a backbone is checked against, in hex: SHA-256, or an MD5 in the table. `source`: "table", where it was
    known before; "publisher", who told it when the file was fetched; "here", where it was computed of what came."""

    value: str
    source: str


def checksum_of(backbone: Backbone) -> Checksum | None:
    """What the weights file is checked against whenever it is used; None where no checksum is known (yet)."""
    if backbone.checksum:
        return Checksum(backbone.checksum, "table")
    place = place_of(backbone)
    noted = storage.read_json(_note(place)) if place and backbone.weights_address else None
    if not isinstance(noted, dict) or not isinstance(noted.get("sha256"), str):
        return None
    return Checksum(noted["sha256"], "publisher" if noted.get("told") is True else "here")


def check_weights(backbone: Backbone) -> Path:
    """The weights file of a backbone that has an address for it. Raises ModelError if it is missing, or another file."""
    place = place_of(backbone)
    if place is None or not place.is_file():
        raise ModelError(
            f"The weights of {backbone.title} are not on this computer.", "Connect it to the internet once."
        )
    known = checksum_of(backbone)
    if not _may_be_weights(backbone, place) or (known and not has_checksum(place, known.value)):
        beside = f" and {_note(place).name} beside it" if _note(place).is_file() else ""
        raise ModelError(
            f"The file {place} does not hold the weights of {backbone.title}: its content (checksum) differs.",
            f"Delete it{beside}, then try again; or put there the file from {backbone.handle}",
        )
    return place


def other_weights(backbone: Backbone, why: str) -> ModelError:
    """What to raise for a whole file that is of another network, and `why` that is known. One that was fetched is thrown away;
    one that a person put there stays."""
    place = place_of(backbone)
    message = f"The file {place} does not hold the weights of {backbone.title}: {why}."
    if place is None or not _note(place).is_file():
        return ModelError(message, f"Delete it, then try again; or put there the file from {backbone.handle}")
    disk.remove(place)
    disk.remove(_note(place))
    return ModelError(
        message,
        "It was thrown away. Try again; if it happens again, the file at its address was changed: choose another model.",
    )


def fetch(
    backbone: Backbone,
    progress: Callable[[int, int], None],
    should_stop: Callable[[], bool],
    *,
    timeout: float = TIMEOUT,
    pauses: Sequence[float] = PAUSES,
) -> Path | None:
    """Brings the weights to this machine, unless they are here; returns where they lie, as place_of.

    `progress` is called with (done, total) bytes, total 0 while it is not known. `timeout`, `pauses`: see core.system.download.
    What is half there is never seen as the whole, and kept for the next try. Raises Stopped within a second when
    `should_stop` says so, ModelError and DownloadError with what to do.
    """
    require_trusted(backbone)
    place = place_of(backbone)
    if place is None:
        return None
    if not is_here(backbone):
        if place == Path(backbone.handle):
            raise ModelError(f"There is no {_GRAPH} in the folder {place}.", "Choose the folder of a Hub module.")
        with _saying_why(), _alone(place, should_stop):
            if not is_here(backbone):  # somebody else may have brought it while we waited
                bring = _bring_module if backbone.source == HUB else _bring_weights
                _apart(lambda said: bring(backbone, place, said, timeout, pauses), progress, should_stop)
    return check_weights(backbone) if backbone.weights_address else place


def _note(place: Path) -> Path:
    return place.with_name(f"{place.name}.json")


def _may_be_weights(backbone: Backbone, file: Path) -> bool:
    """What has no checksum in the table must at least be whole, where its format tells, or begin as Keras' own weights do."""
    if backbone.checksum:
        return True
    if backbone.weights_address.endswith(".safetensors"):
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(file, framework="numpy"):
                return True
        except SafetensorError:
            return False
    with file.open("rb") as opened:
        return opened.read(len(_HDF5)) == _HDF5


def _trust_file() -> Path:
    return storage.data_home() / "trusted.json"


def _allowed() -> list[str]:
    return _handles(storage.read_json(_trust_file()))


def _handles(value: object) -> list[str]:
    return [handle for handle in value if isinstance(handle, str)] if isinstance(value, list) else []


@contextmanager
def _saying_why() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise not_written(error) from None


@contextmanager
def _alone(place: Path, should_stop: Callable[[], bool]) -> Iterator[None]:
    """One process at a time; the system lets go of the lock when its process dies."""
    place.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(place.with_name(f".{place.name}.lock"))
    while True:
        try:
            lock.acquire(timeout=_LOOK_SECONDS)
            break
        except Timeout:
            if should_stop():
                raise Stopped from None
    try:
        yield
    finally:
        lock.release()


def _apart(work: Callable[[Said], None], progress: Callable[[int, int], None], should_stop: Callable[[], bool]) -> None:
    """Works in a thread, because a silent server cannot be interrupted, and listens for a stop."""
    stopped, reached = threading.Event(), [(0, 0)]

    def said(done: int, total: int) -> None:
        if stopped.is_set():
            raise Stopped
        reached[0] = (done, total)

    def look() -> bool:
        progress(*reached[0])
        if should_stop():
            stopped.set()
        return stopped.is_set()

    try:
        interruptible(lambda: work(said), look, _GRACE_SECONDS)
    finally:
        stopped.set()
    progress(*reached[0])  # what came between two looks


def _bring_weights(backbone: Backbone, place: Path, said: Said, timeout: float, pauses: Sequence[float]) -> None:
    remote = Remote(backbone.handle, checksum=backbone.checksum, what="weights", another="model")
    part = place.with_name(f"{place.name}.part")
    download(remote, part, said, timeout=timeout, pauses=pauses)
    told = told_checksum(part)
    check(replace(remote, checksum=backbone.checksum or told), part, said)
    if not _may_be_weights(backbone, part):
        forget(part)
        raise _no_module()
    said(size_of(part), size_of(part))  # the last place where a stop is heard
    if not backbone.checksum:
        storage.write_json(_note(place), {"sha256": told or sha256_of(part), "told": bool(told)})
    disk.replace(part, place)
    forget(part)


def _bring_module(backbone: Backbone, place: Path, said: Said, timeout: float, pauses: Sequence[float]) -> None:
    """As a compressed archive: https://www.tensorflow.org/hub/hosting#compressed_url"""
    query = "&" if "?" in backbone.handle else "?"
    remote = Remote(f"{backbone.handle}{query}tf-hub-format=compressed", what="module", another="model")
    part, making = place.with_name(f"{place.name}.part"), place.with_name(f".unpacking-{place.name}")
    download(remote, part, said, timeout=timeout, pauses=pauses)
    disk.remove_tree(making)
    making.mkdir()
    try:
        try:
            _unpack(part, making, said)
        except (tarfile.TarError, EOFError, ValueError, OSError) as error:
            if isinstance(error, OSError) and error.errno:  # the disk, not the archive
                raise
            raise _no_module() from None
        inside = [folder for folder in (making, *making.iterdir()) if (folder / _GRAPH).is_file()]
        if not inside:
            raise _no_module()
        (inside[0] / "handle.txt").write_text(backbone.handle, encoding="utf-8")
        disk.remove_tree(place)  # without its graph it is of no use
        said(size_of(part), size_of(part))  # the last place where a stop is heard
        disk.replace(inside[0], place)
    except ModelError:
        forget(part)
        raise
    finally:
        disk.remove_tree(making)
    forget(part)


def _unpack(archive: Path, folder: Path, said: Said) -> None:
    """Plain files below `folder` only; anything else refuses the whole. Raises ModelError, and what Python's readers raise."""
    total = archive.stat().st_size
    room, count = MAX_BYTES, 0
    with archive.open("rb") as packed, tarfile.open(fileobj=packed, mode="r:*") as tar:
        for member in tar:
            path, count = PurePosixPath(member.name), count + 1
            room -= member.size
            if path.is_absolute() or ".." in path.parts or "\\" in member.name or ":" in member.name:
                raise _strange("a file that would lie outside of it")
            if not member.isdir() and (not member.isreg() or member.issparse()):
                raise _strange("a link")
            if room < 0 or count > MAX_FILES:
                raise _strange("far more than a model needs")
            target = folder / path
            (target if member.isdir() else target.parent).mkdir(parents=True, exist_ok=True)
            content = None if member.isdir() else tar.extractfile(member)
            if content is None:
                continue
            with target.open("wb") as file:
                while piece := content.read(_PIECE):
                    said(min(packed.tell(), total), total)
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            if target.stat().st_size != member.size:
                raise EOFError
        if tar.fileobj and len(tar.fileobj.read(_PIECE)) == _PIECE:  # reads to the end, where gzip keeps its checksum
            raise EOFError


def _no_module() -> ModelError:
    return ModelError(
        "What came from the address is not a model, or is damaged.",
        "It was thrown away. Try again; if it happens again, check the address, or choose another model.",
    )


def _strange(what: str) -> ModelError:
    return ModelError(
        f"This module is not unpacked: its archive holds {what}.", "It was thrown away. Choose another model."
    )
