"""Draws the sample pictures: five kinds of tree leaf, as small made-up photographs.

Each picture hangs only on its kind and its number, so any one of them can be drawn again alone,
byte for byte. Coordinates are rounded to whole pixels of a threefold enlargement before drawing.

    python sample_data/draw_leaves.py            draw everything next to this script
    python sample_data/draw_leaves.py --check    draw in memory and name the files that differ
"""

from __future__ import annotations

import argparse
import io
import math
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from leaf_grounds import GROUNDS, SIZE, Colour, Field, Shot, as_field, blade, blurred, lit, moved, relief, tinted, whole
from leaf_shapes import SHAPES, LeafShape, Points, Vein
from PIL import Image, ImageDraw, ImageFilter

HERE = Path(__file__).resolve().parent
KINDS = tuple(SHAPES)
PER_KIND = 44
EXTRA = 2  # pictures per kind in new_pictures/, numbered on from PER_KIND + 1
REDUCE = 3
QUALITY = 86

# fmt: off
# Colours of a leaf from May to December, each as (season 0 to 100, red, green, blue).
SEASONS = {
    "yellow": [(0, 150, 182, 84), (20, 104, 150, 62), (36, 66, 112, 54), (50, 132, 140, 58), (64, 226, 190, 66),
               (78, 218, 150, 56), (90, 158, 104, 56), (100, 112, 76, 50)],
    "red": [(0, 158, 178, 86), (20, 98, 142, 60), (36, 62, 104, 52), (48, 116, 108, 50), (60, 222, 130, 48),
            (74, 198, 70, 44), (88, 138, 48, 44), (100, 98, 64, 48)],
}
# fmt: on


@dataclass(frozen=True)
class Pose:
    """How a leaf lies: angles in radians, lengths in pixels of the large drawing."""

    turn: float
    tilt: float  # lean of the whole leaf away from the camera
    folds: tuple[float, float]  # how far the right and the left half rise from the ground
    bend: float  # sideways bow of the midrib, in leaf lengths
    scale: float
    centre: tuple[float, float]

    def flat(self, points: Points) -> Points:
        """From the leaf's frame to its outline as seen by the camera, unscaled and not yet moved."""
        x, y = points[:, 0], points[:, 1] - 0.5
        lift = np.where(x > 0, self.folds[0], self.folds[1])
        across = x * np.cos(lift) + self.bend * (1 - 4 * y**2)
        height = np.abs(x) * np.sin(lift)
        u = across * math.cos(self.turn) - y * math.sin(self.turn)
        v = across * math.sin(self.turn) + y * math.cos(self.turn)
        depth = v * math.sin(self.tilt) + height
        shrink = 1 / (1 - 0.25 * depth)
        return np.stack([u * shrink, -(v * math.cos(self.tilt) + height * math.sin(self.tilt)) * shrink], axis=1)

    def pixels(self, points: Points) -> list[tuple[int, int]]:
        """The same on the large drawing, in whole pixels."""
        return whole((self.flat(points) * self.scale + np.array(self.centre)).tolist())


def lay(shot: Shot, shape: LeafShape, extent: float, centre: tuple[float, float]) -> Pose:
    """A chance pose in which the blade looks `extent` pixels large: slim leaves are laid longer, up to SIZE."""
    rng = shot.rng
    tilt = rng.choice([rng.uniform(0, 0.3), rng.uniform(0, 0.95)])
    cup = rng.choice([rng.uniform(-0.25, 0.35), rng.uniform(-0.25, 0.35), rng.uniform(0.2, 1.1)])
    folds = shape.crease * (cup + rng.uniform(-0.2, 0.2)), shape.crease * (cup + rng.uniform(-0.2, 0.2))
    pose = Pose(rng.uniform(0, 2 * math.pi), tilt, folds, rng.gauss(0, 0.035), 1.0, (0.0, 0.0))
    box = pose.flat(shape.outline)
    low, high = box.min(axis=0), box.max(axis=0)
    short, long = sorted((high - low).tolist())
    scale = round(min(extent / (0.75 * long + 0.25 * short), 0.98 * SIZE / long), 3)
    middle = (low + high) / 2 * scale
    return replace(pose, scale=scale, centre=(centre[0] - middle[0], centre[1] - middle[1]))


def wobbled(shape: LeafShape, shot: Shot) -> LeafShape:
    """The same leaf a little out of true, as no leaf is symmetric; outline and veins move together."""
    waves = [(shot.rng.uniform(0.0, 0.016), shot.rng.uniform(3, 11), shot.rng.uniform(0, 6)) for _ in range(3)]

    def move(points: Points) -> Points:
        x, y = points[:, 0], points[:, 1]
        shift = sum((a * np.sin(f * (y + 0.6 * x) + p) for a, f, p in waves), np.zeros(len(points)))
        return np.stack([x + shift * np.minimum(1, y**2 * 4), y + shift * 0.4], axis=1)

    veins = [Vein(move(vein.path), vein.width) for vein in shape.veins]
    return replace(shape, right=move(shape.right), left=move(shape.left), axis=move(shape.axis), veins=veins)


def season_colours(shot: Shot) -> Field:
    """A table of 256 colours from spring to winter, its hues a little shifted from leaf to leaf."""
    stops = np.array(SEASONS[shot.rng.choice(list(SEASONS))], dtype=float)
    at = np.arange(256) * (100 / 255)
    channels = [np.interp(at, stops[:, 0], stops[:, c]) * shot.rng.uniform(0.9, 1.1) for c in (1, 2, 3)]
    return np.round(np.stack(channels, axis=1)).astype(np.float32)


def tapered_line(pen: ImageDraw.ImageDraw, path: list[tuple[int, int]], width: float, end: float) -> None:
    """A line that thins from `width` to `width * end` pixels."""
    steps = len(path) - 1
    for i in range(steps):
        pen.line(path[i : i + 2], fill=255, width=max(1, round(width * (1 - (1 - end) * i / steps))))


def blade_mask(shot: Shot, shape: LeafShape, pose: Pose, wear: float) -> Image.Image:
    """The leaf's silhouette (255 inside), less what insects and weather took; `wear` is 0 to 1."""
    rng = shot.rng
    mask = Image.new("L", (SIZE, SIZE), 0)
    pen = ImageDraw.Draw(mask)
    outline = pose.pixels(shape.outline)
    pen.polygon(outline, fill=255)

    # Slim leaves get smaller holes, or they would fall apart.
    size = min(pose.scale, 1.4 * math.sqrt(np.count_nonzero(np.asarray(mask))))

    def bite(x: float, y: float, radius: float) -> None:
        rim = [(radius * rng.uniform(0.65, 1.15), i * math.pi / 7) for i in range(14)]
        pen.polygon(whole((x + r * math.cos(turn), y + r * math.sin(turn)) for r, turn in rim), fill=0)

    xs, ys = [x for x, _ in outline], [y for _, y in outline]
    for _ in range(round(wear * rng.uniform(0, 7))):
        bite(rng.uniform(min(xs), max(xs)), rng.uniform(min(ys), max(ys)), size * rng.uniform(0.008, 0.035))
    for _ in range(round(wear * rng.uniform(0, 3))):
        at = rng.choice(outline)
        for _ in range(4):
            x, y = at[0] + rng.gauss(0, 0.03) * size, at[1] + rng.gauss(0, 0.03) * size
            bite(x, y, size * rng.uniform(0.02, 0.06))
    if rng.random() < wear * 0.5:
        (x, y), middle = rng.choice(outline), (sum(xs) / len(xs), sum(ys) / len(ys))
        depth, wide = rng.uniform(0.4, 0.9), size * rng.uniform(0.01, 0.05)
        inner = x + (middle[0] - x) * depth, y + (middle[1] - y) * depth
        pen.polygon(whole([(x + wide, y - wide), inner, (x - wide, y + wide)]), fill=0)
    return mask.filter(ImageFilter.GaussianBlur(0.8))


def vein_field(shape: LeafShape, pose: Pose) -> Field:
    """1 on the veins, 0 between them."""
    image = Image.new("L", (SIZE, SIZE), 0)
    pen = ImageDraw.Draw(image)
    for vein in shape.veins:
        tapered_line(pen, pose.pixels(vein.path), vein.width * pose.scale, 0.3)
    return as_field(image.filter(ImageFilter.GaussianBlur(1)))


def season_field(shot: Shot, pose: Pose, inside: Field, near_vein: Field) -> Field:
    """How far autumn has come, 0 to 1: further along the leaf, at its margin, away from the veins, in blotches."""
    rng = shot.rng
    rows, columns = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) / SIZE - 0.5
    base = rng.choice([rng.uniform(0.05, 0.45), rng.uniform(0.4, 0.75), rng.uniform(0.5, 0.95)])
    drift = rng.uniform(-0.4, 0.4)
    axis = round(-math.sin(pose.turn), 4), round(-math.cos(pose.turn), 4)
    season = base + drift * (axis[0] * columns + axis[1] * rows) + rng.uniform(0.05, 0.45) * shot.noise(4, 5)
    season += rng.uniform(-0.05, 0.3) * (1 - inside) - rng.uniform(0.0, 0.16) * near_vein
    season += rng.uniform(0.04, 0.12) * shot.noise(40, 4)
    clipped: Field = np.clip(season, 0, 1).astype(np.float32)
    return clipped


def fold_light(shape: LeafShape, pose: Pose, light: tuple[float, float]) -> Field:
    """How much lighter or darker each half is because it slopes to the lamp or away from it."""
    right = Image.new("L", (SIZE, SIZE), 0)
    ImageDraw.Draw(right).polygon(pose.pixels(np.concatenate([shape.right, shape.axis[::-1]])), fill=255)
    right_half = as_field(right.filter(ImageFilter.GaussianBlur(3 + pose.scale * 0.02 * (1 - shape.crease))))
    towards = round(math.cos(pose.turn) * light[0] - math.sin(pose.turn) * light[1], 4)
    slope = [0.42 * round(math.sin(fold), 4) * towards for fold in pose.folds]
    return (right_half * -slope[0] + (1 - right_half) * slope[1]).astype(np.float32)


def blend(colours: Field, colour: Colour, share: Field) -> Field:
    """The colours with `share` (0 to 1, for each pixel) of another mixed in."""
    mixed: Field = (colours + share[:, :, None] * (np.array(colour) - colours)).astype(np.float32)
    return mixed


def blade_surface(shot: Shot, shape: LeafShape, pose: Pose, mask: Field, wear: float) -> Field:
    """The colours of the blade: season, veins, spots, and the light on its relief."""
    rng = shot.rng
    veins = vein_field(shape, pose)
    near_vein = np.minimum(1, 2.6 * blurred(veins, max(2.0, pose.scale * 0.016)))
    inside = blurred(mask, pose.scale * 0.05)
    season = season_field(shot, pose, inside, near_vein)
    colours = season_colours(shot)[(season * 255).astype(np.uint8)]

    net = np.abs(shot.noise(max(8, round(24000 / pose.scale)), 3))  # its low places form the finest veins
    underside = shot.chance(0.2)
    if underside:
        colours = blend(colours, (221, 228, 193), np.full_like(mask, 0.28))
    colours = blend(colours, (226, 216, 140), rng.uniform(0.2, 0.55) * veins + 0.2 * (net < 0.012))
    spots = (shot.noise(rng.randint(10, 30), 4) > 0.34 - 0.16 * wear) * mask
    dry = blurred(spots, 1.5) * rng.uniform(0.3, 0.9) * min(1, wear * 2) + 0.5 * np.maximum(0, 0.75 - inside)
    colours = blend(colours, (98, 66, 40), np.minimum(1, dry))

    height = (0.6 * veins - 1.2 * near_vein) * (-0.8 if underside else 1) + 0.35 * net + 1.6 * shot.noise(5, 3)
    level = 1 + rng.uniform(0.35, 0.75) * relief(blurred(0.5 + height / 4, 1) * 4, shot.light, 3)
    level += fold_light(shape, pose, shot.light)
    gloss = np.maximum(0, shot.noise(3, 2) - 0.1) * rng.uniform(0, 130)
    surface: Field = lit(colours, level) + gloss[:, :, None]
    return surface


def cast_shadow(scene: Field, mask: Field, light: tuple[float, float], lift: float, dark: float) -> None:
    """Darkens the scene where something `lift` pixels above it keeps the light off."""
    for distance, soft, strength in ((0.4, 2 + lift * 0.12, 0.5), (1.0, 3 + lift * 0.4, 0.8)):
        shade = moved(blurred(mask, soft), -round(light[0] * lift * distance), -round(light[1] * lift * distance))
        scene *= (1 - dark * strength * shade)[:, :, None]


def cover(scene: Field, colours: Field, mask: Field) -> None:
    """Paints `colours` over the scene where the mask is 1, half so where it is 0.5."""
    scene += mask[:, :, None] * (colours - scene)


def fold_over(shot: Shot, pose: Pose, colours: Field, mask: Field) -> tuple[Field, Field]:
    """Turns a corner of the leaf back over itself; its paler underside then shows."""
    rng = shot.rng
    rows, columns = np.nonzero(mask > 0.5)
    if len(rows) < 400:
        return colours, mask
    angle = rng.uniform(0, 2 * math.pi)
    nx, ny = round(math.cos(angle), 4), round(math.sin(angle), 4)
    reach = np.sort(columns * nx + rows * ny)
    line = float(round(reach[int(len(reach) * rng.uniform(0.8, 0.93))]))
    down, across = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    beyond = across * nx + down * ny - line
    mirror = (1 - 2 * nx * nx, -2 * nx * ny, 2 * nx * line, -2 * nx * ny, 1 - 2 * ny * ny, 2 * ny * line)

    def reflected(image: Image.Image) -> Field:
        turned = image.transform(image.size, Image.Transform.AFFINE, mirror, Image.Resampling.BILINEAR)
        return np.asarray(turned, dtype=np.float32)

    flap: Field = reflected(Image.fromarray((mask * 255).astype(np.uint8))) / 255 * (beyond < 0)
    under = reflected(Image.fromarray(np.clip(colours, 0, 255).astype(np.uint8))) * 0.66 + np.array([70, 72, 58])
    roll = np.clip(1 + beyond / (0.12 * pose.scale), 0, 1)  # 1 on the fold, 0 where the flap lies flat
    under = under * (1.06 - 0.3 * (roll * roll))[:, :, None]
    kept = mask * (beyond < 0)
    shaded = colours.copy()
    cast_shadow(shaded, flap, shot.light, 12, 0.6)
    cover(shaded, under.astype(np.float32), flap)
    return shaded, np.maximum(kept, flap)


def add_leaf(scene: Field, shot: Shot, kind: str, extent: float, *, centre: tuple[float, float], wear: float) -> None:
    """Lays one leaf of `extent` pixels on the scene, with its shadow."""
    rng = shot.rng
    shape = wobbled(SHAPES[kind](rng), shot)
    pose = lay(shot, shape, extent, centre)
    mask = as_field(blade_mask(shot, shape, pose, wear))
    colours = blade_surface(shot, shape, pose, mask, wear)
    if shot.chance(0.08 + 0.15 * wear):
        colours, mask = fold_over(shot, pose, colours, mask)
    stem_image = Image.new("L", (SIZE, SIZE), 0)
    tapered_line(ImageDraw.Draw(stem_image), pose.pixels(shape.stalk), max(3.0, pose.scale * 0.024), 0.7)
    stem = as_field(stem_image.filter(ImageFilter.GaussianBlur(1))) * (1 - mask)
    lift, dark = pose.scale * rng.uniform(0.02, 0.085), rng.uniform(0.35, 0.75)
    cast_shadow(scene, np.maximum(mask, stem), shot.light, lift, dark)
    stem_colour = rng.choice([(148, 150, 78), (150, 96, 62), (176, 150, 86), (128, 58, 50)])
    cover(scene, tinted(0.9 + 2.5 * relief(blurred(stem, 2), shot.light, 3), stem_colour), stem)
    cover(scene, colours, mask)


def add_litter(scene: Field, shot: Shot) -> None:
    """A few twigs, needles or blades of grass across the picture."""
    rng = shot.rng
    image = Image.new("RGBA", (SIZE, SIZE))
    pen = ImageDraw.Draw(image)
    bark, green, straw = [(112, 82, 56), (92, 70, 52)], [(108, 148, 60), (138, 164, 76)], [(190, 166, 108)]
    palette = rng.choice([bark, green, straw])
    for _ in range(rng.randint(1, 6)):
        place = rng.uniform(0, SIZE), rng.uniform(0, SIZE), rng.uniform(0, 6.28)
        blade(
            pen,
            place,
            rng.uniform(250, 800),
            width=rng.uniform(5, 14),
            bow=rng.uniform(-0.6, 0.6),
            colour=rng.choice(palette),
        )
    mask = as_field(image.getchannel("A").filter(ImageFilter.GaussianBlur(1)))
    cast_shadow(scene, mask, shot.light, 10, 0.6)
    cover(scene, np.asarray(image.convert("RGB"), dtype=np.float32), mask)


def camera(scene: Field, shot: Shot) -> Image.Image:
    """The scene as a small camera takes it: uneven light, blur, exposure, white balance and noise."""
    rng = shot.rng
    rows, columns = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) / SIZE - 0.5
    lamp = 1.04 + rng.uniform(-0.3, 0.3) * columns + rng.uniform(-0.3, 0.3) * rows
    lamp *= 1 - rng.uniform(0.05, 0.45) * (columns**2 + rows**2)
    if shot.chance(0.12):  # dappled light, as under a tree
        lamp *= 0.7 + 0.42 * blurred(shot.noise(6, 3) > 0.02, rng.uniform(8, 22))
    exposure = rng.choice([rng.uniform(0.9, 1.1), rng.uniform(0.9, 1.1), rng.uniform(0.6, 1.3)])
    warmth, tint = round(rng.gauss(0, 0.06), 4), round(rng.gauss(0, 0.03), 4)
    balance = np.array([1 + warmth, 1 + tint, 1 - warmth], dtype=np.float32) * exposure
    image = Image.fromarray(np.clip(lit(scene, lamp) * balance + 0.5, 0, 255).astype(np.uint8))
    fault = rng.random()
    if fault < 0.14:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(2, 7)))
    elif fault < 0.24:
        image = shaken(image, rng.uniform(0, math.pi), rng.randint(10, 30))
    small = np.asarray(image.reduce(REDUCE), dtype=np.int16)
    grain = rng.choice([2, 3, 4, 6, 14])
    speckle = shot.fields.randint(-grain, grain + 1, small.shape[:2])[:, :, None]
    hue_speckle = shot.fields.randint(-grain, grain + 1, small.shape) // 3
    return Image.fromarray(np.clip(small + speckle + hue_speckle, 0, 255).astype(np.uint8))


def shaken(image: Image.Image, angle: float, length: int) -> Image.Image:
    """The mean of the picture moved along a line of `length` pixels."""
    pixels, steps = np.asarray(image), 12
    total = np.zeros(pixels.shape, dtype=np.int32)
    for i in range(-steps // 2, steps // 2):
        total += moved(pixels, round(math.cos(angle) * length * i / steps), round(math.sin(angle) * length * i / steps))
    return Image.fromarray((total // steps).astype(np.uint8))


def draw(kind: str, number: int) -> Image.Image:
    """Picture `number` (from 1) of a kind of leaf, 256 x 256 pixels."""
    shot = Shot(f"{kind} {number}")
    rng = shot.rng
    scene = rng.choice(GROUNDS)(shot)
    extent = SIZE * rng.choice([rng.uniform(0.38, 0.6), rng.uniform(0.5, 0.95), rng.uniform(0.65, 0.95)])
    slack = (SIZE - extent) / 2 + (0.22 * extent if shot.chance(0.16) else 0)  # with it, partly out of the frame
    centre = SIZE / 2 + rng.uniform(-slack, slack), SIZE / 2 + rng.uniform(-slack, slack)
    wear = rng.choice([0.0, rng.uniform(0, 0.4), rng.uniform(0.2, 1.0)])
    add_leaf(scene, shot, kind, extent, centre=centre, wear=wear)
    if shot.chance(0.2):
        other = rng.choice([k for k in KINDS if k != kind])
        place = centre[0] + rng.uniform(-0.5, 0.5) * extent, centre[1] + rng.uniform(-0.5, 0.5) * extent
        add_leaf(scene, shot, other, extent * rng.uniform(0.3, 0.45), centre=place, wear=wear)
    if shot.chance(0.18):
        add_litter(scene, shot)
    return camera(scene, shot)


def jpeg(job: tuple[str, int]) -> bytes:
    """The file of one picture."""
    buffer = io.BytesIO()
    draw(*job).save(buffer, "JPEG", quality=QUALITY, subsampling="4:2:0", optimize=True)
    return buffer.getvalue()


def plan() -> dict[str, tuple[str, int]]:
    """Every file, relative to the output folder, with the kind and number it shows."""
    files = {f"leaves/{kind}/{n:03d}.jpg": (kind, n) for kind in KINDS for n in range(1, PER_KIND + 1)}
    files |= {f"new_pictures/{kind}-{n}.jpg": (kind, PER_KIND + n) for kind in KINDS for n in range(1, EXTRA + 1)}
    return files


def main() -> int:
    """Draws or checks all pictures; returns the exit status."""
    parser = argparse.ArgumentParser(description="Draw the sample pictures of leaves.")
    parser.add_argument("--out", type=Path, default=HERE, help="folder that gets leaves/ and new_pictures/")
    parser.add_argument("--check", action="store_true", help="write nothing; name the files that differ")
    options = parser.parse_args()
    files = plan()
    differing = 0
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for name, data in zip(files, pool.map(jpeg, files.values(), chunksize=4), strict=True):
            target = options.out / name
            if not options.check:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
            elif not target.is_file() or target.read_bytes() != data:
                print(f"differs: {name}")
                differing += 1
    print(f"{len(files)} pictures " + (f"checked, {differing} differ" if options.check else f"drawn in {options.out}"))
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
