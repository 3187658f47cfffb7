"""What this computer made is told from what came with a folder: it is signed with a key that lies in the data home.

A signature says that these bytes were written here, or that a person called them trusted here; it says nothing of where
they lie now. HMAC with SHA-256 (RFC 2104). Anyone who can read the data home can sign, and could do worse.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from filelock import FileLock

from core.system import storage

_KEY_BYTES = 32
_FILE = "signatures.json"
"""Beside the files that it signs: their names and signatures."""


def sign(purpose: str, content: bytes) -> str:
    """The signature of `content` for one `purpose`, as hex. Raises OSError if the key cannot be kept."""
    return hmac.new(_key(storage.data_home()), purpose.encode() + b"\0" + content, hashlib.sha256).hexdigest()


def is_signed(purpose: str, content: bytes, signature: object) -> bool:
    """Whether this computer made the signature for this purpose and content."""
    try:
        return isinstance(signature, str) and hmac.compare_digest(
            sign(purpose, content).encode(), signature.encode("utf-8", "replace")
        )
    except OSError:
        return False


def sign_files(*files: Path) -> None:
    """Says of files of one folder that they were made here. Raises OSError if that cannot be written."""
    _note({file: _digest(file) for file in files})


def write_signed(file: Path, content: bytes) -> None:
    """Writes a file, as `store.write_bytes` does, that counts as made here from its first moment on."""
    _note({file: hashlib.sha256(content).digest()})
    storage.write_bytes(file, content)


def _note(digests: Mapping[Path, bytes]) -> None:
    made = {file.name: sign(file.name, digest) for file, digest in digests.items()}
    for folder in {file.parent for file in digests}:
        storage.update_json(folder / _FILE, lambda known: (known if isinstance(known, dict) else {}) | made)


def made_here(file: Path) -> bool:
    """Whether a file, as it is now, was made on this computer, or trusted on it; False where it is missing."""
    try:
        status = file.stat()
        signature = storage.read_json(file.with_name(_FILE))[file.name]
        return _made_here(file, str(signature), storage.data_home(), status.st_mtime_ns, status.st_size)
    except (OSError, TypeError, KeyError):
        return False


@lru_cache(maxsize=512)
def _made_here(file: Path, signature: str, home: Path, modified_ns: int, size: int) -> bool:  # noqa: ARG001 - the key
    return is_signed(file.name, _digest(file), signature)


def _digest(file: Path) -> bytes:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").digest()


@lru_cache(maxsize=4)
def _key(home: Path) -> bytes:
    path = home / ".key"
    with FileLock(home / ".key.lock", timeout=60):
        with suppress(FileNotFoundError):
            found = path.read_bytes()
            if len(found) == _KEY_BYTES:
                return found
        made = secrets.token_bytes(_KEY_BYTES)
        storage.write_bytes(path, made, private=True)
    return made
