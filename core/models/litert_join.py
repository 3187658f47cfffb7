"""A head behind frozen backbones, joined as .tflite files: a dense layer and a softmax are added to what is converted already,
in place of a conversion of the whole by TensorFlow, which takes seconds.

Layout: schema.fbs of LiteRT (`ai_edge_litert.schema_py_generated`). Loads no TensorFlow.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

_ALIGNED = 16  # bytes; schema.fbs asks for it (force_align), and readers map weights as they lie in the file
_VERSION = 1  # of the operators that are added: the first one each, which the oldest programs know


class _Builder(flatbuffers.Builder):
    """Writes the weights where readers want them to lie."""

    def CreateNumpyVector(self, x: np.ndarray) -> int:  # noqa: N802 - as the base class calls it
        """As the base class does, but bytes begin at multiples of 16."""
        if x.dtype != np.uint8:
            return int(super().CreateNumpyVector(x))
        self.StartVector(1, x.size, _ALIGNED)
        self.head -= x.size
        self.Bytes[self.head : self.head + x.size] = x.tobytes()
        self.vectorNumElems = x.size
        return int(self.EndVector())


def joined(extractors: Sequence[bytes], kernel: np.ndarray, bias: np.ndarray) -> bytes:
    """One .tflite file: float32 (1, S, S, 3) in 0..255 -> probabilities float32 (1, K).

    `extractors`: .tflite files of backbones of one input size, each float32 (1, S, S, 3) -> features float32 (1, F_i); `kernel`
    float32 (F, K) and `bias` float32 (K,): the head of all features side by side. Raises ValueError for extractors of more
    than one graph, input or output, and for a head that does not fit.
    """
    model = _read(extractors[0])
    features = [_only(model.subgraphs[0].outputs)]
    for other in extractors[1:]:
        features.append(_append(model, _read(other)))
    graph = _Graph(model)
    both = features[0]
    widths = [int(model.subgraphs[0].tensors[each].shape[1]) for each in features]
    if sum(widths) != kernel.shape[0]:
        raise ValueError(f"expected a kernel of {sum(widths)} features. Received: {kernel.shape}")
    if len(features) > 1:
        options = schema.ConcatenationOptionsT()
        options.axis = 1
        both = graph.computed("features", sum(widths), features, schema.BuiltinOperator.CONCATENATION, options)
    weights = [graph.constant("kernel", np.ascontiguousarray(kernel.T, np.float32)), graph.constant("bias", bias)]
    dense = schema.FullyConnectedOptionsT()
    logits = graph.computed("logits", len(bias), [both, *weights], schema.BuiltinOperator.FULLY_CONNECTED, dense)
    softmax = schema.SoftmaxOptionsT()
    softmax.beta = 1.0
    answer = graph.computed("probabilities", len(bias), [logits], schema.BuiltinOperator.SOFTMAX, softmax)
    model.subgraphs[0].outputs = np.array([answer], np.int32)
    for signature in model.signatureDefs or []:
        signature.outputs[0].tensorIndex = answer
    builder = _Builder(sum(map(len, extractors)) + kernel.nbytes + 100_000)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


class _Graph:
    """The one graph of a model, to which tensors and operators are added."""

    def __init__(self, model: Any) -> None:
        self._model, self._graph = model, model.subgraphs[0]

    def constant(self, name: str, values: np.ndarray) -> int:
        """A tensor of fixed values; returns its number."""
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(values.astype("<f4").tobytes(), np.uint8)
        self._model.buffers.append(buffer)
        return self._tensor(name, values.shape, len(self._model.buffers) - 1)

    def computed(self, name: str, width: int, inputs: Sequence[int], operator: int, options: Any) -> int:
        """A tensor (1, width) that an operator makes of others; returns its number."""
        found = self._tensor(name, (1, width), 0)
        step = schema.OperatorT()
        step.opcodeIndex = self._code(operator)
        step.inputs, step.outputs = np.array(inputs, np.int32), np.array([found], np.int32)
        step.builtinOptions = options
        step.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        self._graph.operators.append(step)
        return found

    def _tensor(self, name: str, shape: Sequence[int], buffer: int) -> int:
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.buffer = name.encode(), np.array(shape, np.int32), buffer
        tensor.type = schema.TensorType.FLOAT32
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def _code(self, operator: int) -> int:
        for number, code in enumerate(self._model.operatorCodes):
            if code.builtinCode == operator and code.version == _VERSION:
                return number
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = operator  # older programs read the second one
        code.version = _VERSION
        self._model.operatorCodes.append(code)
        return len(self._model.operatorCodes) - 1


def _read(content: bytes) -> Any:
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    if len(model.subgraphs) != 1:
        raise ValueError("expected one graph in an extractor")
    _only(model.subgraphs[0].inputs)
    _only(model.subgraphs[0].outputs)
    return model


def _only(numbers: Sequence[int]) -> int:
    if len(numbers) != 1:
        raise ValueError(f"expected one input and one output of an extractor. Received: {list(numbers)}")
    return int(numbers[0])


def _append(model: Any, other: Any) -> int:
    """Adds the graph of another model, which looks at the same picture; returns the number of the tensor of its features."""
    graph, more = model.subgraphs[0], other.subgraphs[0]
    buffers, codes = len(model.buffers), len(model.operatorCodes)
    model.buffers += other.buffers
    model.operatorCodes += other.operatorCodes
    picture = _only(more.inputs)
    place: dict[int, int] = {-1: -1, picture: _only(graph.inputs)}
    for number, tensor in enumerate(more.tensors):
        if number != picture:
            place[number] = len(graph.tensors)
            moved = copy(tensor)
            moved.buffer = tensor.buffer + buffers if tensor.buffer else 0
            graph.tensors.append(moved)
    for step in more.operators:
        step.opcodeIndex += codes
        step.inputs = np.array([place[int(each)] for each in step.inputs], np.int32)
        step.outputs = np.array([place[int(each)] for each in step.outputs], np.int32)
        graph.operators.append(step)
    return place[_only(more.outputs)]
