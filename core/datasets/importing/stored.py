"""What is kept of a picture that is added: the same pixels, without what the file tells of where and by whom it was taken.

JPEG, PNG and WebP keep their compressed pixels; of the rest of the file only what says how to show them is kept (no EXIF
with GPS, XMP, IPTC, comments, thumbnails, pictures hidden behind the first), and which way is up. Layouts: ITU-T T.81
annex B, the PNG specification, third edition, section 5, and RFC 9649. Other formats, and files of these that are only
just readable, are decoded and stored as PNG or JPEG.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator

from PIL import Image

from core.imaging.decode import MAX_PIXELS, kind_and_orientation, open_picture
from core.imaging.mending import mended, png_chunks
from core.system.errors import PictureError

_QUALITY = 95
_JPEG_SCAN_END = re.compile(
    rb"\xff[^\x00\xd0-\xd7]"
)  # FF 00 is a byte of the pixels, FF D0 to D7 a restart of the decoder
_JPEG_KEPT = (0xC0, 0xC1, 0xC2, 0xC4, 0xC9, 0xCA, 0xCC, 0xDA, 0xDB, 0xDD)  # frames, tables, scans, restarts
_PNG_KEPT = set(b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP bKGD pHYs acTL fcTL fdAT".split())
_WEBP_KEPT = (b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ICCP", b"ANIM", b"ANMF")


def storable(content: bytes) -> tuple[bytes, str]:
    """(bytes, file ending) to store for a picture file; nothing is decoded but what has to be converted.

    The same content always gives the same bytes, so that a picture added twice is noticed. Raises PictureError.
    """
    try:
        kind, up = kind_and_orientation(content)
    except PictureError:
        if (better := mended(content, MAX_PIXELS)) is None:
            raise
        return storable(better)
    try:
        if kind in ("JPEG", "MPO"):
            return _jpeg(content, up), ".jpg"
        if kind == "PNG":
            return _png(content, up), ".png"
        if kind == "WEBP":
            return _webp(content, up), ".webp"
    except (IndexError, ValueError):
        pass  # not laid out as it should be; what the decoder makes of it is stored
    if (better := mended(content, MAX_PIXELS)) is not None:
        return storable(better)
    image, out = open_picture(content), io.BytesIO()
    if kind in ("HEIF", "AVIF"):
        image.save(out, "JPEG", quality=_QUALITY, subsampling=0)
        return out.getvalue(), ".jpg"
    image.save(out, "PNG")
    return out.getvalue(), ".png"


def _exif(up: int) -> bytes:
    """EXIF data that says nothing but which way is up; empty if the picture is upright as it is."""
    if up == 1:
        return b""
    exif = Image.Exif()
    exif[0x0112] = up
    return exif.tobytes()


def _jpeg(content: bytes, up: int) -> bytes:
    kept = [b"\xff\xd8"]
    exif = _exif(up)
    if exif:
        kept.append(b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif)
    at = 2
    while True:
        while content[at + 1] == 0xFF:  # fill bytes
            at += 1
        marker = content[at + 1]
        if content[at] != 0xFF or marker == 0:
            raise ValueError(at)
        if marker == 0xD9:
            return b"".join([*kept, b"\xff\xd9"])  # what follows the end is another picture, or a film
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        if end > len(content):
            raise ValueError(end)
        kept.append(_needed(marker, content[at:end]))
        if marker == 0xDA:
            found = _JPEG_SCAN_END.search(content, end)
            if found is None:
                raise ValueError(end)
            kept.append(content[end : found.start()])
            end = found.start()
        at = end


def _needed(marker: int, segment: bytes) -> bytes:
    """A segment, or what there is in it that says how to read the pixels: JFIF without its thumbnail, Adobe's transform,
    a colour profile."""
    body = segment[4:]
    if marker == 0xE0 and body.startswith(b"JFIF\0") and len(body) >= 14:
        return b"\xff\xe0\0\x10" + body[:12] + b"\0\0"
    if marker == 0xEE and body.startswith(b"Adobe") and len(body) >= 12:
        return b"\xff\xee\0\x0e" + body[:12]
    return segment if marker in _JPEG_KEPT or (marker == 0xE2 and body.startswith(b"ICC_PROFILE\0")) else b""


def _png(content: bytes, up: int) -> bytes:
    kept = [content[:8]]
    for name, chunk in png_chunks(content, _PNG_KEPT):
        kept.append(chunk)
        exif = _exif(up)[6:] if name == b"IHDR" else b""
        if exif:
            body = b"eXIf" + exif
            kept.append(len(exif).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big"))
    return b"".join(kept)


def _webp(content: bytes, up: int) -> bytes:
    chunks = [(name, body) for name, body in _riff(content) if name in _WEBP_KEPT]
    exif = _exif(up)[6:]
    extended = chunks[0][0] == b"VP8X"
    if extended:
        flags = chunks[0][1][0] & ~0x0C | (0x08 if exif else 0)
        chunks[0] = (b"VP8X", bytes([flags]) + chunks[0][1][1:])
    if exif and extended:
        chunks.append((b"EXIF", exif))
    body = b"".join(name + len(data).to_bytes(4, "little") + data + b"\0" * (len(data) % 2) for name, data in chunks)
    return b"RIFF" + (len(body) + 4).to_bytes(4, "little") + b"WEBP" + body


def _riff(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at, end = 12, 8 + int.from_bytes(content[4:8], "little")
    if end != len(content):
        raise ValueError(end)
    while at < end:
        length = int.from_bytes(content[at + 4 : at + 8], "little")
        yield content[at : at + 4], content[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
