"""Reads weights from PyTorch's old (non-zip) file format, without PyTorch and without running code from the file.

The format: five pickles (magic number, protocol, system information, the state dictionary whose tensors refer to
storages by key, and the list of storage keys), then for each key an int64 element count and its raw data.
Source: torch/serialization.py, `_legacy_load`.
"""

from __future__ import annotations

import hashlib
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from core.system.errors import ModelError

_MAGIC = 0x1950A86A20F9469CFC6C


class _Storage(NamedTuple):
    dtype: str
    key: str


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _rebuild_tensor(storage: _Storage, offset: int, shape: Any, strides: Any, *_: Any) -> _Tensor:
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


_ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch", "FloatStorage"): "<f4",
    ("torch", "LongStorage"): "<i8",
}


class _SafeUnpickler(pickle.Unpickler):
    """Knows the four names that a file of plain weights needs, and refuses every other."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise ModelError(f"The weights file asks for {module}.{name}, which plain weights never need.") from None

    def persistent_load(self, pid: Any) -> _Storage:
        _kind, dtype, key, _location, _count, _view = pid
        return _Storage(dtype, key)


def _read_storages(file: BinaryIO, keys: list[str], dtypes: dict[str, str]) -> dict[str, np.ndarray]:
    storages = {}
    for key in keys:
        count = int.from_bytes(file.read(8), "little")
        storages[key] = np.frombuffer(file.read(count * np.dtype(dtypes[key]).itemsize), dtype=dtypes[key])
    return storages


def read_weights(path: Path, sha256: str) -> dict[str, np.ndarray]:
    """Name -> array (float32 or int64, PyTorch's axis order) of every tensor in the file.

    Raises ModelError if the file's SHA-256 is not `sha256`, or if it is not plain weights.
    """
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ModelError(
            f"The weights file {path.name} is damaged.", "Reinstall Fieldguide to fetch the weights package again."
        )
    with path.open("rb") as file:
        magic, _protocol, _system, tensors, keys = (_SafeUnpickler(file).load() for _ in range(5))
        if magic != _MAGIC:
            raise ModelError(f"{path.name} is not a weights file of the expected format.")
        storages = _read_storages(file, keys, {t.storage.key: t.storage.dtype for t in tensors.values()})
    arrays = {}
    for name, tensor in tensors.items():
        flat = storages[tensor.storage.key][tensor.offset :]
        strides = tuple(step * flat.itemsize for step in tensor.strides)
        arrays[name] = np.lib.stride_tricks.as_strided(flat, tensor.shape, strides, writeable=False)
    return arrays
