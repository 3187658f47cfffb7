"""The zip that a person takes away: the model and everything that is needed to use it elsewhere."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.config.export_formats import TEACHABLE_PIXELS, TINY, Kind
from core.system.naming import count, percent

_PROGRAMS = Path(__file__).with_name("programs")
_COLUMNS = 12
_README = """\
This is a picture classifier made with Fieldguide.

It tells apart: {classes}
On {tested} that it had never seen, the trained model got {right} right ({accuracy});
as this kind of file, asked about {pictures} of them, it gave the same answer to {agreement}, and {own} are right.
{note}
Files
{files}

Needs
  {versions}

Try it
  python -m pip install numpy pillow {needs}
  python predict.py test_pictures
expected.json says what must come out.
{serve}
What the model wants
  input: {dtype}, 1 x {pixels} x {pixels} x 3, RGB, {range}
  crop: {crop}
  output: {output}, one probability for each class, in the order of labels.txt
"""
_SERVE = """
Where Fieldguide is installed, it also answers other programs on the same machine (HTTP)
  python -m core serve THIS_FILE.zip
  curl --data-binary @test_pictures/1.png http://127.0.0.1:8100/predict
"""
_HOST = """
In a program that loads Teachable Machine's models
  Put model.json, metadata.json and weights.bin together on a web site that other pages may read (CORS), and give the program
  the address. What was measured is the model as predict.py rebuilds it from those files, in Keras. Pictures that are not of
  {pixels} x {pixels} are cut and scaled by that program, in a way of its own: its answers differ a little.
"""
_RANGES = {
    "uint8": "the bytes of the picture as they are (scaling is done inside)",
    "int8": "the bytes of the picture less 128 (scaling is done inside)",
}
_OUTPUTS = {"uint8": "uint8 (divide by 256)", "int8": "int8 (add 128, then divide by 256)"}
_ABOUT = {
    "weights.bin": "the numbers of the model, which must lie beside it",
    "metadata.json": "the class names, for programs that load Teachable Machine's models",
    "labels.txt": "the class names, one a line, in the order of the model's answers",
    "fieldguide.json": "everything a program must know, and the measurements",
    "MODEL_CARD.md": "what the model is, how good, and what it is not for",
    "predict.py": "a program that says what is on pictures: also a library for your own",
    "expected.json": "what predict.py must say of the pictures in test_pictures",
    "webcam.py": "the same for a webcam (needs opencv-python)",
    "raspberry_pi.md": "how to set it up on a Raspberry Pi",
    "coral.md": "how to set it up on a Coral board",
    "Classifier.kt": "for an Android app (Kotlin); not tested",
    "Classifier.swift": "for an iOS app (Swift); not tested",
    "web/index.html": "a web page that classifies in the browser",
    "web/start.py": "opens that page",
    "web/litert_js.py": "fetches Google's LiteRT.js for it, once; then it works offline",
    "model_data.h": "the model as a C array, for a microcontroller",
    "classify.ino": "for an ESP32 or another board of Arduino's kind (Arduino sketch); not tested",
}
_WITH: dict[str, Callable[[Kind], bool]] = {
    "webcam.py": lambda _: True,
    "raspberry_pi.md": lambda kind: kind.litert,
    "coral.md": lambda kind: kind.integer,
    "Classifier.kt": lambda kind: kind.litert,
    "Classifier.swift": lambda kind: kind.litert,
    "web/index.html": lambda kind: kind.litert and kind.input != "int8",  # LiteRT.js takes none
    "web/start.py": lambda kind: kind.litert and kind.input != "int8",
}
"""The programs that go along, and with which kinds."""


def texts(kind: Kind, spec: Mapping[str, Any], model: bytes, card: str) -> dict[str, bytes]:
    """What lies beside the model, whose bytes are `model`, and its test pictures: name in the zip -> content."""
    files = {
        "labels.txt": labels_text(spec["classes"], numbered=kind.teachable),
        "fieldguide.json": json.dumps(spec, indent=1, ensure_ascii=False),
        "MODEL_CARD.md": card,
        "predict.py": _PROGRAMS.with_name("predict.py").read_text(encoding="utf-8"),
    } | {name: (_PROGRAMS / name).read_text(encoding="utf-8") for name, fits in _WITH.items() if fits(kind)}
    if "web/start.py" in files:
        files["web/litert_js.py"] = _PROGRAMS.with_name("litert_js.py").read_text(encoding="utf-8")
    if kind.litert and len(model) < TINY:
        files["model_data.h"] = c_array(model)
        if spec["input"]["dtype"] == "int8":
            files["classify.ino"] = (_PROGRAMS / "classify.ino").read_text(encoding="utf-8")
    if kind.hosted:
        files["metadata.json"] = _metadata(spec["classes"])
    files["README.txt"] = _readme(kind, spec, [*kind.parts, *files, "expected.json"])
    return {name: text.encode() for name, text in files.items()}


def _readme(kind: Kind, spec: Mapping[str, Any], names: Sequence[str]) -> str:
    source = spec["input"]
    about = {kind.file: f"the model, for {kind.purpose} ({kind.name})"} | {
        name: _ABOUT[name] for name in _ABOUT if name in names
    }
    return _README.format(
        tested=count(spec["test"]["total"], "test picture"),
        right=spec["test"]["right"],
        accuracy=percent(spec["test"]["accuracy"], 1),
        classes=", ".join(spec["classes"]),
        pictures=spec["parity"]["pictures"],
        agreement=percent(spec["parity"]["agreement"], 1),
        own=percent(spec["parity"]["accuracy"], 1),
        note=f"{spec['note']}\n" if "note" in spec else "",
        files="\n".join(f"  {name:{max(map(len, about))}}  {words}" for name, words in about.items()),
        needs=spec["needs"]["install"],
        versions=spec["needs"]["versions"],
        serve=_SERVE if kind.litert else _HOST.format(pixels=source["pixels"]) if kind.hosted else "",
        dtype=source["dtype"],
        pixels=source["pixels"],
        range=_RANGES.get(source["dtype"], "{:g} to {:g}".format(*source["range"])),
        crop=source["crop"],
        output=_OUTPUTS.get(source["dtype"], spec["output"]["dtype"]),
    )


def _metadata(classes: Sequence[str]) -> str:
    """What Teachable Machine writes of a model for pictures (@teachablemachine/image 0.8.5, Metadata)."""
    told = {
        "tfjsVersion": "1.3.1",
        "packageVersion": "0.8.5",
        "packageName": "@teachablemachine/image",
        "userMetadata": {"made with": "Fieldguide"},
        "modelName": "Fieldguide",
        "labels": list(classes),
        "imageSize": TEACHABLE_PIXELS,
    }
    return json.dumps(told, ensure_ascii=False)


def labels_text(classes: Sequence[str], *, numbered: bool = False) -> str:
    """One name a line; a line break inside a folder's name becomes a space, so that lines and classes stay in step.

    `numbered`: with its position and one space before it, as Teachable Machine writes it.
    """
    lines = (" ".join(name.splitlines()) for name in classes)
    return "".join(f"{number} {line}\n" if numbered else f"{line}\n" for number, line in enumerate(lines))


def c_array(model: bytes) -> str:
    """The model as C source: `model_data`, aligned as LiteRT for microcontrollers needs it, and `model_data_length`."""
    rows = (model[start : start + _COLUMNS] for start in range(0, len(model), _COLUMNS))
    body = ",\n  ".join(", ".join(f"0x{byte:02x}" for byte in row) for row in rows)
    return (
        "#pragma once\n\n"
        f"const unsigned int model_data_length = {len(model)};\n"
        f"alignas(16) const unsigned char model_data[] = {{\n  {body}\n}};\n"
    )


def write_zip(target: Path, model: Mapping[str, Path], files: Mapping[str, bytes]) -> None:
    """A zip at `target` of what the model consists of and of `files`: by the name in the zip."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, path in model.items():
            bundle.write(path, name)
        for name, content in files.items():
            bundle.writestr(name, content)
