"""Tiny pictures, drawn on the spot."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {"blue": (40, 70, 200), "green": (50, 170, 70), "red": (200, 50, 40)}


def shaded(colour: Sequence[int], seed: int, size: tuple[int, int] = (72, 64)) -> Image.Image:
    """A colour with a gradient of its own direction and strength: no two are near-duplicates."""
    rng = np.random.default_rng([seed, *colour])
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(25, 60)
    ramp = (np.cos(angle) * (x / width - 0.5) + np.sin(angle) * (y / height - 0.5)) * 2 * strength
    spot = 40 * np.exp(-((x - rng.uniform(0, width)) ** 2 + (y - rng.uniform(0, height)) ** 2) / 150)
    pixels = np.array(colour)[None, None] + (ramp + spot)[..., None] + rng.normal(0, 4, (height, width, 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def noise(seed: int, size: tuple[int, int] = (64, 64)) -> Image.Image:
    """Every pixel by chance, around a colour by chance: tells nothing of its class."""
    rng = np.random.default_rng(seed)
    width, height = size
    return shaded(tuple(int(c) for c in rng.integers(30, 220, 3)), seed, (width, height))


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip of these files, unpacked inside."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def flat_project(root: Path, colours: dict[str, tuple[int, int, int]], each: int) -> Path:
    """One class folder for each colour."""
    for name, colour in colours.items():
        (root / name).mkdir(parents=True)
        for number in range(each):
            shaded(colour, number).save(root / name / f"{number:03}.png")
    return root


def noise_project(root: Path, classes: int, each: int) -> Path:
    """Classes that cannot be told apart, because which picture is in which is chance."""
    for label in range(classes):
        (root / f"class {label}").mkdir(parents=True)
        for number in range(each):
            noise(label * 1000 + number).save(root / f"class {label}" / f"{number:03}.png")
    return root
