"""Pictures out of films: in even steps, upright, bounded; what is damaged is a sentence."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.imaging import film
from core.imaging.film import FEWEST, LARGEST_SIDE, MOST, chosen, look, write
from core.system.errors import PictureError
from tests.films import filmed


def turned(file: Path) -> Path:
    """As a phone writes it that was held upright: a matrix in the track's header says to turn each picture."""
    content = file.read_bytes()
    at = content.index(b"tkhd") + 4 + 40
    matrix = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    file.write_bytes(content[:at] + matrix + content[at + 36 :])
    return file


def brightness(image: Image.Image) -> float:
    return float(np.asarray(image)[-20:, -20:].mean())


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "mpeg4"), ("a.mov", "libx264"), ("a.webm", "libvpx"), ("a.avi", "mpeg4")]
)
def test_a_film_becomes_pictures_in_even_steps(tmp_path: Path, name: str, codec: str) -> None:
    frames = list(look(filmed(tmp_path / name, codec=codec)))
    assert len(frames) == 30
    assert [at for at, *_ in frames] == pytest.approx(np.arange(30) / 10, abs=0.02)
    light = [brightness(image) for _, _, image in frames]
    assert np.diff(light).min() > 0
    assert {image.size for *_, image in frames} == {(160, 96)}


def test_a_film_held_upright_stands_upright(tmp_path: Path) -> None:
    *_, image = next(look(turned(filmed(tmp_path / "a.mp4"))))
    assert image.size == (96, 160)
    red = np.asarray(image, int)[:20, -20:].mean(axis=(0, 1))
    assert red[0] > 200
    assert red[2] < 60  # what was left above is right above


def test_many_frames_are_bounded_and_large_ones_made_smaller(tmp_path: Path) -> None:
    frames = list(look(filmed(tmp_path / "a.mp4", 90, (32, 32), rate=30)))
    assert MOST < len(frames) <= 2 * MOST + 1
    *_, image = next(look(filmed(tmp_path / "b.mp4", 0.2, (1600, 800))))
    assert image.size == (LARGEST_SIDE, LARGEST_SIDE // 2)


@pytest.mark.parametrize(("gop", "least", "most"), [(10, 60, 120), (1000, 300, 900)])
def test_of_a_long_film_key_frames_are_enough_where_it_has_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gop: int, least: int, most: int
) -> None:
    monkeypatch.setattr(film, "_COST", 1)
    frames = list(look(filmed(tmp_path / "a.mp4", 90, (32, 32), gop=gop)))
    assert least < len(frames) < most
    times = [at for at, *_ in frames]
    assert times == sorted(set(times))
    assert times[-1] > 85


def test_what_shows_nothing_new_is_left_out_but_some_remain() -> None:
    moving = np.linspace(0, 250, 400)[:, None].repeat(4, 1)
    assert len(chosen(moving)) < 100
    assert len(chosen(10 * moving)) == MOST
    still = np.zeros((400, 4))
    assert len(chosen(still)) == FEWEST
    assert chosen(still)[-1] == 399
    assert chosen(still[:5]) == [0, 1, 2, 3, 4]
    assert chosen(still[:0]) == []


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 5000, b"#EXTM3U\n/etc/passwd\n", b"ffconcat version 1.0\nfile /etc/passwd\n"]
)
def test_what_is_no_film_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(PictureError, match="not a film"):
        list(write(tmp_path / "a.mp4", tmp_path))


def test_a_list_of_files_opens_none_of_them(tmp_path: Path) -> None:
    filmed(tmp_path / "secret.mp4")
    for text in (
        f"ffconcat version 1.0\nfile '{tmp_path / 'secret.mp4'}'\n",
        f"#EXTM3U\n#EXTINF:3,\n{tmp_path / 'secret.mp4'}\n",
    ):
        (tmp_path / "list.mp4").write_text(text)
        with pytest.raises(PictureError):
            list(look(tmp_path / "list.mp4"))


def test_of_a_film_that_is_cut_off_what_is_there_is_read(tmp_path: Path) -> None:
    whole = filmed(tmp_path / "a.avi", codec="mpeg4").read_bytes()
    (tmp_path / "b.avi").write_bytes(whole[: len(whole) * 2 // 3])
    assert 10 < len(list(look(tmp_path / "b.avi"))) < 30


def test_the_process_tells_of_each_step_and_writes_the_pictures(tmp_path: Path) -> None:
    source, out = filmed(tmp_path / "a.mp4"), tmp_path / "out"
    out.mkdir()
    command = [sys.executable, "-m", "core.imaging.film"]
    made = subprocess.run([*command, str(source), str(out)], capture_output=True, text=True, check=True)
    steps = [json.loads(line) for line in made.stdout.splitlines()]
    files = sorted(out.iterdir())
    assert steps[-1] == {"pictures": len(files), "seconds": pytest.approx(3)}
    assert all(0 <= step["done"] <= step["of"] for step in steps[:-1])
    assert [file.name for file in files][:2] == ["000000.jpg", "000001.jpg"]
    source.write_bytes(source.read_bytes()[:200])
    bad = subprocess.run([*command, str(source), str(out)], capture_output=True, text=True, check=False)
    assert (bad.returncode, json.loads(bad.stdout)) == (1, {"error": film.NO_FILM})
