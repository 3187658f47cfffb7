"""Backbones: networks that turn a picture into features. A backbone is a row of backbones.csv; what builds it needs TensorFlow
(core.models.loading), this does not."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from core.system.errors import ConfigError

SCRATCH, HUB = "scratch", "hub"
"""Two of the sources: a network of ours that comes without weights, and a module of TensorFlow Hub, which can run code."""
REFERENCE = "efficientnet-lite0"
"""The one that all times are told against."""
OTHER = "hub:"
"""What the name of a module that is not in the table begins with; its address or folder follows, then #pixels if not 224."""

LARGEST_PIXELS = 1024
"""The side of the largest squares that any network is shown."""

_OTHER_PIXELS = 224
_PIXELS = range(16, LARGEST_PIXELS + 1)
_HERE = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Backbone:
    """What must be known of a network before it is loaded.

    `source`: which loader builds it (core.models.loading.LOADERS), or SCRATCH. `network` and `pixel_range` are for the loader:
    which of its networks it is, and what numbers that wants for pixels.

    `input_pixels` is the side of its square input; it takes RGB, 0..255 (its own scaling is inside the graph).
    `handle`: what a Hub module is fetched by, the address of a weights file, or the package that holds the weights;
    `checksum`: MD5 or SHA-256 of that file in hex, or "" where none is known before it is fetched; `licence`: of the weights,
    as their publisher names it, or "" where none is known. `parameters` is the number of weights without the head (0 where that
    hangs on the classes or is not known; of Hub modules to three digits); `megabytes` their size, or that of what is fetched;
    `milliseconds` what a picture took on two cores of ours, 0 where that was not measured, or hangs on the layers. `imagenet`:
    of how many photos in a hundred it named the right one of ImageNet's 1,000 kinds of things (top-1 accuracy), 0 where that
    is not known.
    """

    name: str
    title: str
    source: str
    input_pixels: int
    parameters: int
    megabytes: float
    good_for: str
    handle: str = ""
    checksum: str = ""
    licence: str = ""
    network: str = ""
    pixel_range: str = ""
    milliseconds: float = 0.0
    imagenet: float = 0.0

    @property
    def weights_address(self) -> str:
        """Where its weights are fetched from as one file; "" where they are not."""
        return self.handle if self.source != HUB and "://" in self.handle else ""

    @property
    def pretrained(self) -> bool:
        """Whether it comes with weights; otherwise it learns from scratch."""
        return self.source != SCRATCH


TABLE = Path(__file__).with_suffix(".csv")
"""Hashes, addresses and parameters of Keras Applications are those that Keras 3.15 itself has; licences of their weights are
from Keras' docs of 2018 (`docs/templates/applications.md`), which say more than today's. ImageNet's accuracies are from
https://keras.io/api/applications/, of the same network where it is Hub's; of MobileNetV3 from Keras' own docs, of Lite from its
release notes, and of those that timm has converted from its `results/results-imagenet.csv`, at the size that is said here."""


def read_table(table: Path) -> dict[str, Backbone]:
    """The backbones in a CSV file, by name; an empty number is 0."""
    with table.open(encoding="utf-8", newline="") as file:
        return {
            row["name"]: Backbone(
                name=row["name"],
                title=row["title"],
                source=row["source"],
                input_pixels=int(row["input_pixels"]),
                parameters=int(row["parameters"] or 0),
                megabytes=float(row["megabytes"] or 0),
                good_for=row["good_for"],
                handle=row["handle"],
                checksum=row["checksum"],
                licence=row["licence"],
                network=row["network"],
                pixel_range=row["pixel_range"],
                milliseconds=float(row["milliseconds"] or 0),
                imagenet=float(row["imagenet"] or 0),
            )
            for row in csv.DictReader(file)
        }


BACKBONES: dict[str, Backbone] = read_table(TABLE)
"""Those that are offered, by name, the common ones first. See get_backbone for any other Hub module."""


def get_backbone(name: str) -> Backbone:
    """The backbone called `name`: one of the table, or `hub:` with the https address or the folder of another Hub module,
    `#` and its pixels after it where they are not 224. Whether it exists is not looked at.

    Raises ConfigError, naming those that exist, for anything else.
    """
    if name in BACKBONES:
        return BACKBONES[name]
    if name.startswith(OTHER):
        return _other(name)
    known = ", ".join(other for other, backbone in BACKBONES.items() if backbone.source != HUB)
    raise ConfigError(
        f"There is no backbone called {name[:100]!r}.",
        f"Choose one of: {known}; one of TensorFlow Hub, such as hub-mobilenet_v2_100_224; or {OTHER}ADDRESS.",
    )


def _other(name: str) -> Backbone:
    handle, _, pixels = name.removeprefix(OTHER).strip().partition("#")
    handle = handle.rstrip("/")
    if not _is_address(handle):
        folder = Path(handle).expanduser()
        if not handle or not handle.isprintable() or not folder.is_absolute():
            raise ConfigError(
                f"{handle[:200]!r} is not the place of a Hub module.",
                "Give an address that begins with https://, or the whole path of a folder with a saved_model.pb in it.",
            )
        handle = str(folder)
    if pixels and not (pixels.isascii() and pixels.isdecimal() and int(pixels[:6]) in _PIXELS):
        raise ConfigError(
            f"A picture cannot have a side of {pixels[:20]!r} pixels.",
            f"Write a number from {_PIXELS[0]} to {_PIXELS[-1]} after the #, or leave it out for {_OTHER_PIXELS}.",
        )
    title = re.sub(r"/(feature[-_]vector/)?\d+$", "", handle).rpartition("/")[2] or handle
    return Backbone(
        name, f"{title} (Hub)", HUB, int(pixels or _OTHER_PIXELS), 0, 0.0, "your own choice of TensorFlow Hub", handle
    )


def _is_address(handle: str) -> bool:
    """Whether it leads to the web: encrypted, or to this computer."""
    try:
        parts = urlsplit(handle)
        secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _HERE)
        return (
            secure and bool(parts.hostname) and parts.username is None and not re.search(r"[\s\x00-\x1f\x7f]", handle)
        )
    except ValueError:
        return False
