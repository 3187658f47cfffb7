"""The kinds of file that a model can be taken away as: all that is known of each. Loads no TensorFlow.

A new kind is one entry here. What LiteRT's converter cannot make from the entry alone is written by a function of its own, in
core.models.whole_files. Pages, command line and zips are made from this table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from core.system.settings import Settings

Weights = Literal["float32", "float16", "int8"]
"""How the weights in a file are stored."""
TEACHABLE_PIXELS = 224
"""Side of the square that every program for Teachable Machine's files feeds."""
TINY = 1_000_000
"""Bytes below which a model may fit a microcontroller."""


@dataclass(frozen=True)
class Place:
    """Somewhere that a model runs, as the Export page offers it, in the order of `rank`.

    `caption` says how to go on there. From `most_bytes` on (0: no limit) a model is too large there; `too_large` says so, with
    {megabytes} in it.
    """

    title: str
    rank: int
    caption: str = ""
    most_bytes: int = 0
    too_large: str = ""


@dataclass(frozen=True)
class Kind:
    """`title` is for people, with the proper term in brackets; `purpose` completes "for ..."; `short` is for the list of the
    command line, by default "for" and the purpose; `places` are those where this kind is the one to take.

    `file` is the model's name in the zip, and `parts` what else of the model lies beside it; `bar` the share of answers, 0..1,
    that must be those of the trained model; `needs` what `predict.py` must find installed; `opened_by` a sentence on what
    opens the file, unless the file itself tells (see core.export.requirements); `made_by` the modules that must be installed
    here to make it.

    `converted`: LiteRT's converter makes it, from `input`, the type of its input tensor, `weights`, how its weights are stored,
    and `teachable`: laid out as Teachable Machine's files are. Otherwise a function of core.models.whole_files writes it.
    `range`: what the bytes 0 and 255 are for a model that takes float32.

    `page`: what is taken away is no zip, but one web page with the model inside.
    """

    name: str
    title: str
    purpose: str
    short: str = ""
    places: tuple[Place, ...] = ()
    file: str = "model.tflite"
    parts: tuple[str, ...] = ()
    bar: float = 0.99
    needs: str = "ai-edge-litert"
    opened_by: str = ""
    made_by: tuple[str, ...] = ()
    converted: bool = True
    input: Literal["float32", "int8", "uint8"] = "float32"
    weights: Weights = "float32"
    teachable: bool = False
    range: tuple[float, float] = (0, 255)
    page: bool = False

    @property
    def ending(self) -> str:
        """Of the name of what is taken away."""
        return ".html" if self.page else ".zip"

    def files(self, model: Path) -> list[Path]:
        """What a model at `model` consists of, when it has been written."""
        if model.is_dir():
            return [path for path in sorted(model.rglob("*")) if path.is_file()]
        return [model, *map(model.with_name, self.parts)]

    @property
    def litert(self) -> bool:
        """Whether LiteRT runs it."""
        return self.file.endswith(".tflite")

    @property
    def hosted(self) -> bool:
        """Whether programs load it from a web address, as Teachable Machine's."""
        return self.teachable and not self.converted

    @property
    def integer(self) -> bool:
        """Whether it takes, computes and answers in whole numbers."""
        return self.input != "float32"

    @property
    def plain(self) -> bool:
        """Whether it is the file that a training makes, or made of it."""
        return self.converted and self.litert and not self.teachable and self.input == self.weights == "float32"


_ALL = (
    Kind(
        "float32",
        "exact (float32)",
        "a computer with Python, or a web page",
        ".tflite for a computer",
        (
            Place("On a computer, with Python", 1),
            Place(
                "On a web site of your own",
                3,
                "Unpack the zip and start `python web/start.py`: a page opens that classifies in the browser.",
            ),
        ),
    ),
    Kind(
        "float16",
        "half the size (float16)",
        "a phone",
        ".tflite for a phone",
        (Place("On a phone", 2, "The zip has a file for Android (Kotlin) and one for iOS (Swift)."),),
        weights="float16",
    ),
    Kind(
        "web-page",
        "a web page that needs nothing (HTML)",
        "anybody, as one file that opens with a double click",
        "one .html file, opens with a double click",
        (
            Place(
                "On a web page that needs nothing",
                2,
                "One file: a double click opens it in a browser, on any computer, also without internet. It knows pictures and "
                "the camera. Send it to whom you like.",
            ),
        ),
        page=True,
    ),
    Kind(
        "dynamic",
        "a quarter of the size (dynamic range)",
        "a small download",
        ".tflite, a small download",
        bar=0.95,
        weights="int8",
    ),
    Kind(
        "int8",
        "whole numbers, signed (int8)",
        "a Raspberry Pi or a microcontroller",
        ".tflite for a Raspberry Pi",
        (
            Place("On a Raspberry Pi", 4),
            Place(
                "On a microcontroller",
                6,
                "It must be smaller than 1 MB to be put in as a C array: train the network from scratch, on small pictures.",
                most_bytes=TINY,
                too_large="This model has {megabytes:.1f} MB: too much for most microcontrollers.",
            ),
        ),
        bar=0.95,
        input="int8",
        weights="int8",
    ),
    Kind(
        "uint8",
        "whole numbers, unsigned (uint8)",
        "a Coral board, or an old phone",
        ".tflite for a Coral board",
        (
            Place(
                "On a Coral board",
                5,
                "A Coral needs one more step: run Google's `edgetpu_compiler` on the file. coral.md says how.",
            ),
        ),
        bar=0.95,
        input="uint8",
        weights="int8",
    ),
    Kind(
        "teachable-machine",
        "Teachable Machine (float)",
        "a Teachable Machine project",
        places=(
            Place(
                "In a Teachable Machine project",
                7,
                "The same file names, labels and numbers as Teachable Machine's own export. For a Coral, take the quantized "
                "kind.",
            ),
        ),
        file="model_unquant.tflite",
        teachable=True,
        range=(-1, 1),
    ),
    Kind(
        "teachable-machine-quantized",
        "Teachable Machine (quantized)",
        "a Teachable Machine project on a Coral board or a small phone",
        "the same in whole numbers",
        bar=0.95,
        input="uint8",
        weights="int8",
        teachable=True,
    ),
    Kind(
        "teachable-machine-js",
        "Teachable Machine (TensorFlow.js)",
        "ml5, and other programs that load a Teachable Machine model from a web address",
        "model.json for ml5 and the like",
        (
            Place(
                "In ml5, or an extension of Scratch",
                8,
                "For programs that load a Teachable Machine model from a web address: ml5 does, and so do some extensions of "
                "Scratch. Put model.json, metadata.json and weights.bin from the zip together on a web site that other pages "
                "may read, and give the program the address.",
            ),
        ),
        file="model.json",
        parts=("weights.bin",),
        needs="tensorflow keras",
        opened_by="TensorFlow.js 1.3.1 or later (tried: 1.3.1, 4.22.0), as @teachablemachine/image 0.8.5 and ml5 0.12 have it.",
        converted=False,
        teachable=True,
        range=(-1, 255 / 127 - 1),
    ),
    Kind(
        "keras",
        "Keras",
        "going on in Python with Keras",
        ".keras, for going on in Python",
        (Place("In Keras", 9),),
        file="model.keras",
        needs="tensorflow keras",
        converted=False,
    ),
    Kind(
        "h5",
        "Keras HDF5",
        "programs that open .h5 files, with Keras 2 or Keras 3",
        ".h5, for Keras 2 and 3",
        (Place("In an older Keras", 10),),
        file="model.h5",
        needs="tensorflow",
        opened_by="Keras 3, or Keras 2 as in TensorFlow 2.12 to 2.15 and in tf_keras.",
        converted=False,
    ),
    Kind(
        "saved-model",
        "SavedModel",
        "a server with TensorFlow",
        places=(Place("On a TensorFlow server", 11),),
        file="saved_model",
        needs="tensorflow",
        converted=False,
    ),
    Kind(
        "onnx",
        "ONNX",
        "programs that read ONNX, as of Windows",
        "for programs that read ONNX",
        (Place("In a program that reads ONNX", 12),),
        file="model.onnx",
        needs="onnxruntime",
        made_by=("tf2onnx", "onnxruntime"),
        converted=False,
    ),
)
ALL: dict[str, Kind] = {kind.name: kind for kind in _ALL}
"""Every kind, by name, the usual ones first."""


class ExportConfig(Settings):
    """How a trained model is written to a file."""

    format: str = "float32"
    calibration_pictures: int = Field(200, ge=10, le=2000, description="Training pictures that set the integer ranges.")
    more_pictures: int = Field(
        1000, ge=10, le=20_000, description="As many are taken where integers from those cost more than a point."
    )

    @field_validator("format")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in ALL:
            raise ValueError(f"choose one of: {', '.join(ALL)}")
        return name


def can_be_made(name: str) -> bool:
    """Whether what makes this kind is installed: ONNX is an extra."""
    return all(find_spec(module) for module in ALL[name].made_by)


def possible_kinds() -> list[Kind]:
    """The kinds that can be made with what is installed."""
    return [kind for kind in ALL.values() if can_be_made(kind.name)]


def places_of(kinds: Iterable[Kind]) -> Mapping[str, tuple[Place, Kind]]:
    """Where these kinds run, by the title of the place, with the kind to take there."""
    both = sorted(((place, kind) for kind in kinds for place in kind.places), key=lambda pair: pair[0].rank)
    return {place.title: (place, kind) for place, kind in both}
