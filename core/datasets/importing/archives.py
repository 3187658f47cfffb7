"""Zip and tar files from strangers: listed and read within limits, never unpacked as they ask to be."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from core.datasets.importing.zip_names import names_in, names_in_tar
from core.imaging import decode
from core.system.errors import FieldguideError, ProjectError

MAX_ENTRIES = 20_000
"""Files and folders."""
MAX_BYTES = 2_000_000_000
"""Unpacked, all entries together."""
MAX_RATIO = 100
"""Unpacked to packed, of one entry and of all; pictures are packed already and stay near 1."""
MAX_FILE = decode.MAX_FILE
"""Bytes of one picture file, unpacked or not."""
TOO_LARGE = decode.FILE_TOO_LARGE

_SMALL = 200_000  # a tiny file of zeros may shrink a thousandfold without harm
_DAMAGED = "This is not a whole zip file: it is damaged, cut off, or something else."
_ENTRY_DAMAGED = "damaged in the archive"
_MAX_PATH = 1000  # characters
_MAX_HEADER = 100_000  # bytes that a tar may say of one entry
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # Python unpacks the others without a limit
_TAR_MARK, _TAR_MARK_AT = b"ustar", 257
_PACKED_TARS = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ", lzma.open))
SUFFIXES = (".zip", ".tm", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tbz2", ".txz")
"""File endings that are taken for archives; `.tm` is a Teachable Machine project, which is a zip."""


@dataclass(frozen=True)
class Member:
    """One file in an archive: the path as the archive has it, its size as declared, and why it is refused, or "".

    `reading`: the encoding in which its name was read, where the archive does not say which it is, or "".
    """

    name: str
    size: int
    refused: str
    read: Callable[[], bytes]
    reading: str = ""


class _Readable(Protocol):
    def read(self, amount: int, /) -> bytes: ...


class _Guarded:
    """The unpacked bytes of a tar. Nothing is unpacked beyond what the limits allow, nor are long headers read."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile, packed: int) -> None:
        self._stream = stream
        self._end = min(MAX_BYTES, max(_SMALL, MAX_RATIO * packed))
        self.most = _MAX_HEADER

    def read(self, amount: int) -> bytes:
        """At most `amount` bytes. Raises ProjectError at the limits, EOFError for more than `most` at once."""
        if not 0 <= amount <= self.most:
            raise EOFError
        self._allow(self._stream.tell() + amount)
        return self._stream.read(amount)

    def seek(self, to: int) -> int:
        """Goes to a place, counted from the start. Raises ProjectError beyond the limits."""
        self._allow(to)
        return self._stream.seek(to)

    def tell(self) -> int:
        """The place, counted from the start."""
        return self._stream.tell()

    def _allow(self, place: int) -> None:
        if place > MAX_BYTES:
            raise _bomb(_LARGE)
        if place > self._end:
            raise _bomb(_SWOLLEN)


@contextmanager
def open_archive(source: Path | bytes, encoding: str = "") -> Iterator[list[Member]]:
    """The files in a zip or tar, in its order; they can be read until the end of the block. `encoding`: that of the names
    where the archive does not say it; "" to guess.

    Raises ProjectError, before anything is read, for more entries or bytes than allowed, a bomb, an encrypted, cut or
    damaged archive, or none at all. `Member.read` raises it too, where an entry does not hold what was declared.
    """
    with ExitStack() as stack:
        with _clear_words():
            opened: IO[bytes] = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
            file = stack.enter_context(opened)
            # `zipfile.is_zipfile` looks at the end, where a tar may have a zip among its files.
            is_zip = not _begins_as_tar(file) and zipfile.is_zipfile(file)
            as_zip = stack.enter_context(zipfile.ZipFile(file)) if is_zip else None
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            members = _zip_members(as_zip, encoding) if as_zip else _tar_members(file, size, encoding)
        yield members


def _begins_as_tar(file: IO[bytes]) -> bool:
    start = file.read(_TAR_MARK_AT + len(_TAR_MARK))
    file.seek(0)
    return start.endswith(_TAR_MARK) or any(start.startswith(magic) for magic, _ in _PACKED_TARS)


@contextmanager
def _clear_words(message: str = _DAMAGED, hint: str = "Make or download it again.") -> Iterator[None]:
    try:
        yield
    except FieldguideError:
        raise
    except Exception:  # noqa: BLE001 - which one damaged content raises depends on Python's readers
        raise ProjectError(message, hint) from None


_LARGE = f"unpacked it is larger than {MAX_BYTES // 10**9} GB"
_SWOLLEN = "it would grow more than a hundredfold, as no pictures do"
_MANY = f"it holds more than {MAX_ENTRIES:,} files"


def _bomb(what: str) -> ProjectError:
    return ProjectError(f"This archive is not opened: {what}.", "Unpack it yourself and choose the folder instead.")


def _zip_members(archive: zipfile.ZipFile, encoding: str) -> list[Member]:
    if len(archive.infolist()) > MAX_ENTRIES:
        raise _bomb(_MANY)
    infos = [info for info in archive.infolist() if not info.filename.endswith("/")]
    if any(info.flag_bits & 1 for info in infos):
        raise ProjectError("This zip is locked with a password.", "Make one without a password.")
    total, packed = sum(info.file_size for info in infos), sum(info.compress_size for info in infos)
    if total > MAX_BYTES:
        raise _bomb(_LARGE)
    swollen = [i for i in infos if i.file_size > _SMALL and i.file_size > MAX_RATIO * max(i.compress_size, 1)]
    if swollen or (total > _SMALL and total > MAX_RATIO * max(packed, 1)):
        raise _bomb(_SWOLLEN)

    def reader(info: zipfile.ZipInfo) -> Callable[[], bytes]:
        def read() -> bytes:
            with _clear_words(_ENTRY_DAMAGED), archive.open(info) as entry:
                return _exactly(entry, info.file_size)

        return read

    members = []
    for info, (name, reading) in zip(infos, names_in(infos, encoding), strict=True):
        # The upper half of the attributes is the Unix mode; 0o12 is a symbolic link.
        refused = "a link, not a file" if info.external_attr >> 28 == 0o12 else ""
        if info.compress_type not in _ZIP_METHODS:
            refused = "packed in an unusual way: make the zip again"
        members.append(Member(name, info.file_size, refused or _refusal(name, info.file_size), reader(info), reading))
    return members


def _tar_members(file: IO[bytes], size: int, encoding: str) -> list[Member]:
    start = file.read(6)
    file.seek(0)
    opener = next((opener for magic, opener in _PACKED_TARS if start.startswith(magic)), None)
    guarded = _Guarded(opener(file) if opener else file, size)
    archive = tarfile.open(  # type: ignore[call-overload]  # noqa: SIM115 - closes nothing
        fileobj=guarded, mode="r:", encoding="utf-8"
    )
    infos: list[tarfile.TarInfo] = []
    for count, info in enumerate(archive):
        if count >= MAX_ENTRIES:
            raise _bomb(_MANY)
        if info.size < 0:
            raise EOFError
        if not info.isdir():
            infos.append(info)
    members = []
    for info, (name, reading) in zip(infos, names_in_tar(infos, encoding), strict=True):
        refused = "" if info.isreg() and not info.issparse() else "a link, not a file"
        read = _reader(archive, info)
        members.append(Member(name, info.size, refused or _refusal(name, info.size), read, reading))
    guarded.most = MAX_FILE
    return members


def _reader(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        with _clear_words(_ENTRY_DAMAGED):
            entry = archive.extractfile(info)
            return _exactly(entry, info.size) if entry else b""

    return read


def _exactly(entry: _Readable, size: int) -> bytes:
    content = entry.read(size + 1)
    if len(content) != size:
        raise EOFError
    return content


def _refusal(name: str, size: int) -> str:
    parts = name.replace("\\", "/").split("/")
    if len(name) > _MAX_PATH:
        return "its path is too long"
    if ".." in parts or name.startswith(("/", "\\")) or (len(name) > 1 and name[1] == ":"):
        return "its path leads out of the archive"
    return TOO_LARGE if size > MAX_FILE else ""
