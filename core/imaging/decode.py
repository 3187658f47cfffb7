"""The only decode path: every picture that is trained on, tested, shown or exported for calibration comes through here."""

from __future__ import annotations

import errno
import hashlib
import io
import math
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pillow_heif
from PIL import Image, UnidentifiedImageError

from core.config.framing import BORDER, Framing
from core.imaging.greys import to_8_bits
from core.imaging.mending import mended
from core.imaging.profiles import to_srgb
from core.system import storage
from core.system.errors import PictureError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF")
"""Pillow's names of the formats that are opened; every other content is refused, whatever the file is called."""

SUFFIXES = (
    ".jpg",
    ".jpeg",
    ".jpe",
    ".jfif",
    ".png",
    ".webp",
    ".gif",
    ".bmp",
    ".tif",
    ".tiff",
    ".avif",
    ".heic",
    ".heif",
)
"""File endings that are looked at when a folder is read."""

_BEGINNINGS = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n|GIF8[79]a|RIFF.{4}WEBP|II\*\0|MM\0\*|.{4}ftyp(?:avif|avis|heic|heix|mif1|msf1)",
    re.DOTALL,
)
BEGINNING = 16
"""So many bytes of a file tell its format."""

MAX_PIXELS = 40_000_000
"""More pixels than this are never decoded. A JPEG may be larger, unless progressive: it is decoded at a reduced size."""

MAX_FILE = 200_000_000
"""Bytes; larger files are not read."""

FILE_TOO_LARGE = f"larger than {MAX_FILE // 10**6} MB"
NO_PICTURE = "not a picture (JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC)"
TOO_LARGE = "too large: more than 40 million pixels"
_DAMAGED = "incomplete or damaged file"
THUMBNAIL_PIXELS = 256
MAX_THUMBNAIL = 1_000_000
"""Bytes; one of noise has a tenth."""
_SEVERAL = {
    **dict.fromkeys(("GIF", "PNG", "WEBP", "AVIF"), "moving picture: only its first frame is used"),
    "TIFF": "several pages: only the first one is used",
}
"""Format -> what is said of a file that holds more than one picture."""
_INSPECT_PIXELS = 128

_MAX_SCANS = 100  # programs that save pictures make about ten
_LARGE = 16_000_000  # pixels; such a picture takes up to 0.4 GB while it is decoded
_NOT_TO_MEND = (PictureError, Image.DecompressionBombError, PermissionError, FileNotFoundError, MemoryError)
_one_large = threading.Lock()
# Pieces of more than 32 MB are given back to the system at once; smaller ones stay with the thread that decoded them.
Image.core.set_block_size(64 << 20)  # type: ignore[attr-defined]

pillow_heif.register_heif_opener()

# Pillow warns above 89 megapixels; our own cap is lower and raises before anything is decoded.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


SIGNATURE = 8 * 8 * 3
"""Bytes of a signature."""


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What one look at a picture file tells.

    `sha256` is the hex digest of the file's bytes; width and height are in pixels, upright; `signature` is 8 x 8 x 3
    bytes of RGB, row by row, for finding near-duplicates; `brightness` is the mean, 0..255; `sharpness` is 0 or more (see
    `sharpness_of`); `kind` is Pillow's name of the format; `note` is a remark for the reader, or "".
    """

    sha256: str
    width: int
    height: int
    signature: bytes
    brightness: float
    sharpness: float
    kind: str
    note: str


# EXIF orientation -> what makes the picture upright; 1 and anything odd leave it as it is.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = (5, 6, 7, 8)


@dataclass(frozen=True)
class _Decoded:
    """An upright RGB picture, and what its file says: size in pixels, upright, number of frames, and format."""

    image: Image.Image
    size: tuple[int, int]
    frames: int
    kind: str


def _decode(source: Path | bytes, at_least: int | None) -> _Decoded:
    with _clear_words():
        try:
            return _as_it_is(source, at_least)
        except _NOT_TO_MEND:
            raise
        except Exception:
            with _source(source) as file:
                better = mended(file.read(), MAX_PIXELS)
            if better is None:
                raise
            return _as_it_is(better, at_least)


def _as_it_is(source: Path | bytes, at_least: int | None) -> _Decoded:
    with _source(source) as file, Image.open(file, formats=FORMATS) as opened:
        size = opened.size
        if at_least:
            needed = _enough(size, at_least)
            opened.draft(None, (needed, needed))
        # A progressive JPEG is held whole while it is decoded, however small the result, and gone through for each scan.
        progressive = opened.info.get("progressive")
        if math.prod(size if progressive else opened.size) > MAX_PIXELS:
            raise Image.DecompressionBombError
        if progressive and _scans(opened) > _MAX_SCANS:
            raise PictureError("a JPEG of too many layers: save it again")
        with _room_for(opened):
            kind = opened.format or "JPEG"
            if kind == "TIFF":
                up, frames = 1, _pages(opened)
                opened.load()  # turns it, too
                turned: Image.Image = opened
                size = opened.size
            else:
                opened.load()
                up = _orientation(opened)  # a PNG may say so behind its pixels
                turned = opened.transpose(_TURNS[up]) if up in _TURNS else opened
                frames = getattr(opened, "n_frames", 1) if kind in _SEVERAL else 1
            return _Decoded(_to_rgb(turned), size[::-1] if up in _SIDEWAYS else size, frames, kind)


def _pages(image: Image.Image) -> int:
    """1, or 2 for any more: to count them all, each would be read."""
    try:
        image.seek(1)
    except EOFError:
        return 1
    image.seek(0)
    return 2


def _enough(size: tuple[int, int], at_least: int) -> int:
    """Pixels of each side that a JPEG is not to be reduced under: twice what is needed, but no more than may be decoded."""
    fewer = 1
    while math.prod(size) > MAX_PIXELS * fewer**2:
        fewer *= 2
    return min(2 * at_least, min(size) // fewer) or 1


def _source(source: Path | bytes) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else storage.open_plain(source, MAX_FILE, links=True)


@contextmanager
def _clear_words() -> Iterator[None]:
    try:
        yield
    except PictureError:
        raise
    except UnidentifiedImageError:
        raise PictureError(NO_PICTURE) from None
    except Image.DecompressionBombError:  # ours, or Pillow's own at four times as many
        raise PictureError(TOO_LARGE) from None
    except PermissionError:
        raise PictureError("not allowed to read this file") from None
    except FileNotFoundError:
        raise PictureError("the file is gone") from None
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise PictureError(FILE_TOO_LARGE) from None
        raise PictureError(NO_PICTURE if error.errno == errno.EINVAL else _DAMAGED) from error
    except Exception as error:  # which one damaged content raises depends on Pillow's decoder
        raise PictureError(_DAMAGED) from error


def _scans(image: Image.Image) -> int:
    """How many scans the JPEG file has, those of its thumbnails among them."""
    file = image.fp  # type: ignore[attr-defined]
    file.seek(0)
    return file.read().count(b"\xff\xda")


def _room_for(image: Image.Image) -> AbstractContextManager[Any]:
    """Large pictures wait for each other: a class that adds forty of them at once shall not need forty times the memory."""
    return _one_large if math.prod(image.size) > _LARGE else nullcontext()


def _orientation(image: Image.Image) -> int:
    """EXIF's orientation, 1 to 8. A picture with damaged EXIF data is as good as one without."""
    try:
        found = image.getexif().get(0x0112, 1)
    except Exception:  # noqa: BLE001 - as above
        return 1
    return found if isinstance(found, int) else 1


def kind_and_orientation(content: bytes) -> tuple[str, int]:
    """Pillow's name of a file's format, and EXIF's orientation, 1 (upright) to 8. Only a PNG is decoded for it, because
    it may say so at its end. Raises PictureError."""
    with _clear_words(), Image.open(io.BytesIO(content), formats=FORMATS) as image:
        if image.format == "PNG":
            if math.prod(image.size) > MAX_PIXELS:
                raise Image.DecompressionBombError
            with _room_for(image):
                image.load()
        up = _orientation(image)
        return image.format or "", up if up in _TURNS else 1


def begins_like_picture(beginning: bytes) -> bool:
    """Whether a file is a picture, by its first bytes: for those whose name does not say it. Not BMP, whose two letters many
    texts begin with."""
    return _BEGINNINGS.match(beginning) is not None


def open_picture(source: Path | bytes, at_least: int | None = None) -> Image.Image:
    """An upright RGB picture, wholly decoded; transparency is laid on white, grey of more bits is scaled to 8.

    `at_least`: the shorter side that is needed, in pixels. A larger JPEG is then decoded at a reduced size not under
    twice that, which is faster and needs less memory.
    Raises PictureError with a short reason: not a picture, incomplete, too large, not readable.
    """
    return _decode(source, at_least).image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":  # convert("RGB") would clip everything above 255 to white
        image = to_8_bits(image)
    if image.has_transparency_data:
        layered = image if image.mode == "RGBA" else image.convert("RGBA")
        image = Image.new("RGB", layered.size, "white")
        image.paste(layered, mask=layered)
        image.info = layered.info
    image = to_srgb(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def square(image: Image.Image, pixels: int, framing: Framing) -> np.ndarray:
    """What a model sees of an upright RGB picture: uint8 (pixels, pixels, 3)."""
    placed = framing.place(*image.size, pixels)
    scaled = image.resize(placed.size, Image.Resampling.BILINEAR, box=placed.box)
    if placed.size != (pixels, pixels):
        framed = Image.new("RGB", (pixels, pixels), BORDER)
        framed.paste(scaled, placed.offset)
        scaled = framed
    return np.asarray(scaled)


def read_square(source: Path | bytes, pixels: int, framing: Framing) -> np.ndarray:
    """Decodes and frames: uint8 (pixels, pixels, 3). What a model sees. Raises PictureError."""
    return square(open_picture(source, at_least=framing.at_least(pixels)), pixels, framing)


def thumbnail(source: Path | bytes, framing: Framing, pixels: int = THUMBNAIL_PIXELS) -> bytes:
    """JPEG bytes of what a model sees, `pixels` wide; carries no EXIF data. Raises PictureError."""
    out = io.BytesIO()
    Image.fromarray(read_square(source, pixels, framing)).save(out, "JPEG", quality=85)
    return out.getvalue()


def sharpness_of(image: Image.Image) -> float:
    """How much of the picture's contrast lies in its finest detail, at the size that a model sees: 0.2 or more for photos
    in focus, under 0.13 for badly blurred ones. The deviation of the Laplacian (Pech-Pacheco et al. 2000) at 128 pixels,
    divided by that of the picture, so that pale pictures are not taken for blurred ones. 1 for a picture without contrast
    and for one of under 128 pixels.
    """
    if min(image.size) < _INSPECT_PIXELS:
        return 1.0
    tones = np.asarray(image.convert("L").resize((_INSPECT_PIXELS, _INSPECT_PIXELS), Image.Resampling.BOX), np.int16)
    contrast = float(tones.std())
    inside = tones[1:-1, 1:-1]
    around = tones[:-2, 1:-1] + tones[2:, 1:-1] + tones[1:-1, :-2] + tones[1:-1, 2:]
    return float((around - 4 * inside).clip(-128, 127).std()) / contrast if contrast > 2 else 1.0


def inspect(content: bytes) -> PictureFacts:
    """Decodes a file's whole content and tells what is worth knowing of it. Raises PictureError."""
    decoded = _decode(content, _INSPECT_PIXELS)
    small = decoded.image.resize((8, 8), Image.Resampling.BOX)
    return PictureFacts(
        sha256=hashlib.sha256(content).hexdigest(),
        width=decoded.size[0],
        height=decoded.size[1],
        signature=small.tobytes(),
        brightness=float(np.asarray(small).mean()),
        sharpness=sharpness_of(decoded.image),
        kind=decoded.kind,
        note=_SEVERAL[decoded.kind] if decoded.frames > 1 else "",
    )
