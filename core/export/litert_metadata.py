"""Writes into a .tflite file what Android's libraries look for there: what goes in, what comes out, and the labels.

After `metadata_schema.fbs` of tensorflow/tflite-support (file identifier M001): a small flatbuffer, held by the entry
TFLITE_METADATA of the model, and the labels in a zip behind the model's own end. That project was last released in
2023, so the few tables that are needed are written here.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

_NAME = "TFLITE_METADATA"
_TAKEN = b"CONVERSION_METADATA"
_LABELS = "labels.txt"
_AXIS_LABELS, _IMAGE, _RGB, _NORMALISATION = 2, 2, 1, 1


def with_metadata(model: bytes, title: str, labels: str) -> bytes:
    """The same model with metadata, for input of RGB bytes as they are (mean 0, deviation 1); `labels`: one a line.

    The weights stay where they are: the entry in which the converter describes itself is pointed at what is added at the
    end, because moving a model would lose the alignment of its weights. Without such an entry, or if the model has
    metadata already, it is returned as it is.
    """
    out = bytearray(model)
    root = schema.Model.GetRootAs(out, 0)
    entries = [root.Metadata(i) for i in range(root.MetadataLength())]
    entry = next((entry for entry in entries if entry.Name() == _TAKEN), None)
    if entry is None or any(other.Name() == _NAME.encode() for other in entries):
        return model
    data = root.Buffers(entry.Buffer())._tab
    _append(out, _field(entry._tab, 0), len(_NAME), _NAME.encode() + b"\0")
    described = _described(title)
    _append(out, _field(data, 0), len(described), described)
    packed = io.BytesIO(out)
    with zipfile.ZipFile(packed, "a") as bundle:
        bundle.writestr(zipfile.ZipInfo(_LABELS), labels.encode())
    return packed.getvalue()


def _field(table: flatbuffers.table.Table, number: int) -> int:
    """Where in the file a table keeps the offset of its field."""
    return int(table.Pos + table.Offset(4 + 2 * number))


def _append(out: bytearray, field: int, length: int, content: bytes) -> None:
    """Adds a vector or string at the end, its content at a multiple of 16, and points `field` at it."""
    out += bytes(-(len(out) + 4) % 16)
    out[field : field + 4] = (len(out) - field).to_bytes(4, "little")
    out += length.to_bytes(4, "little") + content


def _described(title: str) -> bytes:
    """ModelMetadata as a flatbuffer; the numbers are the positions of the fields in the schema."""
    b = flatbuffers.Builder(1024)

    def table(fields: int, offsets: dict[int, int], numbers: dict[int, int] | None = None) -> int:
        b.StartObject(fields)
        for number, offset in offsets.items():
            b.PrependUOffsetTRelativeSlot(number, offset, 0)
        for number, value in (numbers or {}).items():
            b.PrependUint8Slot(number, value, 0)
        return int(b.EndObject())

    def vector(offsets: Sequence[int]) -> int:
        b.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            b.PrependUOffsetTRelative(offset)
        return int(b.EndVector())

    def floats(value: float) -> int:
        b.StartVector(4, 1, 4)
        b.PrependFloat32(value)
        return int(b.EndVector())

    unit = table(2, {1: table(2, {0: floats(0.0), 1: floats(1.0)})}, {0: _NORMALISATION})
    content = table(3, {1: table(2, {}, {0: _RGB})}, {0: _IMAGE})
    stats = table(2, {0: floats(255.0), 1: floats(0.0)})
    source = table(7, {0: b.CreateString("image"), 3: content, 4: vector([unit]), 5: stats})
    labels = table(4, {0: b.CreateString(_LABELS)}, {2: _AXIS_LABELS})
    target = table(7, {0: b.CreateString("probability"), 6: vector([labels])})
    graph = table(7, {2: vector([source]), 3: vector([target])})
    b.Finish(table(8, {0: b.CreateString(title), 3: vector([graph]), 7: b.CreateString("1.0.0")}), b"M001")
    return bytes(b.Output())
