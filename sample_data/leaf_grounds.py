"""What the leaves lie on: paper, wood, stone, soil and grass, drawn from noise.

A picture is a float32 array (SIZE, SIZE, 3) with values of about 0 to 255; a field is one of
(SIZE, SIZE). What chance decides comes from a `Shot`; the order of its calls is part of the picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

SIZE = 768  # pixels at which everything is drawn; pictures are reduced to a third of it afterwards
Colour = tuple[int, int, int]
Field = NDArray[np.float32]


class Shot:
    """One picture in the making: its chance and its light. The same seed gives the same picture anywhere."""

    def __init__(self, seed: str) -> None:
        self.rng = Random(seed)
        # RandomState and not Generator: numpy promises that its numbers never change.
        self.fields = np.random.RandomState(self.rng.getrandbits(32))
        angle = self.rng.uniform(0, 2 * math.pi)
        self.light = round(math.cos(angle), 3), round(math.sin(angle), 3)  # unit vector, points to the lamp

    def noise(self, cells: int, octaves: int = 4, size: int = SIZE, stretch: int = 1) -> Field:
        """Cloudy noise around 0 (about -0.5 to 0.5); `cells` blobs across, `stretch` times longer than high."""
        total = np.zeros((size, size), dtype=np.float32)
        for octave in range(octaves):
            shape = (min(cells << octave, size), min(max(2, (cells << octave) // stretch), size))
            grid = Image.fromarray(self.fields.randint(0, 256, shape).astype(np.uint8))
            total += np.asarray(grid.resize((size, size), Image.Resampling.BICUBIC), dtype=np.float32) / (2 << octave)
        return ((total - 127.5 * (1 - 0.5**octaves)) / 255).astype(np.float32)

    def chance(self, probability: float) -> bool:
        """Whether something that happens this often happens here."""
        return self.rng.random() < probability


def as_field(image: Image.Image) -> Field:
    """A grey image as float32, 0 to 1."""
    return (np.asarray(image, dtype=np.float32) / 255).astype(np.float32)


def whole(points: Iterable[tuple[float, float]]) -> list[tuple[int, int]]:
    """Points in whole pixels: all that is drawn passes here, so that no last bit of a float shows."""
    return [(round(x), round(y)) for x, y in points]


def blurred(field: NDArray[Any], radius: float) -> Field:
    """A field with values 0 to 1, blurred by `radius` pixels."""
    image = Image.fromarray(np.clip(field * 255 + 0.5, 0, 255).astype(np.uint8))
    return as_field(image.filter(ImageFilter.GaussianBlur(radius)))


def moved(field: NDArray[Any], right: int, down: int) -> NDArray[Any]:
    """A field shifted by whole pixels; what comes in at the border repeats the border."""
    pad = max(abs(right), abs(down))
    padded = np.pad(field, [(pad, pad), (pad, pad)] + [(0, 0)] * (field.ndim - 2), mode="edge")
    return padded[pad - down : pad - down + field.shape[0], pad - right : pad - right + field.shape[1]]


def relief(height: NDArray[Any], light: tuple[float, float], step: int = 2) -> Field:
    """How much lighter (above 0) or darker the slopes of a landscape are, seen over `step` pixels."""
    slopes: Field = height - moved(height, -round(light[0] * step), -round(light[1] * step))
    return slopes


def lit(picture: NDArray[Any], level: NDArray[Any]) -> Field:
    """A picture under light that varies from place to place; a level of 1 leaves it as it is."""
    result: Field = (picture * level[:, :, None]).astype(np.float32)
    return result


def tinted(level: NDArray[Any], colour: Colour) -> Field:
    """A picture of one colour at varying brightness (1 leaves the colour as it is)."""
    return lit(np.array(colour), level)


def turned(image: Image.Image, degrees: int) -> Image.Image:
    """The middle SIZE x SIZE pixels of a larger drawing, turned."""
    edge = (image.width - SIZE) // 2
    return image.rotate(degrees, Image.Resampling.BICUBIC).crop((edge, edge, edge + SIZE, edge + SIZE))


def paper(shot: Shot) -> Field:
    """White, cream or grey sheets: plain, ruled or squared, with fibres and sometimes a crease."""
    rng = shot.rng
    base = rng.choice([(240, 240, 236), (244, 236, 214), (232, 222, 196), (226, 230, 232), (201, 178, 142)])
    big = 1088
    sheet = Image.new("RGB", (big, big), base)
    pen = ImageDraw.Draw(sheet)
    gap = rng.randint(40, 78)
    ink = rng.choice([(150, 182, 214), (168, 176, 190), (176, 200, 176), (190, 170, 190)])
    ruling = rng.choice(["plain", "plain", "ruled", "squared"])
    if ruling != "plain":
        for at in range(rng.randint(0, gap), big, gap):
            pen.line([(0, at), (big, at)], fill=ink, width=3)
            if ruling == "squared":
                pen.line([(at, 0), (at, big)], fill=ink, width=3)
    if ruling == "ruled":
        margin = rng.randint(160, 900)
        pen.line([(margin, 0), (margin, big)], fill=(222, 130, 130), width=4)
    picture = np.asarray(turned(sheet, rng.randint(0, 359)), dtype=np.float32)
    grain = 1 + 0.12 * relief(shot.noise(160, 2), shot.light) + 0.05 * shot.noise(3, 3) + 0.06 * shot.noise(90, 2)
    if shot.chance(0.25):
        wrinkles = np.abs(shot.noise(3, 3))
        grain += 1.3 * relief(wrinkles, shot.light, 5)
    return lit(picture, grain)


def wood(shot: Shot) -> Field:
    """Planks with year rings, dark joints and a knot here and there."""
    rng = shot.rng
    big = 1088
    base = rng.choice([(176, 132, 88), (140, 98, 62), (196, 164, 122), (128, 116, 104), (118, 84, 58)])
    rows, columns = np.mgrid[0:big, 0:big].astype(np.float32)
    height = rng.randint(170, 330)
    plank = (rows + rng.randint(0, height)) // height
    offset = np.zeros_like(rows)
    level = np.ones_like(rows)
    for number in range(int(plank.max()) + 1):
        offset[plank == number] = rng.uniform(0, 500)
        level[plank == number] = rng.uniform(0.86, 1.1)
    rings = rows + offset + 170 * shot.noise(4, 2, big, 4)
    for _ in range(rng.randint(0, 3)):
        x, y, size = rng.randint(0, big), rng.randint(0, big), rng.randint(300, 900)
        far = ((columns - x) / 2.2) ** 2 + (rows - y) ** 2
        rings += 90 * size / (far + size)
        level *= 1 - 0.4 * size / (far + size)
    wave = np.abs(rings / rng.randint(22, 44) % 2 - 1)
    level *= 0.86 + 0.2 * wave + 0.34 * shot.noise(110, 3, big, 24) + 0.2 * shot.noise(4, 3, big)
    seam = np.abs(np.roll(plank, 5, axis=0) - plank) > 0
    level[seam] *= 0.3
    grey = Image.fromarray(np.clip(level * 160, 0, 255).astype(np.uint8))
    grey = turned(grey.filter(ImageFilter.GaussianBlur(1)), rng.randint(0, 359))
    return tinted(np.asarray(grey, dtype=np.float32) / 160, base)


def stone(shot: Shot) -> Field:
    """Granite, sandstone or asphalt: speckled and pitted, sometimes with cracks."""
    rng = shot.rng
    base = rng.choice([(150, 148, 144), (176, 164, 146), (104, 106, 110), (132, 138, 142), (104, 104, 108)])
    rough = rng.uniform(0.5, 1.5)
    level = 1 + 0.35 * shot.noise(5, 5) + rough * relief(shot.noise(60, 4), shot.light)
    speckle = shot.noise(200, 2)
    level += rng.uniform(0.05, 0.25) * ((speckle > 0.15) * 1.0 - (speckle < -0.16))
    picture = tinted(level, base)
    cracks = Image.new("L", (SIZE, SIZE), 0)
    pen = ImageDraw.Draw(cracks)
    for _ in range(rng.choice([0, 0, 1, 2])):
        x, y, heading = rng.choice([0.0, SIZE]), rng.uniform(0, SIZE), rng.uniform(0, 6.28)
        path = [(x, y)]
        for _ in range(70):
            heading += rng.gauss(0, 0.13)
            x, y = x + 14 * math.cos(heading), y + 14 * math.sin(heading)
            path.append((x + rng.gauss(0, 3), y + rng.gauss(0, 3)))
        pen.line(whole(path), fill=255, width=rng.randint(3, 6))
    depth = as_field(cracks.filter(ImageFilter.GaussianBlur(1.5)))
    return lit(picture, 1 - 0.55 * depth + 0.5 * relief(depth, shot.light))


def blade(
    pen: ImageDraw.ImageDraw,
    place: tuple[float, float, float],
    length: float,
    *,
    width: float,
    bow: float,
    colour: Colour,
) -> None:
    """A tapered strip from `place` (x, y, heading), `bow` radians off it at the end: grass, a needle, a twig."""
    left, middle, right = [], [], []
    for i in range(9):
        t = i / 8
        heading = place[2] + bow * t
        x, y = place[0] + length * t * math.cos(heading), place[1] + length * t * math.sin(heading)
        half = max(0.6, width / 2 * (1 - t**2) * min(1.0, 0.45 + 3 * t))
        middle.append((x, y))
        left.append((x - half * math.sin(heading), y + half * math.cos(heading)))
        right.append((x + half * math.sin(heading), y - half * math.cos(heading)))
    pen.polygon(whole(left + right[::-1]), fill=colour)
    pen.line(whole(middle), fill=tuple(min(255, c + 22) for c in colour), width=2)


def grass(shot: Shot) -> Field:
    """A lawn from above: dark blades first, sunlit ones over them, some straw."""
    rng = shot.rng
    image = Image.new("RGB", (SIZE, SIZE), (38, 48, 24))
    pen = ImageDraw.Draw(image)
    count = 620
    lean = rng.uniform(0, 2 * math.pi)
    for i in range(count):
        glow = 0.45 + 0.55 * i / count
        hue = rng.choice([(96, 140, 52), (118, 156, 64), (78, 124, 58), (140, 160, 76), (178, 160, 96)])
        red, green, blue = (round(c * glow * rng.uniform(0.8, 1.1)) for c in hue)
        place = rng.uniform(-120, SIZE + 120), rng.uniform(-120, SIZE + 120), lean + rng.gauss(0, 0.9)
        blade(
            pen,
            place,
            rng.uniform(120, 330),
            width=rng.uniform(9, 20),
            bow=rng.uniform(-0.7, 0.7),
            colour=(red, green, blue),
        )
        if i == count // 2:
            image.paste(image.filter(ImageFilter.GaussianBlur(4)))
    return lit(np.asarray(image), 1 + 0.4 * shot.noise(4, 4))


def soil(shot: Shot) -> Field:
    """Crumbly earth with pebbles and bits of straw."""
    rng = shot.rng
    base = rng.choice([(112, 84, 60), (104, 80, 60), (132, 106, 78), (96, 80, 66), (152, 128, 98)])
    height = shot.noise(14, 6)
    level = 0.92 + 0.5 * height + 2.2 * relief(height, shot.light, 4)
    image = Image.fromarray(np.clip(tinted(level, base), 0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    for _ in range(rng.randint(40, 220)):
        x, y, size = rng.uniform(0, SIZE), rng.uniform(0, SIZE), rng.choice([4, 4, 5, 6, 8, 11, 16, 24])
        corners = [(size * rng.uniform(0.75, 1.2), i * math.pi / 5) for i in range(10)]
        tone, grey = rng.uniform(0.75, 1.25), rng.uniform(0.0, 0.5)
        for grow, shade, shift in ((1.15, 0.55, -0.25), (1.0, 0.95, 0.0), (0.6, 1.08, 0.2)):
            colour = tuple(min(255, round(tone * shade * (c + grey * (128 - c)))) for c in base)
            middle = x + shift * size * shot.light[0], y + shift * size * shot.light[1]
            outline = [
                (middle[0] + grow * reach * math.cos(turn), middle[1] + 0.8 * grow * reach * math.sin(turn))
                for reach, turn in corners
            ]
            pen.polygon(whole(outline), fill=colour)
    straw = [(168, 142, 92), (96, 70, 46), (128, 104, 70)]
    for _ in range(rng.randint(0, 16)):
        place = rng.uniform(0, SIZE), rng.uniform(0, SIZE), rng.uniform(0, 6.28)
        blade(
            pen,
            place,
            rng.uniform(60, 200),
            width=rng.uniform(4, 9),
            bow=rng.uniform(-0.4, 0.4),
            colour=rng.choice(straw),
        )
    image = image.filter(ImageFilter.GaussianBlur(1.8))
    return lit(np.asarray(image), 1 + 0.5 * shot.noise(90, 3))


GROUNDS: list[Callable[[Shot], Field]] = [paper, paper, wood, stone, soil, grass]
