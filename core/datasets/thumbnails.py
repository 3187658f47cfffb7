"""Small pictures of a project's, as a model sees them: made once, then kept in its home."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from core.config.framing import Framing
from core.imaging import decode
from core.system import storage
from core.system.errors import PictureError
from core.system.naming import is_digest


def thumbnail(home: Path, content: str, framing: Framing, find: Callable[[str], Path]) -> bytes:
    """JPEG bytes of a picture, by its id; `find` gives its file, and is asked only where none is kept.

    Raises PictureError if the file is gone or went bad since.
    """
    if not is_digest(content):
        raise PictureError("the file is gone")
    name = f"{content}-{framing.mark}".rstrip("-")
    kept = home / "thumbnails" / content[:2] / f"{name}.jpg"
    with suppress(OSError):
        made = storage.read_bytes(kept, decode.MAX_THUMBNAIL)
        if made:
            return made
    made = decode.thumbnail(find(content), framing)
    with suppress(OSError):  # on a full disk it is made again next time
        storage.write_bytes(kept, made, durable=False)
    return made
