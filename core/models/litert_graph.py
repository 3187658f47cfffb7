"""The graph in a .tflite file, to be read, added to and written, without TensorFlow.

Layout: schema.fbs of LiteRT (`ai_edge_litert.schema_py_generated`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

_ALIGNED = 16  # bytes; schema.fbs asks for it (force_align), and readers map weights as they lie in the file
_VERSION_BYTES = 16
_TYPES = {np.dtype("<f4"): schema.TensorType.FLOAT32, np.dtype("<f2"): schema.TensorType.FLOAT16}


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


class Graph:
    """The one graph of a model with one input and one output. Tensors are told by their numbers."""

    def __init__(self, content: bytes) -> None:
        """Reads a .tflite file. Raises ValueError if it has more than one graph, input or output."""
        self.model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
        if len(self.model.subgraphs) != 1:
            raise ValueError("expected one graph in a file")
        self._graph = self.model.subgraphs[0]
        _only(self._graph.inputs)
        _only(self._graph.outputs)

    @property
    def input(self) -> int:
        """What it is given."""
        return _only(self._graph.inputs)

    @property
    def output(self) -> int:
        """What it answers."""
        return _only(self._graph.outputs)

    @output.setter
    def output(self, number: int) -> None:
        self._graph.outputs = np.array([number], np.int32)
        for signature in self.model.signatureDefs or []:
            signature.outputs[0].tensorIndex = number

    @property
    def tensors(self) -> list[Any]:
        """All tensors (TensorT), in order."""
        return self._graph.tensors

    @property
    def operators(self) -> list[Any]:
        """All operators (OperatorT), in the order in which they run."""
        return self._graph.operators

    @operators.setter
    def operators(self, operators: list[Any]) -> None:
        self._graph.operators = operators

    def width(self, number: int) -> int:
        """The last dimension of a tensor."""
        return int(self.tensors[number].shape[-1])

    def values(self, number: int) -> np.ndarray | None:
        """The fixed values of a tensor of floats, as it is shaped; None where they are computed, or of another type."""
        tensor = self.tensors[number]
        content = self.model.buffers[tensor.buffer].data
        if tensor.type != schema.TensorType.FLOAT32 or content is None or not len(content):
            return None
        return np.frombuffer(content.tobytes(), "<f4").reshape(tuple(tensor.shape) if tensor.shape is not None else ())

    def whole(self, number: int) -> np.ndarray:
        """The fixed values of a tensor of int8, as it is shaped."""
        tensor = self.tensors[number]
        return np.frombuffer(self.model.buffers[tensor.buffer].data.tobytes(), np.int8).reshape(tuple(tensor.shape))

    def constant(self, name: str, values: np.ndarray) -> int:
        """Adds a tensor of fixed values, float32 or float16."""
        return self._tensor(name, values.shape, _TYPES[values.dtype.newbyteorder("<")], self.buffer(values))

    def buffer(self, values: np.ndarray) -> int:
        """Adds fixed values; returns the number of their buffer."""
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(values.astype(values.dtype.newbyteorder("<")).tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        return len(self.model.buffers) - 1

    def computed(self, name: str, width: int, inputs: Sequence[int], operator: int, options: Any) -> int:
        """Adds a tensor float32 (1, width) that an operator makes of others."""
        found = self._tensor(name, (1, width), schema.TensorType.FLOAT32, 0)
        self.operators.append(self.operator(operator, inputs, found, options))
        return found

    def operator(self, operator: int, inputs: Sequence[int], output: int, options: Any, version: int = 1) -> Any:
        """An operator that makes a tensor of others; it does not run yet."""
        step = schema.OperatorT()
        step.opcodeIndex = self.code(operator, version)
        step.inputs, step.outputs = np.array(inputs, np.int32), np.array([output], np.int32)
        step.builtinOptions = options
        step.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        return step

    def kind(self, step: Any) -> int:
        """Which operator one is (schema.BuiltinOperator)."""
        return int(self.model.operatorCodes[step.opcodeIndex].builtinCode)

    def code(self, operator: int, version: int = 1) -> int:
        """The number of an operator's code. `version`: the oldest one that does it, so that the oldest programs know it."""
        for number, code in enumerate(self.model.operatorCodes):
            if code.builtinCode == operator and code.version == version:
                return number
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = operator  # older programs read the second one
        code.version = version
        self.model.operatorCodes.append(code)
        return len(self.model.operatorCodes) - 1

    def needs_runtime(self, version: str) -> None:
        """Notes the oldest TensorFlow Lite that knows all operators, as "2.4.0", if the file does not ask for a newer one."""
        for entry in self.model.metadata or []:
            if entry.name == b"min_runtime_version":
                buffer = self.model.buffers[entry.buffer]
                noted = bytes(buffer.data).rstrip(b"\0").decode()
                newest = max(noted, version, key=lambda each: [int(part) for part in each.split(".")])
                buffer.data = np.frombuffer(newest.encode().ljust(_VERSION_BYTES, b"\0"), np.uint8)

    def packed(self) -> bytes:
        """The .tflite file, without fixed values that nothing refers to any more."""
        used = {each.buffer for each in [*self.tensors, *(self.model.metadata or [])]}
        for number, buffer in enumerate(self.model.buffers):
            if number not in used:
                buffer.data = None
        builder = _Builder(sum(len(each.data) for each in self.model.buffers if each.data is not None) + 100_000)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def _tensor(self, name: str, shape: Sequence[int], type_: int, buffer: int) -> int:
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.buffer, tensor.type = name.encode(), np.array(shape, np.int32), buffer, type_
        self.tensors.append(tensor)
        return len(self.tensors) - 1


def _only(numbers: Sequence[int]) -> int:
    if len(numbers) != 1:
        raise ValueError(f"expected one input and one output of a file. Received: {list(numbers)}")
    return int(numbers[0])
