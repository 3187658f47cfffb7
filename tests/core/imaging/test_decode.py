from __future__ import annotations

import hashlib
import io
import struct
import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.config.framing import Framing
from core.imaging import decode
from core.system.errors import PictureError
from tests.pictures import encoded, shaded


@pytest.fixture
def photo() -> Image.Image:
    return shaded((120, 90, 60), 1, (90, 60))


def mean(image: Image.Image) -> float:
    return float(np.asarray(image.convert("RGB"), dtype=float).mean())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_opens_the_common_formats(photo: Image.Image, kind: str) -> None:
    opened = decode.open_picture(encoded(photo, kind))
    assert (opened.mode, opened.size) == ("RGB", photo.size)
    assert mean(opened) == pytest.approx(mean(photo), abs=3)


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK"])
def test_other_modes_become_rgb(photo: Image.Image, mode: str) -> None:
    converted = photo.convert(mode)
    opened = decode.open_picture(encoded(converted, "JPEG" if mode == "CMYK" else "PNG"))
    assert opened.mode == "RGB"
    assert mean(opened) == pytest.approx(mean(converted), abs=4)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_transparency_is_laid_on_white(mode: str) -> None:
    black = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    content = encoded(black.convert(mode) if mode != "PA" else black.quantize(), "PNG")
    assert mean(decode.open_picture(content)) == 255


def test_16_bit_grey_is_scaled_not_clipped() -> None:
    values = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    opened = decode.open_picture(encoded(Image.fromarray(values)))
    assert mean(opened) == pytest.approx(values.mean() / 257, abs=2)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_exif_orientation_gives_upright_pixels(orientation: int) -> None:
    upright = Image.new("RGB", (40, 20), "white")
    upright.paste("red", (0, 0, 10, 10))  # top left, in the upright picture
    turned_back = {2: [0], 3: [3], 4: [1], 5: [5], 6: [2], 7: [6], 8: [4]}[orientation]
    stored = upright
    for step in turned_back:
        stored = stored.transpose(Image.Transpose(step))
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(stored, "PNG", exif=exif)
    opened = decode.open_picture(content)
    assert opened.size == upright.size
    assert opened.getpixel((5, 5)) == (255, 0, 0)
    facts = decode.inspect(content)
    assert (facts.width, facts.height) == upright.size


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a picture"),
        (b"<html><body>not found</body></html>", "not a picture"),
        (b"%PDF-1.4 ...", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "not a picture"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "not a picture"),
    ],
    ids=["empty", "html", "pdf", "eps", "svg"],
)
def test_what_is_not_an_allowed_picture_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(PictureError, match=reason):
        decode.open_picture(content)
    with pytest.raises(PictureError, match=reason):
        decode.inspect(content)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
def test_a_file_cut_in_half_is_refused(kind: str) -> None:
    content = encoded(shaded((200, 30, 90), 3, (300, 300)), kind)
    with pytest.raises(PictureError, match=r"incomplete|not a picture"):
        decode.open_picture(content[: len(content) // 2])


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(60_000, 60_000), (9_400, 9_400)])
def test_too_many_pixels_are_refused_before_decoding(size: tuple[int, int]) -> None:
    tracemalloc.start()
    with pytest.raises(PictureError, match="too large"):
        decode.open_picture(png_header(*size))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6


def test_a_legal_picture_of_too_many_pixels_costs_no_memory(tmp_path: Path) -> None:
    Image.new("L", (9400, 9400)).save(tmp_path / "large.png")  # 88 megapixels in a few kilobytes
    code = (
        "import resource, sys; from core.imaging import decode; from core.system.errors import PictureError\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: decode.inspect(open(sys.argv[1], 'rb').read())\n"
        "except PictureError as error: print(error.message)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    out = subprocess.check_output([sys.executable, "-c", code, str(tmp_path / "large.png")], text=True).splitlines()
    assert "too large" in out[0]
    assert int(out[1]) < 50_000  # kilobytes


def odd_exif(orientation: bytes) -> bytes:
    """A picture whose EXIF data has one entry: orientation, in a shape that the standard does not know."""
    header = b"Exif\0\0MM\0*\0\0\0\x08\0\x01" + b"\x01\x12" + orientation + b"\0\0\0\0"
    return encoded(shaded((90, 60, 30), 2, (30, 20)), "JPEG", exif=header)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "orientation",
    [
        b"\0\x03\0\0\0\x01\0\x09\0\0",
        b"\0\x02\0\0\0\x02a\0\0\0",
        b"\0\x03\0\0\0\x02\0\x06\0\x06",
        b"\0\x0c\0\0\x10\0\0\0",
    ],
)
def test_odd_exif_data_is_as_good_as_none(orientation: bytes) -> None:
    facts = decode.inspect(odd_exif(orientation))
    assert sorted((facts.width, facts.height)) == [20, 30]


def test_a_large_jpeg_is_decoded_at_a_reduced_size() -> None:
    content = encoded(Image.new("RGB", (8000, 6000), "green"), "JPEG", quality=30)  # 48 megapixels
    assert decode.read_square(content, 224, Framing()).shape == (224, 224, 3)
    with pytest.raises(PictureError, match="too large"):
        decode.open_picture(content)


def test_centre_square() -> None:
    image = Image.new("RGB", (300, 100), "black")
    image.paste("white", (100, 0, 200, 100))
    assert (
        decode.square(image, 50, Framing())[:, 1:-1].min() == 255
    )  # the outermost pixels blend with what lies outside


@pytest.mark.parametrize("size", [(1, 1), (1, 2000), (2000, 1)])
def test_extreme_shapes_can_be_used(size: tuple[int, int]) -> None:
    assert decode.read_square(encoded(Image.new("RGB", size, "red")), 32, Framing()).shape == (32, 32, 3)


def test_a_thumbnail_carries_no_place() -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    content = encoded(Image.new("RGB", (64, 64), "red"), "JPEG", exif=exif)
    assert 0x8825 in Image.open(io.BytesIO(content)).getexif()
    assert not Image.open(io.BytesIO(decode.thumbnail(content, Framing()))).getexif()


def test_inspect_tells_what_is_there(photo: Image.Image) -> None:
    content = encoded(photo)
    facts = decode.inspect(content)
    assert facts.sha256 == hashlib.sha256(content).hexdigest()
    assert (facts.width, facts.height, facts.note) == (90, 60, "")
    assert len(facts.signature) == 8 * 8 * 3
    frames = [Image.new("RGB", (20, 20), c) for c in ("red", "blue")]
    moving = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert "first frame" in decode.inspect(moving).note
    assert decode.open_picture(moving).getpixel((3, 3)) == (255, 0, 0)


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="gone"):
        decode.open_picture(tmp_path / "nothing.jpg")
