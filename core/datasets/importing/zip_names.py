"""The names in a zip or tar. Those of old systems are in the encoding of the computer that made it, which it does not name."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Sequence

from core.datasets.importing.readings import NAME_ENCODINGS, known_encoding, likeliest
from core.system.naming import as_text

_UTF8_FLAG = 0x800
_UNICODE_PATH = 0x7075
"""Info-ZIP's extra field with the name in UTF-8: version 1, CRC-32 of the plain name, the name. APPNOTE.TXT 4.6.9."""


def names_in(infos: Sequence[zipfile.ZipInfo], encoding: str = "") -> list[tuple[str, str]]:
    """(name, encoding) of each entry of a zip; the encoding is "" where the zip itself says it, or where it does not matter.
    Raises ProjectError for an encoding that nobody knows."""
    return read_names([_unsaid(info) or _said(info) for info in infos], encoding)


def names_in_tar(infos: Sequence[tarfile.TarInfo], encoding: str = "") -> list[tuple[str, str]]:
    """The same for a tar that was opened as UTF-8, which is not asked about where all its names are: today's programs write it
    so, and the encoding that is asked for may be that of a table in it."""
    names = [_said_in_tar(info) or info.name.encode("utf-8", "surrogateescape") for info in infos]
    return read_names(names, "" if all(as_text(info.name) == info.name for info in infos) else encoding)


def read_names(names: Sequence[str | bytes], encoding: str = "") -> list[tuple[str, str]]:
    """(name, encoding) of names of which some are bytes; the encoding is "" for all others, and where it does not matter.

    All bytes are read in one encoding: the one asked for, else UTF-8 if all are (Macs write it without saying so), else the
    likeliest. Raises ProjectError for an encoding that nobody knows.
    """
    open_ones = [name for name in names if isinstance(name, bytes) and not name.isascii()]
    wanted = known_encoding(encoding) if encoding else ""
    chosen = wanted or _guess(open_ones)
    said = "" if chosen == "utf-8" and not wanted else chosen
    return [
        (name.decode(chosen, "replace"), said if not name.isascii() else "") if isinstance(name, bytes) else (name, "")
        for name in names
    ]


def _guess(names: Sequence[bytes]) -> str:
    try:
        b"/".join(names).decode()
    except UnicodeDecodeError:
        # One folder counts once, however many pictures lie in it.
        return likeliest(
            [part for name in names for part in name.split(b"/") if not part.isascii()], NAME_ENCODINGS[1:]
        )
    return "utf-8"


def _unsaid(info: zipfile.ZipInfo) -> bytes:
    """The bytes of a name of which the entry does not say how to read them; none if it does."""
    if info.flag_bits & _UTF8_FLAG or _unicode_path(info):
        return b""
    return info.orig_filename.partition("\0")[0].encode("cp437")  # which zipfile has read them in


def _said(info: zipfile.ZipInfo) -> str:
    return _unicode_path(info) or info.filename


def _said_in_tar(info: tarfile.TarInfo) -> str:
    """The name of an entry that says it in UTF-8, as POSIX does since 2001; "" of one that does not."""
    return info.name if "path" in info.pax_headers and as_text(info.name) == info.name else ""


def _unicode_path(info: zipfile.ZipInfo) -> str:
    extra = info.extra
    while len(extra) >= 4:
        kind, size = (int.from_bytes(extra[at : at + 2], "little") for at in (0, 2))
        body, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == _UNICODE_PATH and len(body) > 5 and body[0] == 1:
            try:
                plain = info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8_FLAG else "cp437")
                return body[5:].decode() if int.from_bytes(body[1:5], "little") == zlib.crc32(plain) else ""
            except ValueError:
                return ""
    return ""
