"""A linear head on what frozen backbones see: all that such a training has learned, in a small file.

The `.tflite` file and the Keras model are both made from it. Loads no TensorFlow until a Keras model is asked for.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from core.config.backbones import get_backbone
from core.config.export_formats import Weights
from core.models.feature_extractor import ExtractorSpec, build_extractor
from core.models.litert_join import joined
from core.models.litert_weights import with_float16_weights, with_int8_weights
from core.system import storage
from core.system.errors import ModelError

if TYPE_CHECKING:
    import keras

_SMALLER = {"float16": with_float16_weights, "int8": with_int8_weights}


@dataclass(frozen=True)
class FrozenClassifier:
    """`extractors`: what looks at a picture, all at one size; `kernel` float32 (F, K) and `bias` float32 (K,): the head of all
    their features side by side."""

    extractors: tuple[ExtractorSpec, ...]
    kernel: np.ndarray
    bias: np.ndarray

    def tflite(self, weights: Weights = "float32", temperature: float = 1.0) -> bytes | None:
        """The `.tflite` file: one picture float32 (1, S, S, 3) in 0..255 -> softmax(logits / temperature) (1, K), its weights
        stored as `weights` says. None while one of the backbones is not there as such a file; this converts none."""
        if not all(spec.ready for spec in self.extractors):
            return None
        files = [spec.path.read_bytes() for spec in self.extractors]
        made = joined(files, self.kernel / np.float32(temperature), self.bias / np.float32(temperature))
        return made if weights == "float32" else _SMALLER[weights](made)

    def keras_model(self) -> keras.Model:
        """Pictures float32 (N, S, S, 3) in 0..255 -> probabilities (N, K). Loads TensorFlow. Raises ModelError if the weights
        of a backbone are not there."""
        return classifier([build_extractor(spec) for spec in self.extractors], self.kernel, self.bias)

    def as_bytes(self) -> bytes:
        """What `read` reads."""
        told = [asdict(spec) | {"backbone": spec.backbone.name, "id": spec.id} for spec in self.extractors]
        with io.BytesIO() as file:
            np.savez(file, extractors=np.array(json.dumps(told)), kernel=self.kernel, bias=self.bias)
            return file.getvalue()

    @classmethod
    def read(cls, file: Path) -> Self:
        """What `as_bytes` wrote. Raises ModelError if it is damaged, or if the backbones have changed since."""
        try:
            kept = storage.read_arrays(file)
            told: list[dict[str, Any]] = json.loads(kept["extractors"].item())
            ids = [spec.pop("id") for spec in told]
            extractors = tuple(ExtractorSpec(**spec | {"backbone": get_backbone(spec["backbone"])}) for spec in told)
            kernel, bias = kept["kernel"].astype(np.float32), kept["bias"].astype(np.float32)
        except (OSError, KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise ModelError("What this training has learned is damaged.", "Train again.") from error
        if ids != [spec.id for spec in extractors]:
            raise ModelError(
                "This was trained by a version of Fieldguide whose networks look at pictures in another way.",
                "Train again; until then it can be tested as it is.",
            )
        return cls(extractors, kernel, bias)


def exact(specs: Sequence[ExtractorSpec]) -> tuple[ExtractorSpec, ...]:
    """Those that compute by floats, of which the files that are taken away are made."""
    return tuple(replace(spec, integer=False) for spec in specs)


def classifier(extractors: Sequence[keras.Model], kernel: np.ndarray, bias: np.ndarray) -> keras.Model:
    """Backbones of one input size, head and softmax in one model: float32 (N, S, S, 3) in 0..255 -> probabilities (N, K)."""
    import keras

    if len(extractors) == 1:
        picture, features = extractors[0].input, extractors[0].output
    else:
        picture = keras.Input(extractors[0].input_shape[1:], name="picture")
        # One that learned beside the same one that did not has its name, and each must have its own.
        named = [keras.Model(each.input, each.output, name=f"{each.name}_{n}") for n, each in enumerate(extractors)]
        features = keras.layers.Concatenate(name="all_features")([extractor(picture) for extractor in named])
    dense = keras.layers.Dense(kernel.shape[1], name="logits")
    outputs = keras.layers.Softmax(name="probabilities")(dense(features))
    dense.set_weights([kernel, bias])
    return keras.Model(picture, outputs, name="classifier")
