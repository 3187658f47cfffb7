"""Outlines and veins of five kinds of tree leaf, as plain point lists.

Every shape lies in one frame: the leaf blade meets its stalk at (0, 0), the midrib runs towards
+y, and the blade is about 1 unit long. All variety comes from the `random.Random` handed in.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from random import Random

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]  # shape (n, 2)


@dataclass(frozen=True)
class Vein:
    """A line on the blade; `width` is its thickness at the start, in leaf lengths."""

    path: Points
    width: float


@dataclass(frozen=True)
class LeafShape:
    """`right` and `left` run from the stalk to the tip and close the outline; `axis` runs between them.

    `crease` (0 to 1) says how readily the two halves fold up along the axis.
    """

    right: Points
    left: Points
    axis: Points
    veins: list[Vein]
    stalk: Points
    crease: float

    @property
    def outline(self) -> Points:
        """Once round the blade, from the stalk."""
        return np.concatenate([self.right, self.left[::-1]])


def spline(knots: list[tuple[float, float]], steps: int = 10) -> Points:
    """A smooth curve through `knots` (Catmull-Rom), `steps` points for each stretch."""
    p = np.array([knots[0], *knots, knots[-1]], dtype=float)
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    stretches = []
    for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False):
        stretches.append(b + t * ((c - a) + t * ((2 * a - 5 * b + 4 * c - d) + t * (3 * b - a - 3 * c + d))) / 2)
    return np.concatenate([*stretches, p[-1:]])


def resample(path: Points, count: int) -> Points:
    """`count` points at equal distances along `path`."""
    steps = np.sqrt((np.diff(path, axis=0) ** 2).sum(axis=1))
    along = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.linspace(0, along[-1], count)
    return np.stack([np.interp(wanted, along, path[:, 0]), np.interp(wanted, along, path[:, 1])], axis=1)


def serrate(edge: Points, teeth: int, height: float, rng: Random) -> Points:
    """Saw teeth along an edge that runs from stalk to tip; they lean towards the tip, as on a real leaf."""
    per_tooth = 10
    edge = resample(edge, teeth * per_tooth + 1)
    along = np.gradient(edge, axis=0)
    outward = np.stack([along[:, 1], -along[:, 0]], axis=1) / np.sqrt((along**2).sum(axis=1))[:, None]
    rise = np.arange(len(edge)) % per_tooth / (per_tooth - 1)
    heights = np.array([height * rng.uniform(0.5, 1.3) for _ in range(teeth)] + [0.0])
    heights[: teeth // 8 + 1] *= 0.2  # next to the stalk the margin is smooth
    heights[teeth - 1] *= 0.2
    serrated: Points = edge + outward * (rise * heights[np.arange(len(edge)) // per_tooth])[:, None]
    return serrated


def smoothed(path: Points, reach: int = 4) -> Points:
    """Every point but the ends becomes the mean of itself and its neighbours, `reach` on either side."""
    inner = [path[i - reach : i + reach + 1].mean(axis=0) for i in range(reach, len(path) - reach)]
    return np.array([path[0], *inner, path[-1]])


def mirrored(points: Points) -> Points:
    """The points on the other side of the midrib."""
    return np.stack([-points[:, 0], points[:, 1]], axis=1)


def curve_between(start: Points, end: Points, sag: float) -> Points:
    """A bow from start to end; `sag` is its height as a part of the distance, positive to the left."""
    across = np.array([start[1] - end[1], end[0] - start[0]])
    t = np.linspace(0, 1, 12)[:, None]
    curve: Points = start + t * (end - start) + 4 * t * (1 - t) * sag * across
    return curve


def axis(end: float = 1.0) -> Points:
    """A straight line along the midrib, from the stalk to `end`."""
    return np.stack([np.zeros(24), np.linspace(0, end, 24)], axis=1)


def midrib(width: float) -> Vein:
    """The vein in the middle."""
    return Vein(axis(0.985), width)


def stalk(rng: Random, low: float, high: float) -> Points:
    """A bent stalk of `low` to `high` leaf lengths, from its far end to the blade."""
    length = rng.uniform(low, high)
    bow = rng.uniform(-0.3, 0.3) * length
    return spline([(bow, -length), (bow * 0.25, -length * 0.5), (0.0, 0.02)])


def side_veins(right: Points, left: Points, pairs: int, rise: float, rng: Random) -> list[Vein]:
    """Pairs of veins from the midrib to the margin, `rise` leaf lengths nearer to the tip there."""
    veins = []
    for edge, side in ((right, 1), (left, -1)):
        for i in range(pairs):
            low = 0.05 + 0.8 * (i + rng.uniform(0.3, 0.6)) / pairs
            high = min(low + rise * rng.uniform(0.85, 1.15), 0.97)
            end = np.array([np.interp(high, edge[:, 1], edge[:, 0]) * 0.96, high])
            veins.append(Vein(curve_between(np.array([0.0, low]), end, -side * 0.07), 0.007))
    return veins


def willow(rng: Random) -> LeafShape:
    """Lance-shaped, finely toothed, drawn out into a long point."""
    width = rng.choice([rng.uniform(0.06, 0.11), rng.uniform(0.09, 0.15)])
    widest = rng.uniform(-0.08, 0.08)

    def side() -> Points:
        w = width * rng.uniform(0.9, 1.1)
        low, high = 0.36 + widest, 0.58 + widest / 2
        profile = [(0.0, 0.0), (0.55, 0.1), (1.0, low), (0.86, high), (0.4, 0.83), (0.1, 0.96), (0.0, 1.0)]
        knots = [(w * across, along) for across, along in profile]
        return serrate(spline(knots), 44, rng.uniform(0.001, 0.007), rng)

    right, left = side(), mirrored(side())
    veins = [midrib(0.014), *side_veins(right, left, rng.randint(11, 15), width * 1.1, rng)]
    return LeafShape(right, left, axis(), veins, stalk(rng, 0.04, 0.12), 1.0)


def birch(rng: Random) -> LeafShape:
    """Egg-shaped to triangular with a coarse saw edge and straight side veins."""
    width = rng.choice([rng.uniform(0.3, 0.42), rng.uniform(0.23, 0.33)])
    widest = rng.uniform(0.24, 0.36)
    blunt = rng.uniform(0.4, 0.62)
    pairs = rng.randint(6, 8)
    height = rng.uniform(0.018, 0.04)

    def side() -> Points:
        w = width * rng.uniform(0.93, 1.07)
        base = [(0.0, 0.0), (0.6, 0.06), (0.93, widest * 0.55), (1.0, widest)]
        point = [(0.84, widest + 0.2), (blunt, 0.68), (0.16, 0.88), (0.0, 1.0)]
        knots = [(w * across, along) for across, along in base + point]
        coarse = serrate(spline(knots), rng.randint(9, 14), height, rng)
        return serrate(coarse, 34, height * 0.45, rng)

    right, left = side(), mirrored(side())
    veins = [midrib(0.014), *side_veins(right, left, pairs, rng.uniform(0.14, 0.24), rng)]
    return LeafShape(right, left, axis(), veins, stalk(rng, 0.15, 0.4), 1.0)


def oak(rng: Random) -> LeafShape:
    """Widest above the middle, with round lobes; sometimes the lobes are mere waves."""
    lobes = rng.randint(3, 5)
    depth = rng.choice([rng.uniform(0.38, 0.62), rng.uniform(0.15, 0.4)])
    width = rng.uniform(0.27, 0.37)

    def envelope(y: float) -> float:
        return width * (0.28 + 0.72 * min(1.0, y / 0.62) if y < 0.62 else 1.0 - 1.9 * (y - 0.62) ** 2 / 0.38)

    def side(sign: int) -> tuple[Points, list[Vein]]:
        gap = 0.8 / lobes
        knots, veins = [(0.0, 0.0), (0.1 * width, 0.02)], []
        for i in range(lobes):
            y = 0.13 + gap * (i + rng.uniform(0.4, 0.6))
            reach = envelope(y) * rng.uniform(0.86, 1.14)
            sinus = envelope(y - gap / 2) * (1 - depth * rng.uniform(0.8, 1.2))
            flank = 0.45 * sinus + 0.55 * reach
            knots += [
                (sinus * (0.6 if i == 0 else 1), y - gap * 0.5),
                (flank, y - gap * 0.33),
                (reach * 0.96, y - gap * 0.14),
                (reach, y + gap * 0.1),
                (reach * 0.9, y + gap * 0.28),
                (flank * 0.9, y + gap * 0.38),
            ]
            end = np.array([sign * reach * 0.94, y + gap * 0.06])
            veins.append(Vein(curve_between(np.array([0.0, y - gap * 0.2 - reach * 0.45]), end, -sign * 0.06), 0.009))
        knots += [(envelope(0.93) * (1 - depth) * 0.75, 0.93), (0.07, 0.975), (0.0, 1.0)]
        edge = spline(knots)
        return (edge if sign > 0 else mirrored(edge)), veins

    (right, right_veins), (left, left_veins) = side(1), side(-1)
    return LeafShape(right, left, axis(), [midrib(0.017), *right_veins, *left_veins], stalk(rng, 0.03, 0.14), 0.9)


# fmt: off
# Half a maple leaf from the middle tip to the stalk: degrees off the midrib, distance from the stalk.
# "tip" and "tooth" stand out, "notch" lies between two of them on one lobe, "sinus" between two lobes.
MAPLE_HALF = [
    (0, 1.00, "tip"), (7, 0.76, "notch"), (14, 0.79, "tooth"), (15, 0.60, "notch"), (26, 0.36, "sinus"),
    (33, 0.66, "notch"), (36, 0.75, "tooth"), (41, 0.70, "notch"), (49, 0.95, "tip"), (55, 0.69, "notch"),
    (63, 0.72, "tooth"), (66, 0.57, "notch"), (78, 0.36, "sinus"), (88, 0.48, "notch"), (91, 0.55, "tooth"),
    (96, 0.49, "notch"), (103, 0.66, "tip"), (113, 0.44, "notch"), (122, 0.46, "tooth"), (140, 0.30, "notch"),
    (158, 0.17, "sinus"), (180, 0.03, "notch"),
]
# fmt: on


def maple(rng: Random) -> LeafShape:
    """Palmate: five pointed lobes with a few teeth; sometimes rounded off like a field maple's."""
    shallow = rng.choice([0.0, rng.uniform(-0.05, 0.12), rng.uniform(0.1, 0.3)])
    teeth = rng.uniform(0.3, 1.1)
    rounding = rng.choice([0, 0, 0, 1, 2, 3])
    deeper = {"sinus": shallow, "tooth": 0.05 * (teeth - 1), "notch": 0.03 * (1 - teeth), "tip": 0.0}
    squeeze = rng.uniform(0.82, 1.05)

    def polar(degrees: float, distance: float) -> tuple[float, float]:
        angle = math.radians(degrees)
        return squeeze * distance * math.sin(angle), distance * math.cos(angle)

    def side(sign: int) -> tuple[Points, list[Vein]]:
        corners, tips, tooth_points = [], [], []
        for angle, reach, role in MAPLE_HALF:
            loose = 1.0 if 0 < angle < 180 else 0.0  # the tip and the stalk stay on the midrib
            distance = reach * (1 + loose * rng.uniform(-0.06, 0.06)) + deeper[role]
            corners.append(polar(angle + loose * rng.uniform(-2.5, 2.5), distance))
            if role == "tip":
                tips.append(np.array(corners[-1]))
            elif role == "tooth":
                tooth_points.append(np.array(corners[-1]))
        edge = [curve_between(np.array(a), np.array(b), 0.05)[:-1] for a, b in pairwise(corners)]
        path = resample(np.concatenate([*edge, np.array(corners[-1:])])[::-1], 220)
        veins = [Vein(curve_between(np.zeros(2), tip * 0.96, -0.03), 0.012) for tip in tips[1:]]
        for tooth in tooth_points:
            tip = min(tips, key=lambda t: float(((t - tooth * 1.1) ** 2).sum()))
            veins.append(Vein(curve_between(tip * 0.42, tooth * 0.97, 0.0), 0.008))
        for _ in range(rounding):
            path = smoothed(path)
        if sign > 0:
            return path, veins
        return mirrored(path), [Vein(mirrored(v.path), v.width) for v in veins]

    (right, right_veins), (left, left_veins) = side(1), side(-1)
    return LeafShape(right, left, axis(), [midrib(0.014), *right_veins, *left_veins], stalk(rng, 0.3, 0.7), 0.6)


def ginkgo(rng: Random) -> LeafShape:
    """A fan with a wavy margin and, mostly, a notch; its veins fork in two again and again."""
    half_angle = math.radians(rng.uniform(38, 82))
    notch_depth = rng.choice([rng.uniform(0.0, 0.1), rng.uniform(0.1, 0.3), rng.uniform(0.3, 0.6)])
    notch_at = rng.uniform(-0.12, 0.12)
    notch_width = rng.uniform(0.05, 0.13)
    waves = [(rng.uniform(0.005, 0.022), rng.uniform(3, 26), rng.uniform(0, 6)) for _ in range(4)]
    droop = rng.uniform(0.05, 0.3)

    def fan(u: float, distance: float) -> tuple[float, float]:
        """u = -1 and 1 are the two straight sides; they bend outwards on the way to the margin."""
        angle = half_angle * u * (0.62 + 0.38 * distance)
        return distance * math.sin(angle), distance * math.cos(angle)

    def margin(u: float) -> float:
        notch: float = notch_depth * max(0.0, 1 - abs(u - notch_at) / notch_width) ** 0.7
        return 1 - droop * u**4 - notch + sum(a * math.sin(f * u + p) for a, f, p in waves)

    def side(sign: int) -> Points:
        straight = [fan(sign, d) for d in np.linspace(0.0, margin(sign) * 0.93, 20)]
        rim = [fan(u, margin(u)) for u in np.linspace(sign * 0.97, 0.0, 90)]
        return np.array([*straight, *rim])

    count = 64
    veins = []
    for j in range(1, count):
        u = 1.94 * j / count - 0.97
        fork = (j & -j) / count  # the larger this power of two, the earlier the vein leaves its parent
        start = 0.02 + 0.75 * max(0.0, 1 - 2.2 * fork**0.5)
        parent = u - 1.94 * (j & -j) / count
        reach = np.linspace(start, margin(u) * 0.98, 14)
        spread = np.minimum(1.0, (reach - start) / 0.25)
        veins.append(
            Vein(
                np.array([fan(parent + (u - parent) * s, d) for s, d in zip(spread, reach, strict=True)]),
                0.0075 if fork > 0.1 else 0.005,
            )
        )
    return LeafShape(side(1), side(-1), axis(margin(0.0)), veins, stalk(rng, 0.35, 0.8), 0.5)


SHAPES: dict[str, Callable[[Random], LeafShape]] = {
    "birch": birch,
    "ginkgo": ginkgo,
    "maple": maple,
    "oak": oak,
    "willow": willow,
}
