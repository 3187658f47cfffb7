"""Zip and tar files from strangers: listed and read within limits, never unpacked as they ask to be."""

from __future__ import annotations

import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from core.errors import ProjectError

MAX_ENTRIES = 20_000
MAX_BYTES = 2_000_000_000
"""Unpacked, all entries together."""
MAX_RATIO = 100
"""Unpacked to packed, of one entry and of all; pictures are packed already and stay near 1."""
MAX_FILE = 200_000_000
"""Bytes of one picture file, unpacked or not."""

_SMALL = 200_000  # a tiny file of zeros may shrink a thousandfold without harm
_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    UnicodeDecodeError,
    RuntimeError,
)
SUFFIXES = (".zip", ".tm", ".tar", ".tgz", ".tar.gz")
"""File endings that are taken for archives; `.tm` is a Teachable Machine project, which is a zip."""


@dataclass(frozen=True)
class Member:
    """One file in an archive: the path as the archive has it, its size as declared, and why it is refused, or ""."""

    name: str
    size: int
    refused: str
    read: Callable[[], bytes]


class _Readable(Protocol):
    def read(self, amount: int, /) -> bytes: ...


@contextmanager
def open_archive(source: Path | bytes) -> Iterator[list[Member]]:
    """The files in a zip or tar, in its order; they can be read until the end of the block.

    Raises ProjectError, before anything is read, for more entries or bytes than allowed, a bomb, an encrypted, cut or
    damaged archive, or none at all. `Member.read` raises it too, where an entry does not hold what was declared.
    """
    with ExitStack() as stack:
        with _clear_words():
            file = stack.enter_context(io.BytesIO(source) if isinstance(source, bytes) else source.open("rb"))
            zipped = zipfile.is_zipfile(file)
            file.seek(0)
            if zipped:
                members = _zip_members(stack.enter_context(zipfile.ZipFile(file)))
            else:
                members = _tar_members(stack.enter_context(tarfile.open(fileobj=file)))
        yield members


@contextmanager
def _clear_words() -> Iterator[None]:
    try:
        yield
    except (*_DAMAGED, OSError):
        raise ProjectError(
            "This is not a whole zip file: it is damaged, cut off, or something else.", "Make or download it again."
        ) from None


def _bomb(what: str) -> ProjectError:
    return ProjectError(f"This archive is not opened: {what}.", "Unpack it yourself and choose the folder instead.")


def _zip_members(archive: zipfile.ZipFile) -> list[Member]:
    infos = [info for info in archive.infolist() if not info.is_dir()]
    if len(infos) > MAX_ENTRIES:
        raise _bomb(f"it holds {len(infos):,} files, more than {MAX_ENTRIES:,}")
    if any(info.flag_bits & 1 for info in infos):
        raise ProjectError("This zip is locked with a password.", "Make one without a password.")
    total, packed = sum(info.file_size for info in infos), sum(info.compress_size for info in infos)
    if total > MAX_BYTES:
        raise _bomb(f"unpacked it is larger than {MAX_BYTES // 10**9} GB")
    swollen = [i for i in infos if i.file_size > _SMALL and i.file_size > MAX_RATIO * max(i.compress_size, 1)]
    if swollen or (total > _SMALL and total > MAX_RATIO * max(packed, 1)):
        raise _bomb("it would grow more than a hundredfold, as no pictures do")

    def reader(info: zipfile.ZipInfo) -> Callable[[], bytes]:
        def read() -> bytes:
            with _clear_words(), archive.open(info) as entry:
                return _exactly(entry, info.file_size)

        return read

    # The upper half of the attributes is the Unix mode; 0o12 is a symbolic link.
    return [
        Member(
            i.filename, i.file_size, _refusal(i.filename, i.file_size, link=i.external_attr >> 28 == 0o12), reader(i)
        )
        for i in infos
    ]


def _tar_members(archive: tarfile.TarFile) -> list[Member]:
    members: list[Member] = []
    total = 0
    for info in archive:
        if info.isdir():
            continue
        total += info.size
        if len(members) >= MAX_ENTRIES:
            raise _bomb(f"it holds more than {MAX_ENTRIES:,} files")
        if total > MAX_BYTES:
            raise _bomb(f"unpacked it is larger than {MAX_BYTES // 10**9} GB")
        members.append(
            Member(info.name, info.size, _refusal(info.name, info.size, link=not info.isreg()), _reader(archive, info))
        )
    return members


def _reader(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        with _clear_words():
            entry = archive.extractfile(info)
            return _exactly(entry, info.size) if entry else b""

    return read


def _exactly(entry: _Readable, size: int) -> bytes:
    content = entry.read(size + 1)
    if len(content) != size:
        raise EOFError
    return content


def _refusal(name: str, size: int, *, link: bool) -> str:
    parts = name.replace("\\", "/").split("/")
    if link:
        return "a link, not a file"
    if ".." in parts or name.startswith(("/", "\\")) or (len(name) > 1 and name[1] == ":"):
        return "its path leads out of the archive"
    return "larger than 200 MB" if size > MAX_FILE else ""
