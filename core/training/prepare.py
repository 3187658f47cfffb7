"""Converts a backbone to a LiteRT feature extractor, once for each machine.

`python -m core.training.prepare NAME` does it in a process of its own; where the file exists already, nothing is
loaded and it ends at once.
"""

from __future__ import annotations

import sys
from pathlib import Path

from core import store
from core.backbones import Backbone, get_backbone
from core.processes import spawn

_VERSION = 1
"""Raised when the extractor's graph changes, so that features kept from before are not mixed with new ones."""


def extractor_id(backbone: Backbone, *, multi_level: bool) -> str:
    """Names an extractor and all features made with it."""
    return f"{backbone.name}-{'multi' if multi_level else 'last'}-v{_VERSION}"


def extractor_path(backbone: Backbone, *, multi_level: bool) -> Path:
    """Where the converted extractor lies in the data home; it may not exist yet."""
    return store.data_home() / "backbones" / f"{extractor_id(backbone, multi_level=multi_level)}.tflite"


def prepare(backbone: Backbone, *, multi_level: bool) -> Path:
    """The extractor's file, converted now if it is missing (about 10 s). Loads TensorFlow only then."""
    path = extractor_path(backbone, multi_level=multi_level)
    if not path.is_file() or path.stat().st_size < backbone.parameters * 3:  # a file that something cut short
        from core.backbones.lite import build
        from core.export.convert import to_tflite

        store.write_bytes(path, to_tflite(build(backbone, multi_level=multi_level)))
    return path


def prepare_in_background(backbone: Backbone, *, multi_level: bool) -> None:
    """Starts the conversion in a quiet process of its own, unless the file is there; does not wait."""
    if not extractor_path(backbone, multi_level=multi_level).is_file():
        spawn("core.training.prepare", [backbone.name])


if __name__ == "__main__":
    prepare(get_backbone(sys.argv[1]), multi_level=True)
