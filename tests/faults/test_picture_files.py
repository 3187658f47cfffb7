"""Rows 1 to 15 of the fault list: what becomes of odd, broken and hostile picture files, brought in or found in a folder."""

from __future__ import annotations

import io
import itertools
import random
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image, PngImagePlugin

from core import Picture, Project
from core.config.framing import Framing
from core.config.split import SplitConfig
from core.datasets import importing
from core.datasets.importing.stored import storable
from core.datasets.splits import make_split
from core.datasets.validation import find_problems
from core.imaging import decode
from core.quality import findings
from core.system.errors import PictureError
from tests.pictures import COLOURS, encoded, flat_project, noise, shaded
from tests.serving import ROOT

SECRET = b"PRIVATE-7x7"
LINUX = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "p").mkdir()
    return Project.open(tmp_path / "p")


def brought_in(project: Project, name: str, content: bytes) -> importing.Row:
    """The report on one file that is added to the class `new`."""
    return importing.take(project, importing.from_pictures([(name, content)]).into("new")).rows[0]


def in_place(project: Project, name: str, content: bytes) -> Picture | str:
    """What a look at a folder makes of a file that lies in it: a picture, or the reason why not."""
    folder = project.root / "lies there"
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    catalogue = Project.open(project.root).scan()
    found = catalogue.by_path.get(f"lies there/{name}")
    return found or next(r.reason for r in catalogue.rejected if r.path == f"lies there/{name}")


def seen(source: Path | bytes) -> np.ndarray:
    """What a model sees in training and in a test, int (64, 64, 3)."""
    return decode.read_square(source, 64, Framing()).astype(int)


def stored(project: Project, row: importing.Row) -> Path:
    assert row.outcome == "taken", row
    return project.root / row.path


def refused(project: Project, name: str, content: bytes, reason: str) -> None:
    """Rejected both ways, with the reason, and nothing written by the import."""
    row = brought_in(project, name, content)
    assert (row.outcome, row.path) == ("rejected", "")
    assert reason in row.reason
    assert not (project.root / "new").exists()
    found = in_place(project, name, content)
    assert isinstance(found, str)
    assert reason in found


# Files that are no pictures, or not whole.


@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=["baseline", "progressive"])
def test_row_01_a_jpeg_cut_in_half_is_refused(project: Project, options: dict[str, bool]) -> None:
    whole = encoded(shaded((200, 30, 90), 3, (300, 300)), "JPEG", **options)
    with Image.open(io.BytesIO(whole[: len(whole) // 2])) as image:
        image.verify()  # it sees nothing
    refused(project, "cut.jpg", whole[: len(whole) // 2], "incomplete or damaged file")


@pytest.mark.parametrize(
    "content", [b"", b"hello\n", b"<!doctype html><title>404</title>"], ids=["empty", "text", "html"]
)
def test_row_02_what_is_no_picture_is_refused(project: Project, content: bytes) -> None:
    refused(project, "a.jpg", content, "not a picture")


@pytest.mark.parametrize(
    ("kind", "name", "suffix"),
    [("PNG", "a.jpg", ".png"), ("JPEG", "a.png", ".jpg"), ("WEBP", "a.jpeg", ".webp"), ("JPEG", "a.heic", ".jpg")],
)
def test_row_03_the_content_decides_not_the_ending(project: Project, kind: str, name: str, suffix: str) -> None:
    content = encoded(shaded((9, 99, 199), 1), kind)
    file = stored(project, brought_in(project, name, content))
    assert file.suffix == suffix
    np.testing.assert_array_equal(seen(file), seen(content))
    assert isinstance(in_place(project, name, content), Picture)


def with_modes() -> Iterator[tuple[str, Image.Image, str, tuple[int, int, int]]]:
    """(name, picture, format, the colour that is expected)."""
    yield "grey", Image.new("L", (80, 60), 90), "PNG", (90, 90, 90)
    yield "grey jpeg", Image.new("L", (80, 60), 90), "JPEG", (90, 90, 90)
    yield "one bit", Image.new("1", (80, 60), 1), "PNG", (255, 255, 255)
    yield "palette", Image.new("RGB", (80, 60), (10, 120, 240)).quantize(4), "PNG", (10, 120, 240)
    yield "ink", Image.new("RGB", (80, 60), (10, 120, 240)).convert("CMYK"), "JPEG", (10, 120, 240)
    # Half a colour on white paper.
    yield "see-through", Image.new("RGBA", (80, 60), (200, 0, 100, 128)), "PNG", (227, 127, 177)
    yield "see-through webp", Image.new("RGBA", (80, 60), (200, 0, 100, 128)), "WEBP", (227, 127, 177)
    yield "see-through grey", Image.new("LA", (80, 60), (100, 128)), "PNG", (177, 177, 177)
    yield "invisible", Image.new("RGBA", (80, 60), (0, 0, 0, 0)), "PNG", (255, 255, 255)


@pytest.mark.parametrize(("picture", "kind", "colour"), [pytest.param(*m[1:], id=m[0]) for m in with_modes()])
def test_row_04_all_modes_are_rgb_on_white(
    project: Project, picture: Image.Image, kind: str, colour: tuple[int, int, int]
) -> None:
    content = encoded(picture, kind)
    file = stored(project, brought_in(project, "a.png", content))
    assert np.abs(seen(content) - colour).max() <= 4
    np.testing.assert_array_equal(seen(file), seen(content))  # training reads the file, a test the upload
    found = in_place(project, "a.png", content)
    assert isinstance(found, Picture)
    np.testing.assert_array_equal(seen(project.path_of(found.path)), seen(content))


def test_row_04_a_transparent_colour_of_a_palette_is_white(project: Project) -> None:
    drawn = Image.new("RGB", (40, 40), "blue").quantize(4)
    content = encoded(drawn, "PNG", transparency=drawn.getpixel((0, 0)))
    assert seen(stored(project, brought_in(project, "a.png", content))).min() == 255


def test_row_05_16_bit_grey_is_scaled(project: Project) -> None:
    values = np.linspace(0, 65535, 128 * 128).reshape(128, 128).astype(np.uint16)
    content = encoded(Image.fromarray(values))
    assert np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).mean() > 240  # Pillow alone clips it to white
    for source in (content, stored(project, brought_in(project, "a.png", content))):
        assert seen(source).mean() == pytest.approx(values.mean() / 257, abs=2)
    found = in_place(project, "a.png", content)
    assert isinstance(found, Picture)
    assert found.brightness == pytest.approx(values.mean() / 257, abs=2)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_row_06_of_a_film_the_first_frame_is_used_and_said(project: Project, kind: str) -> None:
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue", "green")]
    content = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=50)
    row = brought_in(project, f"a.{kind.lower()}", content)
    assert "first frame" in row.reason
    found = in_place(project, f"a.{kind.lower()}", content)
    assert isinstance(found, Picture)
    for file in (stored(project, row), project.path_of(found.path)):
        assert np.abs(seen(file).mean((0, 1)) - (255, 0, 0)).max() <= 4
    problems = find_problems(project.scan(), Framing())
    assert [p.paths[0] for p in problems if p.kind == "note" and "first frame" in p.sentence]


def test_row_06_a_film_with_something_behind_it_is_still_said_to_be_one(project: Project) -> None:
    frames = [shaded(colour, 1) for colour in COLOURS.values()]
    content = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:]) + b"\0" * 9
    row = brought_in(project, "a.webp", content)
    assert "first frame" in row.reason
    np.testing.assert_array_equal(seen(stored(project, row)), seen(content))


# What a file tells beside its pixels.


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_row_07_pictures_are_upright(project: Project, kind: str, orientation: int) -> None:
    upright = Image.new("RGB", (96, 64), "white")
    upright.paste("red", (0, 0, 32, 32))
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]  # Image.Transpose that undoes it
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {"quality": 95} if kind == "JPEG" else {}
    content = encoded(upright.transpose(Image.Transpose(back)), kind, exif=exif, **options)
    found = in_place(project, f"a.{kind.lower()}", content)
    assert isinstance(found, Picture)
    assert (found.width, found.height) == upright.size
    for file in (project.path_of(found.path), stored(project, brought_in(project, "a.jpg", content))):
        opened = decode.open_picture(file)
        assert opened.size == upright.size
        assert np.abs(np.asarray(opened).astype(int) - np.asarray(upright)).mean() < 4


def telling() -> dict[str, bytes]:
    """Files that tell where they were taken, and more, in every place where their formats allow it."""
    picture = shaded((120, 90, 60), 1, (90, 70))
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = SECRET.decode(), 6
    exif.get_ifd(0x8825)[1], exif.get_ifd(0x8825)[2] = "N", (51.0, 30.0, 0.0)
    exif.get_ifd(0x8825)[0x1D] = SECRET.decode()
    place, xmp = exif.tobytes(), b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + SECRET + b"</x:xmpmeta>"

    def segment(number: int, body: bytes) -> bytes:
        return bytes([0xFF, number]) + (len(body) + 2).to_bytes(2, "big") + body

    jpeg = encoded(picture, "JPEG", exif=place, xmp=xmp, comment=SECRET)
    more = (
        segment(0xED, b"Photoshop 3.0\0" + SECRET)
        + segment(0xEB, b"JP" + SECRET)
        + segment(0xE2, b"MPF\0" + SECRET)
        + segment(0xE0, b"JFXX\0\x10" + SECRET)
        + segment(0xE0, b"JFIF\0\1\2\0\0\1\0\1\3\1" + SECRET[:9])
        + segment(0xEE, b"Adobe\0\x64\0\0\0\0\1" + SECRET)
    )
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", SECRET.decode())
    info.add_text("Place", SECRET.decode(), zip=True)
    info.add_itxt("XML:com.adobe.xmp", xmp.decode())
    png = encoded(picture, "PNG", pnginfo=info, exif=place)
    webp = encoded(picture, "WEBP", exif=place, xmp=xmp)
    chunk = b"C2PA" + (12).to_bytes(4, "little") + SECRET + b"\0"
    heic = io.BytesIO()
    pillow_heif.from_pillow(picture).save(heic, exif=place, xmp=xmp, quality=95)
    return {
        "a.jpg": jpeg,
        "more.jpg": jpeg[:2] + more + jpeg[2:],
        "behind.jpg": jpeg + SECRET,
        "progressive.jpg": encoded(picture, "JPEG", exif=place, progressive=True, comment=SECRET),
        "two.jpg": encoded(picture, "MPO", save_all=True, append_images=[noise(3)], exif=place),
        "a.png": png,
        "more.png": png[:33] + png_chunk(b"prVt", SECRET) + png_chunk(b"caBX", SECRET) + png[33:] + SECRET,
        "late.png": encoded(picture)[:-12] + png_chunk(b"eXIf", place[6:]) + png_chunk(b"IEND", b""),
        "a.webp": webp,
        "more.webp": b"RIFF" + (len(webp) - 8 + len(chunk)).to_bytes(4, "little") + webp[8:] + chunk,
        "behind.webp": webp + SECRET,
        "a.gif": encoded(picture, "GIF", comment=SECRET),
        "a.heic": heic.getvalue(),
    }


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


@pytest.mark.filterwarnings("ignore:Image appears to be a malformed MPO")
@pytest.mark.parametrize("name", telling())
def test_row_08_nothing_private_is_stored(project: Project, name: str) -> None:
    content = telling()[name]
    if name != "late.png":
        assert SECRET[:9] in content
    file = stored(project, brought_in(project, name, content))
    kept = file.read_bytes()
    assert SECRET[:9] not in kept
    with Image.open(io.BytesIO(kept)) as image:
        image.load()
        assert set(image.getexif()) <= {0x0112}
        assert not image.getexif().get_ifd(0x8825)
        assert not {"xmp", "comment", "XML:com.adobe.xmp", "photoshop"} & set(image.info)
        assert getattr(image, "n_frames", 1) == 1
    if name == "a.heic":  # decoded once and saved as a JPEG
        assert np.abs(seen(file) - seen(content)).mean() < 3
    else:
        np.testing.assert_array_equal(np.asarray(decode.open_picture(file)), np.asarray(decode.open_picture(content)))
    small = project.thumbnail(project.scan().by_path[f"new/{file.name}"].id)
    assert SECRET[:9] not in small
    assert not Image.open(io.BytesIO(small)).getexif()


def mutated(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 5))):
        at = chance.randrange(min(len(changed), chance.choice((60, 700, 10**6))))
        match chance.randrange(7):
            case 0:
                changed[at] = chance.randrange(256)
            case 1:
                del changed[at : at + chance.choice((1, 2, 17))]
            case 2:
                changed[at:at] = chance.randbytes(chance.choice((1, 4, 30)))
            case 3:
                del changed[at + 40 :]
            case 4:
                changed += chance.choice((b"\xff\xd9", b"\0" * 50, SECRET))
            case 5:
                changed[at : at + 2] = chance.choice((b"\xff\xd9", b"\xff\xda", b"\xff\xe1", b"\xff\xff", b"\xff\xd3"))
            case 6:
                changed[at : at + 4] = chance.choice(
                    (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\1")
                )
    return bytes(changed)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_rows_01_and_08_damaged_files_are_refused_or_keep_their_pixels() -> None:
    corpus = {name: content for name, content in telling().items() if name != "a.heic"}
    chance = random.Random(8)
    taken = 0
    for _, (name, whole) in zip(range(1500), itertools.cycle(corpus.items()), strict=False):
        content = mutated(whole, chance)
        try:
            kept, _ = storable(content)
        except PictureError:
            with pytest.raises(PictureError):  # the import takes all that a look at the folder takes
                decode.inspect(content)
            continue
        try:
            before = np.asarray(decode.open_picture(content))
        except PictureError:
            continue
        np.testing.assert_array_equal(np.asarray(decode.open_picture(kept)), before, name)
        taken += 1
        with Image.open(io.BytesIO(kept)) as image:
            image.load()
            assert set(image.getexif()) <= {0x0112}
            assert not {"xmp", "comment", "XML:com.adobe.xmp"} & set(image.info)
    assert taken > 200


def heic(picture: Image.Image, **options: object) -> bytes:
    out = io.BytesIO()
    pillow_heif.from_pillow(picture).save(out, quality=95, **options)
    return out.getvalue()


def test_row_09_heic_is_opened(project: Project) -> None:
    picture = shaded((200, 90, 60), 5, (96, 64))
    content = heic(picture)
    found = in_place(project, "a.heic", content)
    assert isinstance(found, Picture)
    file = stored(project, brought_in(project, "b.heic", content))
    assert file.suffix == ".jpg"
    expected = seen(encoded(picture))
    for source in (file, project.path_of(found.path)):
        assert np.abs(seen(source) - expected).mean() < 4


def test_row_09_half_a_heic_is_refused(project: Project) -> None:
    content = heic(shaded((200, 90, 60), 5, (96, 64)))
    refused(project, "a.heic", content[: len(content) // 2], "")


@pytest.mark.parametrize("where", ["type", "content type"])
def test_row_09_a_heic_with_names_that_are_no_text_ends_nothing(project: Project, where: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "maker"
    content = heic(shaded((200, 90, 60), 5), exif=exif.tobytes(), xmp=b"<x/>")
    old, new = (b"\0\0Exif\0", b"\0\0\xff\xff\xff\xff\0") if where == "type" else (b"rdf+xml\0", b"rdf+\xff\xff\xff\0")
    assert content.count(old) == 1
    (project.root / "bad").mkdir()
    (project.root / "bad" / "a.heic").write_bytes(content.replace(old, new))
    # A decoder that was used before ended the process that asked it: so it is asked in another one.
    code = "import sys; from core import Project; print(len(Project.open(sys.argv[1]).scan().pictures))"
    told = subprocess.run(
        [sys.executable, "-c", code, project.root], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stdout.strip()) == (0, "1"), told.stderr
    report = importing.take(project, importing.from_pictures([("b.heic", content.replace(old, new))]).into("kept"))
    assert b"maker" not in (project.root / report.rows[0].path).read_bytes()


def disguised() -> dict[str, bytes]:
    picture = shaded((20, 190, 60), 5, (64, 64))
    psd = struct.pack(">4sH6xHIIHH", b"8BPS", 1, 3, 2, 2, 8, 3) + b"\0" * 12 + b"\0\0" + b"\x7f" * 12
    return {
        "eps": encoded(picture, "EPS"),
        "psd": psd,
        "pdf": encoded(picture, "PDF"),
        "jp2": encoded(picture, "JPEG2000"),
        "ico": encoded(picture, "ICO"),
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><rect width="9" height="9"/></svg>',
        "mvg": b"push graphic-context\nimage over 0,0 0,0 'https://example.com/x.jpg'\n",
    }


@pytest.mark.parametrize("kind", disguised())
def test_row_10_other_formats_are_refused_whatever_they_are_called(
    project: Project, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "gs was started"
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("gs", "gswin32c", "gswin64c"):
        (tools / name).write_text(f"#!/bin/sh\ntouch '{mark}'\nexit 1\n")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=":")
    content = disguised()[kind]
    for name in ("a.jpg", "a.png", "a.heic"):
        refused(project, name, content, "not a picture")
        shutil.rmtree(project.root / "lies there")
    assert not mark.exists()
    if kind == "eps" and shutil.which("gs") == str(tools / "gs"):  # left alone, Pillow would have started it
        monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)
        with pytest.raises(Exception, match="gs"), Image.open(io.BytesIO(content)) as image:
            image.load()
        assert mark.exists()


# Sizes.

_PEAK = """
import io, re, sys
from pathlib import Path
from PIL import Image
from core import Project
from core.datasets import importing

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

how, folder, name = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
root = folder / "project"
(root / "there").mkdir(parents=True)
small = io.BytesIO()
Image.new("RGB", (90, 90), "red").save(small, "PNG")
project = Project.open(root)
importing.take(project, importing.from_pictures([("warm.png", small.getvalue())]))
if how == "scan":
    (root / "there" / name).hardlink_to(folder / name)
    before = peak()
    catalogue = project.scan()
    said = [p.path for p in catalogue.pictures if p.class_name] + [r.reason for r in catalogue.rejected]
else:
    files = sorted((folder / name).iterdir()) if how == "import all" else [folder / name]
    plan = importing.from_pictures([(file.name, file.read_bytes()) for file in files])
    before = peak()
    said = [f"{row.outcome} {row.reason}" for row in importing.take(project, plan).rows]
print((peak() - before) // 1000, said[0])
"""


def peak_of(how: str, folder: Path, name: str) -> tuple[int, str]:
    """(MB of memory that it took at most, what was said) of one file, in a process of its own."""
    command = [sys.executable, "-c", _PEAK, how, str(folder), name]
    told = subprocess.check_output(command, text=True, cwd=ROOT)
    megabytes, _, said = told.strip().partition(" ")
    return int(megabytes), said


def png_of(width: int, height: int, rows: int, channels: int = 3) -> bytes:
    """A PNG of that size in its header; `rows` of black RGB, or invisible RGBA, are really there."""
    packer = zlib.compressobj(1)
    line = bytes(channels * width + 1)
    pixels = b"".join(packer.compress(line) for _ in range(rows)) + packer.flush()
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, {3: 2, 4: 6}[channels], 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", pixels) + png_chunk(b"IEND", b"")


HOW = pytest.mark.parametrize("how", ["scan", "import"])


@LINUX
@HOW
def test_row_11_a_huge_header_costs_nothing(tmp_path: Path, how: str) -> None:
    content = png_of(60_000, 60_000, 0)
    assert len(content) < 100
    (tmp_path / "a.png").write_bytes(content)
    megabytes, said = peak_of(how, tmp_path, "a.png")
    assert "too large" in said
    assert megabytes < 20


def test_row_11_nothing_of_it_is_decoded(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda _: pytest.fail("decoded"))
    refused(project, "a.png", png_of(60_000, 60_000, 0), "too large")
    for kind in ("GIF", "BMP", "WEBP"):
        refused(project, f"a.{kind.lower()}", encoded(Image.new("L", (8200, 5000)), kind), "too large")


@LINUX
@HOW
def test_row_12_too_many_pixels_are_refused_before_they_are_decoded(tmp_path: Path, how: str) -> None:
    content = png_of(9400, 9400, 9400)  # 88 megapixels, all there
    assert len(content) < 2_000_000
    (tmp_path / "a.png").write_bytes(content)
    megabytes, said = peak_of(how, tmp_path, "a.png")
    assert "too large" in said
    assert megabytes < 100


@LINUX
@HOW
def test_row_13_a_48_megapixel_phone_photo_is_taken(tmp_path: Path, how: str) -> None:
    photo = shaded((90, 120, 40), 1, (504, 378)).resize((8064, 6048), Image.Resampling.NEAREST)
    content = encoded(photo, "JPEG", quality=90)
    (tmp_path / "a.jpg").write_bytes(content)
    megabytes, said = peak_of(how, tmp_path, "a.jpg")
    assert said in ("there/a.jpg", "taken")
    assert megabytes < 200
    if how == "import":
        [file] = (tmp_path / "project").glob("*a.jpg")
        with Image.open(file) as kept:
            assert kept.size == (8064, 6048)  # its pixels are kept, as they were compressed
        assert np.abs(seen(file) - seen(content)).max() == 0


@LINUX
def test_row_12_many_large_pictures_at_once_wait_for_each_other(tmp_path: Path) -> None:
    """Eight see-through pictures of 20 megapixels each, by six threads or more."""
    (tmp_path / "source").mkdir()
    whole = png_of(5000, 4000, 4000, channels=4)
    for number in range(8):
        content = whole[:33] + png_chunk(b"pHYs", struct.pack(">IIB", number, number, 0)) + whole[33:]
        (tmp_path / "source" / f"{number}.png").write_bytes(content)
    megabytes, said = peak_of("import all", tmp_path, "source")
    assert said == "taken"
    assert megabytes < 600  # 1700 without


def test_row_12_a_jpeg_of_endless_layers_is_refused(project: Project) -> None:
    whole = encoded(shaded((9, 99, 199), 1), "JPEG", progressive=True)
    last = whole.rindex(b"\xff\xc4", 0, whole.rindex(b"\xff\xda"))  # the last scan with its table
    assert isinstance(in_place(project, "few.jpg", whole[:-2] + whole[last:-2] * 20 + b"\xff\xd9"), Picture)
    refused(project, "many.jpg", whole[:-2] + whole[last:-2] * 200 + b"\xff\xd9", "too many layers")


@pytest.mark.parametrize("size", [(1, 1), (1, 20_000), (20_000, 1)])
def test_row_14_extreme_shapes_are_taken_with_a_warning(project: Project, size: tuple[int, int]) -> None:
    content = encoded(Image.new("RGB", size, "red"))
    row = brought_in(project, "a.png", content)
    assert f"very small: {size[0]} x {size[1]} pixels" in row.reason
    assert np.abs(seen(stored(project, row)) - (255, 0, 0)).max() == 0
    assert isinstance(in_place(project, "a.png", content), Picture)
    [tiny] = [finding for finding in findings.find(project, project.scan()) if finding.kind == "tiny"]
    assert {picture.path for picture in tiny.pictures} == {"new/a.png", "lies there/a.png"}


def test_row_15_the_same_picture_twice_in_two_classes_and_on_both_sides(tmp_path: Path) -> None:
    project = Project.open(flat_project(tmp_path / "p", COLOURS, each=12))
    again = (project.root / "red" / "000.png").read_bytes()
    assert brought_in(project, "a.png", again).reason == "the same picture is also in red: see the problems"
    twice = importing.take(project, importing.from_pictures([("b.png", again)]).into("red")).rows[0]
    assert (twice.outcome, twice.reason) == ("skipped", "the same picture is here already: red/000.png")
    (project.root / "blue" / "by hand.png").write_bytes((project.root / "blue" / "001.png").read_bytes())
    with Image.open(project.root / "green" / "002.png") as image:
        image.resize((200, 180)).save(project.root / "green" / "enlarged.jpg")
    catalogue = project.scan()
    kinds = {one.kind: {picture.path for picture in one.pictures} for one in findings.find(project, catalogue)}
    assert kinds["conflict"] == {"red/000.png", "new/a.png"}
    assert kinds["copy"] == {"blue/001.png", "blue/by hand.png"}
    (project.root / "new" / "a.png").unlink()
    for seed in range(6):
        split = make_split(project.scan(), SplitConfig(), seed)
        side = {picture.path: part for part in ("train", "val", "test") for picture in split.part(part)}
        assert side["green/002.png"] == side["green/enlarged.jpg"]
        assert len({"blue/001.png", "blue/by hand.png"} & set(side)) == 1
