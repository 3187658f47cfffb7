"""Picture files whose pixels are all there, though the rest of the file is not as it should be: browsers show them.

A PNG may have more text or a larger profile in it than Pillow reads, or a damaged comment; a JPEG, as some cameras write it,
may lack its end mark.
"""

from __future__ import annotations

import io
import math
import re
import zlib
from collections.abc import Container, Iterator

from PIL import Image

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_PIXELS = frozenset(b"IHDR PLTE IDAT IEND tRNS acTL fcTL fdAT".split())
_PNG_BESIDE = frozenset((b"iCCP", b"eXIf"))  # colours, and which way is up
_MOST_PROFILE = 1_000_000  # bytes, unpacked, as Pillow has it
_JPEG = b"\xff\xd8"
_JPEG_END = b"\xff\xd9"
_FILLINGS = (b"\x00" * 64, b"\xaa" * 64)


def mended(content: bytes, most: int) -> bytes | None:
    """The file with what makes it readable, or None where its pixels are not all there, where there are more than `most`, or
    if it is of another kind."""
    try:
        if content.startswith(_PNG):
            return _png_of_pixels(content)
        return _with_end(content, most) if content.startswith(_JPEG) else None
    except Exception:  # noqa: BLE001 - which one damaged content raises depends on Pillow's decoder
        return None


def png_chunks(content: bytes, kept: Container[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """(name, chunk with its length and checksum) of the chunks of a PNG that are `kept`, up to its end (PNG specification,
    third edition, section 5). The last one may be cut off."""
    at = len(_PNG)
    while at < len(content):
        end = at + 12 + int.from_bytes(content[at : at + 4], "big")
        name = content[at + 4 : at + 8]
        if name in kept:
            yield name, content[at:end]
        if name == b"IEND":
            return
        at = end


def _png_of_pixels(content: bytes) -> bytes | None:
    kept = [_PNG]
    for name, chunk in png_chunks(content, _PNG_PIXELS | _PNG_BESIDE):
        if name in _PNG_PIXELS or _is_sound(name, chunk):
            kept.append(chunk)
    made = b"".join(kept)
    return made if len(made) < len(content) else None


def _is_sound(name: bytes, chunk: bytes) -> bool:
    if zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:], "big"):
        return False
    if name != b"iCCP":
        return True
    unpacking = zlib.decompressobj()
    unpacking.decompress(chunk[8:-4].partition(b"\0")[2][1:], _MOST_PROFILE)
    return unpacking.eof


def _with_end(content: bytes, most: int) -> bytes | None:
    """A JPEG with the end mark that it lacks. None where it has one, or where pixels are missing, too: these would then be
    made of whatever follows, so that the picture depends on it."""
    bare = content.rstrip(b"\0")
    bare = bare[:-1] if re.search(rb"(?<!\xff)\xff$", bare) else bare
    if bare.endswith(_JPEG_END):
        return None
    pictures = []
    for filling in _FILLINGS:
        with Image.open(io.BytesIO(bare + filling + _JPEG_END), formats=("JPEG",)) as image:
            if math.prod(image.size) > most:
                return None
            pictures.append(image.tobytes())
    return bare + _JPEG_END if pictures[0] == pictures[1] else None
