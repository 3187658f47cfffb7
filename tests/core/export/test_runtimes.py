"""Files for older programs: integers that mean the same everywhere, and what each file says that it needs."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from core import Run
from core.config.export_formats import ALL
from core.export.requirements import needs_of, runtime_of

INTEGER = ("int8", "uint8", "teachable-machine-quantized", "dynamic")
_FULLY_CONNECTED, _CONVOLUTION = schema.BuiltinOperator.FULLY_CONNECTED, schema.BuiltinOperator.CONV_2D


def weights(model: bytes, operator: int) -> list[int]:
    """For each such operation of a file, how many scales its weights have; 0 where they are floats."""
    root = schema.Model.GetRootAs(model, 0)
    graph, scales = root.Subgraphs(0), []
    for position in range(graph.OperatorsLength()):
        one = graph.Operators(position)
        code = root.OperatorCodes(one.OpcodeIndex())
        if max(code.BuiltinCode(), code.DeprecatedBuiltinCode()) == operator:
            found = graph.Tensors(one.Inputs(1)).Quantization()
            scales.append(found.ScaleLength() if found else 0)
    return scales


def pictures(side: int = 16) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    yield from rng.integers(0, 256, (20, side, side, 3), np.uint8)


def network(*, inside: bool = False) -> Any:
    """Five classes with weights of very different size; `inside`: with a product of matrices that is no dense layer."""
    import keras

    class Product(keras.layers.Layer):
        def build(self, shape: tuple[int, ...]) -> None:
            self.kernel = self.add_weight(shape=(shape[-1], 8), initializer="glorot_uniform")

        def call(self, features: Any) -> Any:
            return keras.ops.matmul(features, self.kernel)

    keras.utils.set_random_seed(1)
    picture = keras.Input((16, 16, 3))
    x = keras.layers.Rescaling(1 / 255)(picture)
    x = keras.layers.Flatten()(keras.layers.Conv2D(4, 3, activation="relu")(x))
    x = Product()(x) if inside else keras.layers.Dense(12, activation="relu", use_bias=False)(x)
    dense = keras.layers.Dense(5)
    model = keras.Model(picture, keras.layers.Softmax()(dense(x)))
    kernel, bias = dense.get_weights()
    dense.set_weights([kernel * np.array([30, 10, 3, 1, 0.3]), bias + np.arange(5) / 10])
    return model


@pytest.mark.parametrize("kind", INTEGER)
@pytest.mark.slow
def test_no_dense_layer_has_a_scale_for_each_class(kind: str) -> None:
    from core.models.litert_conversion import to_tflite

    model = network()
    before = model.predict(np.stack(list(pictures())).astype(np.float32), verbose=0)
    made = to_tflite(model, kind, pictures(224 if "teachable" in kind else 16))
    assert weights(made, _FULLY_CONNECTED) == []
    assert 5 in weights(made, _CONVOLUTION) or kind == "dynamic"  # of small weights those stay floats
    assert runtime_of(made) < (2, 10)
    np.testing.assert_array_equal(
        model.predict(np.stack(list(pictures())).astype(np.float32), verbose=0), before
    )  # the model itself is as it was


@pytest.mark.slow
def test_answers_are_those_of_the_model() -> None:
    from core.models.litert_conversion import to_tflite

    model = network()
    interpreter = Interpreter(model_content=to_tflite(model, "int8", pictures()))
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    for picture in pictures():
        interpreter.set_tensor(source["index"], (picture.astype(int) - 128).astype(np.int8)[None])
        interpreter.invoke()
        said = (interpreter.get_tensor(target["index"])[0].astype(float) + 128) / 256
        np.testing.assert_allclose(said, model.predict(picture[None].astype(np.float32), verbose=0)[0], atol=0.06)


@pytest.mark.slow
def test_what_is_no_layer_of_ours_has_one_scale() -> None:
    """Fails where the converter's own switch, which is private, has moved."""
    from core.models.litert_conversion import to_tflite

    assert weights(to_tflite(network(inside=True), "int8", pictures()), _FULLY_CONNECTED) == [1]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
def test_each_kind_says_which_programs_open_its_file(trained: Run, tmp_path: Path) -> None:
    import keras
    import tensorflow as tf

    from core.models.whole_files import save_whole

    assert needs_of(ALL["float32"], trained.records.tflite) == (
        "ai-edge-litert", "LiteRT, or TensorFlow Lite 2.5 or later.",
    )  # fmt: skip
    network().save(tmp_path / "model.keras")
    install, words = needs_of(ALL["keras"], tmp_path / "model.keras")
    assert install == f'tensorflow "keras>={keras.__version__}"'
    assert words == f"Keras {keras.__version__} or later. For older programs take h5, saved-model, or float32."
    save_whole(network(), "saved-model", tmp_path / "saved")
    assert needs_of(ALL["saved-model"], tmp_path / "saved")[1] == f"TensorFlow 2; it was written by {tf.__version__}."
    (tmp_path / "damaged.onnx").write_bytes(b"")
    assert needs_of(ALL["onnx"], tmp_path / "damaged.onnx")[1].startswith("A program that reads ONNX")


@pytest.mark.slow
def test_a_file_that_asks_for_a_newer_program_says_so(trained: Run, tmp_path: Path) -> None:
    content = bytearray(trained.records.tflite.read_bytes())
    root = schema.Model.GetRootAs(content, 0)
    entry = next(e for e in map(root.Metadata, range(root.MetadataLength())) if e.Name() == b"min_runtime_version")
    data = root.Buffers(entry.Buffer())
    start = data._tab.Vector(data._tab.Offset(4))
    content[start : start + 6] = b"2.17.0"
    (tmp_path / "new.tflite").write_bytes(content)
    assert needs_of(ALL["dynamic"], tmp_path / "new.tflite")[1] == "LiteRT, or TensorFlow Lite 2.17 or later."


@pytest.mark.slow
def test_a_keras_file_is_asked_for_its_version(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as parts:
        parts.writestr("metadata.json", json.dumps({"keras_version": "3.13.2"}))
    assert "Keras 3.13.2 or later" in needs_of(ALL["keras"], tmp_path / "model.keras")[1]
