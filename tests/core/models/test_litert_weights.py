"""Weights in fewer bytes, without TensorFlow: nearly the same answers, and what older programs know."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from core import Run
from core.export.requirements import runtime_of
from core.models.frozen import FrozenClassifier
from core.models.litert_graph import Graph
from core.models.litert_weights import with_float16_weights, with_int8_weights, with_rounded_weights
from tests.core.models.test_litert_join import PIXELS, said
from tests.pictures import COLOURS, shaded

DEQUANTIZE = schema.BuiltinOperator.DEQUANTIZE


@pytest.fixture(scope="module")
def whole(trained: Run) -> bytes:
    return trained.records.tflite.read_bytes()


@pytest.mark.parametrize(
    ("store", "size", "off", "runtime"),
    [(with_float16_weights, 0.51, 0.01, (1, 15)), (with_int8_weights, 0.28, 0.1, (2, 4))],
    ids=["float16", "int8"],
)
def test_it_answers_nearly_the_same_from_fewer_bytes(whole: bytes, store, size, off, runtime) -> None:  # type: ignore[no-untyped-def]
    made = store(whole)
    assert len(made) < size * len(whole)
    assert runtime_of(made) == runtime
    for colour in COLOURS.values():
        picture = np.asarray(shaded(colour, 9, (PIXELS, PIXELS)), np.float32)[None]
        assert 0 < np.abs(said(made, picture) - said(whole, picture)).max() < off


def test_rounded_weights_answer_as_float16_does_and_pack_into_less(whole: bytes) -> None:
    made, halved = with_rounded_weights(whole), with_float16_weights(whole)
    assert len(made) == pytest.approx(len(whole), rel=0.01)
    assert len(gzip.compress(made, 6)) < 0.65 * len(gzip.compress(whole, 6))
    assert DEQUANTIZE not in {Graph(made).kind(step) for step in Graph(made).operators}
    picture = np.asarray(shaded((90, 90, 90), 3, (PIXELS, PIXELS)), np.float32)[None]
    np.testing.assert_allclose(said(made, picture), said(halved, picture), atol=1e-5)
    assert np.abs(said(made, picture) - said(whole, picture)).max() > 0


def test_convolutions_have_a_scale_for_each_channel_and_what_was_stored_is_the_next_step(whole: bytes) -> None:
    before, after = Graph(whole), Graph(with_int8_weights(whole))
    seen = 0
    for old, new in zip(
        before.operators, [step for step in after.operators if after.kind(step) != DEQUANTIZE], strict=True
    ):
        if len(new.inputs) < 2:
            continue
        tensor, values = after.tensors[new.inputs[1]], before.values(int(old.inputs[1]))
        if tensor.type != schema.TensorType.INT8:
            continue
        seen += 1
        axis = tensor.quantization.quantizedDimension
        scale = tensor.quantization.scale
        assert values is not None
        assert len(scale) == values.shape[axis]
        shape = [-1 if each == axis else 1 for each in range(values.ndim)]
        stored = after.model.buffers[tensor.buffer].data.view(np.int8).reshape(values.shape)
        steps = scale.reshape(shape)
        off = stored - values / steps
        if values.shape[1:3] == (1, 1):
            assert np.abs(off).max() <= 0.5001
        else:  # of a larger window the sum is kept, too
            assert np.abs(off).max() < 1
            assert np.abs(off.sum(axis=(1, 2))).max() <= 0.5001
    assert seen > 30


def test_weights_too_large_for_float16_become_its_largest(trained: Run) -> None:
    head = FrozenClassifier.read(trained.records.frozen)
    kernel = np.full_like(head.kernel, 1e6)
    made = FrozenClassifier(head.extractors, kernel, head.bias).tflite("float16")
    assert made
    answer = said(made, np.zeros((1, PIXELS, PIXELS, 3), np.float32))
    assert np.isfinite(answer).all()
