"""Files whose pixels are all there are read, whatever else is wrong with them; those that lack some are refused."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from core.config.framing import Framing
from core.datasets.importing.stored import storable
from core.imaging.decode import inspect, open_picture, read_square
from core.system.errors import PictureError
from tests.pictures import encoded, noise, shaded

PICTURE = shaded((150, 120, 90), 3, (80, 64))


def chunk(name: bytes, body: bytes, *, sound: bool = True) -> bytes:
    checksum = zlib.crc32(name + body) ^ (not sound)
    return len(body).to_bytes(4, "big") + name + body + checksum.to_bytes(4, "big")


def with_chunk(more: bytes, at: int = 33) -> bytes:
    """The picture as PNG with something more behind its header."""
    content = encoded(PICTURE)
    return content[:at] + more + content[at:]


ODD = {
    "long text": chunk(b"zTXt", b"words\0\0" + zlib.compress(b"x" * 3_000_000)),
    "text in many pieces": b"".join(chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(b"y" * 900_000)) for _ in range(90)),
    "large profile": chunk(b"iCCP", b"icc\0\0" + zlib.compress(bytes(3_000_000))),
    "damaged comment": chunk(b"tEXt", b"Comment\0hello", sound=False),
    "damaged time": chunk(b"tIME", b"\x07\xe8\1\1\1\1\1", sound=False),
    "damaged EXIF": chunk(b"eXIf", b"MM\0*\0\0\0\x08", sound=False),
}


@pytest.mark.parametrize("more", ODD.values(), ids=ODD)
def test_what_is_beside_the_pixels_of_a_png_refuses_no_picture(more: bytes, tmp_path: Path) -> None:
    content = with_chunk(more)
    assert open_picture(content).tobytes() == PICTURE.tobytes()
    (tmp_path / "a.png").write_bytes(content)
    assert (read_square(tmp_path / "a.png", 64, Framing()) == read_square(encoded(PICTURE), 64, Framing())).all()
    kept, suffix = storable(content)
    assert suffix == ".png"
    assert open_picture(kept).tobytes() == PICTURE.tobytes()
    assert len(kept) < 2 * len(encoded(PICTURE))


def test_it_still_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    words = PngImagePlugin.PngInfo()
    content = encoded(PICTURE, "PNG", exif=exif, pnginfo=words)
    content = content[:33] + ODD["damaged comment"] + content[33:]
    assert open_picture(content).size == (64, 80)
    assert open_picture(storable(content)[0]).size == (64, 80)


def test_damaged_pixels_of_a_png_are_damage() -> None:
    content = bytearray(encoded(noise(1)))
    content[len(content) // 2] ^= 1
    with pytest.raises(PictureError):
        open_picture(bytes(content))
    with pytest.raises(PictureError):
        open_picture(encoded(noise(1))[:-100])


@settings(max_examples=60, deadline=None)
@given(
    cut=st.integers(0, 3000),
    tail=st.sampled_from([b"", b"\xff", b"\0" * 7]),
    options=st.sampled_from([{}, {"progressive": True}, {"subsampling": 0}, {"restart_marker_rows": 1}]),
)
def test_a_jpeg_is_whole_or_it_is_refused(cut: int, tail: bytes, options: dict[str, object]) -> None:
    """All pixels are there, and only the end mark is not: cameras write such files. A row less, and it is damaged."""
    whole = encoded(noise(2, (96, 64)), "JPEG", quality=80, **options)
    content = whole[: max(len(whole) - cut, 300)] + tail
    if cut <= 2:
        assert open_picture(content).tobytes() == open_picture(whole).tobytes()
        kept, suffix = storable(content)
        assert suffix == ".jpg"
        assert open_picture(kept).tobytes() == open_picture(whole).tobytes()
    else:
        with pytest.raises(PictureError):
            open_picture(content)


def as_16_bits(values: np.ndarray, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(values.astype(np.uint16)).save(out, "PNG", **options)
    return out.getvalue()


def test_transparent_grey_of_16_bits_lies_on_white() -> None:
    values = np.full((40, 40), 30_000)
    values[:, 20:] = 7
    seen = np.asarray(open_picture(as_16_bits(values, transparency=7)))
    assert (seen[:, 20:] == 255).all()
    assert (seen[:, :20] == 30_000 // 257).all()
    assert (np.asarray(open_picture(as_16_bits(values)))[:, 20:] == 0).all()


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_tiff_stands_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    facts = inspect(encoded(PICTURE, "TIFF", exif=exif))
    same = inspect(encoded(PICTURE, "PNG", exif=exif))
    assert (facts.kind, facts.width, facts.height, facts.signature) == ("TIFF", same.width, same.height, same.signature)
    kept, suffix = storable(encoded(PICTURE, "TIFF", exif=exif))
    assert (suffix, inspect(kept).signature) == (".png", same.signature)


def test_pages_and_real_numbers_of_a_tiff() -> None:
    out = io.BytesIO()
    PICTURE.save(out, "TIFF", save_all=True, append_images=[noise(1), noise(2)])
    facts = inspect(out.getvalue())
    assert (facts.note, facts.signature) == (
        "several pages: only the first one is used",
        inspect(encoded(PICTURE)).signature,
    )
    assert inspect(encoded(PICTURE, "TIFF")).note == ""
    shares = np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16)
    for values in (shares, 255 * shares, 4000 * shares):
        seen = np.asarray(open_picture(encoded(Image.fromarray(values), "TIFF")))[..., 0]
        assert np.abs(seen.astype(int) - np.arange(256).reshape(16, 16)).max() <= 1


def test_an_avif_is_opened_and_stored_as_a_jpeg() -> None:
    content = encoded(PICTURE, "AVIF", quality=95)
    assert inspect(content).kind == "AVIF"
    kept, suffix = storable(content)
    assert suffix == ".jpg"
    assert np.abs(np.asarray(open_picture(kept), int) - np.asarray(PICTURE)).mean() < 4
    with pytest.raises(PictureError):
        open_picture(content[: len(content) // 2])
