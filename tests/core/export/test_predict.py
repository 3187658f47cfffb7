"""The programs in an exported zip, which have no part of Fieldguide in them: what they read and what they keep."""

from __future__ import annotations

import importlib.util
import io
import json
import re
import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

from core.config.framing import BORDER, FITS, Framing
from core.export import bundle
from core.imaging import decode
from core.training.features import read_named
from tests.core.imaging.test_greys import tiff
from tests.core.imaging.test_profiles import ADOBE_RGB, DISPLAY_P3, SRGB, profile
from tests.pictures import COLOURS, encoded, shaded


def imported(program: Path, folder: Path) -> ModuleType:
    """A copy of the program in `folder`, as a module."""
    spec = importlib.util.spec_from_file_location(f"copy_of_{program.stem}", shutil.copy(program, folder))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def predict(tmp_path: Path) -> ModuleType:
    spec = {"input": {"pixels": 32, "framing": Framing().model_dump()}}
    (tmp_path / "fieldguide.json").write_text(json.dumps(spec))
    return imported(bundle._PROGRAMS.with_name("predict.py"), tmp_path)


def test_the_program_opens_what_the_app_opens_and_nothing_else(predict: ModuleType, tmp_path: Path) -> None:
    assert predict.FORMATS == decode.FORMATS
    picture = shaded(COLOURS["red"], 1)
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"):
        (tmp_path / "a.png").write_bytes(encoded(picture, kind))
        assert predict.read(str(tmp_path / "a.png")).shape == (32, 32, 3)
    for kind in ("JPEG2000", "EPS", "ICO"):
        (tmp_path / "a.png").write_bytes(encoded(picture, kind))
        with pytest.raises(UnidentifiedImageError):
            predict.read(str(tmp_path / "a.png"))


def test_the_program_sees_odd_files_as_the_app_does(predict: ModuleType, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture, grey = shaded((150, 120, 90), 3), np.arange(72 * 64, dtype=np.uint16).reshape(64, 72) * 14
    for content in (
        *(encoded(picture, kind, icc_profile=profile(DISPLAY_P3)) for kind in ("JPEG", "PNG", "TIFF", "AVIF")),
        encoded(picture, "PNG", icc_profile=profile(SRGB)),
        encoded(picture.convert("RGBA"), "PNG", icc_profile=profile(ADOBE_RGB)),
        *(encoded(picture, kind, exif=exif) for kind in ("TIFF", "AVIF", "PNG")),
        encoded(Image.fromarray(grey), "PNG", transparency=14),
        *(encoded(Image.fromarray(grey), kind, icc_profile=profile(None, 1.0)) for kind in ("PNG", "TIFF")),
        *(encoded(Image.fromarray(grey / np.float32(most)), "TIFF") for most in (1, 255, 65535)),
        *(tiff(grey.astype(kind) * factor) for kind in (np.int32, np.uint32) for factor in (1, 10, 66_000)),
        *(tiff((grey % most).astype(np.int32)) for most in (2, 256)),
        tiff(grey.astype(np.int32) - 20_000),
    ):
        (tmp_path / "odd").write_bytes(content)
        off = predict.read(str(tmp_path / "odd")).astype(int) - decode.read_square(content, 32, Framing())
        assert np.abs(off).max() <= 1


def test_the_program_passes_over_what_is_hidden(
    predict: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("b/a.png", "c.png", ".fieldguide/runs/a.png", "b/.cache/a.png", ".a.png"):
        (tmp_path / ".home" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / ".home" / name).touch()
    monkeypatch.chdir(tmp_path / ".home")
    assert list(predict.names(["."])) == ["b/a.png", "c.png"]
    whole = str(tmp_path / ".home")
    assert list(predict.names([whole, ".a.png"])) == [f"{whole}/b/a.png", f"{whole}/c.png", ".a.png"]


def test_the_programs_for_phones_lay_transparent_pictures_on_white_as_training_does() -> None:
    """They are not compiled here: the arithmetic of one, and the order of the other."""
    kotlin, swift = ((bundle._PROGRAMS / f"Classifier.{end}").read_text(encoding="utf-8") for end in ("kt", "swift"))
    assert re.search(
        r"getPixels\(row, .*\n +for \(x in row\.indices\) row\[x\] = onWhite\(row\[x\]\)\n.* mix\(", kotlin
    )
    formula = re.search(r"fun laid\(shift: Int\) = (.+)", kotlin)
    assert formula
    laid = formula[1].replace("shr", ">>").replace("and", "&").replace("/", "//")
    alpha, grey = np.mgrid[:256, :256]
    ours = eval(laid, {}, {"colour": alpha << 24 | grey << 16 | 0x7F7F, "shift": 16, "alpha": alpha})
    picture = Image.fromarray(np.stack([grey, grey, grey, alpha], axis=-1).astype(np.uint8))
    assert np.array_equal(ours, np.asarray(decode.open_picture(encoded(picture)))[..., 0])
    white, filled, drawn = (
        swift.index(f"context.{step}")
        for step in ("setFillColor(red: 1, green: 1, blue: 1, alpha: 1)", "fill(target)", "draw(seen, in: target)")
    )
    assert white < filled < drawn


@pytest.mark.parametrize(
    ("listed", "meant"),
    [
        (b"a b.png\nc.png", ["a b.png", "c.png"]),
        (b"a b.png\r\n\r\nc.png\r\n", ["a b.png", "c.png"]),
        (b"a\r\r\nb\rc\r\n", ["a\r", "b\rc"]),
        (b"a\r\0b\nc\0", ["a\r", "b\nc"]),  # by NUL they are what they are
    ],
)
def test_names_are_listed_by_line_of_any_system_or_by_nul(
    predict: ModuleType, monkeypatch: pytest.MonkeyPatch, listed: bytes, meant: list[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(listed)))
    assert list(predict.names(["-"])) == meant


REGION = (0.1, 0.0, 0.85, 0.6)
FRAMINGS = [Framing.model_validate({"fit": fit, "region": region}) for fit in FITS for region in ((0, 0, 1, 1), REGION)]


@pytest.mark.parametrize("framing", FRAMINGS, ids=lambda framing: framing.mark or "usual")
def test_the_program_sees_what_training_saw(
    predict: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, framing: Framing
) -> None:
    monkeypatch.setattr(predict, "FRAMING", framing.model_dump(mode="json"))
    assert predict.BORDER == BORDER
    rng, exif = np.random.default_rng(0), Image.Exif()
    exif[0x0112] = 6
    for size, kind, options in (
        ((640, 120), "PNG", {}),
        ((77, 301), "PNG", {}),
        ((3, 1), "PNG", {}),
        ((1500, 700), "JPEG", {"exif": exif}),  # decoded at a reduced size, then turned
    ):
        image = Image.fromarray(rng.integers(0, 256, (*size[::-1], 3), np.uint8))
        file = tmp_path / "a picture"
        file.write_bytes(encoded(image, kind, **options))
        assert np.array_equal(predict.read(str(file)), read_named(file, 32, framing))
