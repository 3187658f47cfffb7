"""One web page with all that it needs inside: the model, and Google's LiteRT.js, which runs it. A double click opens it.

It is the page that lies in the zips, programs/web/index.html, with another part that loads the model: programs/web/alone.html.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core.export import litert_js
from core.system import storage
from core.system.errors import ModelError

_PAGE = Path(__file__).with_name("programs") / "web" / "index.html"
_BEGIN, _END = "<!-- How it comes by the model: -->\n", "<!-- What it does with it: -->\n"
_CHARSET = '<meta charset="utf-8">\n'
_POLICY = (  # the browser lets it load nothing
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "script-src 'unsafe-inline' 'wasm-unsafe-eval'; style-src 'unsafe-inline'\">\n"
)
_IMPORT, _EXPORT = 'import { createWasmLib } from "@litertjs/wasm-utils";', "\nexport {"


def runtime(said: Callable[[], object]) -> Path:
    """Where LiteRT.js lies: it came with Fieldguide, or is kept in the data home. `said`: called before it is fetched, the
    first time. Raises ModelError where it cannot be had."""
    kept = storage.data_home() / "litert-js" / litert_js.VERSION
    for folder in (litert_js.PACKED, kept):
        if all((folder / name).is_file() for name in litert_js.ALONE):
            return folder
    said()
    try:
        litert_js.fetch(kept, litert_js.ALONE)
    except litert_js.FetchError as error:
        raise ModelError(*error.args) from error
    except OSError as error:
        raise ModelError(
            f"LiteRT.js cannot be kept: {error.strerror or error}.", "Make space, then try again."
        ) from error
    return kept


def alone(spec: Mapping[str, Any], model: bytes, litert: Path) -> str:
    """The page. `spec`: what fieldguide.json holds; `model`: a .tflite file that takes and answers what `spec` says; `litert`:
    where LiteRT.js lies."""
    script = (litert / litert_js.SCRIPT).read_text(encoding="utf-8").partition("\n//# sourceMappingURL")[0]
    inside = {
        "version": litert_js.VERSION,
        "licence": html.escape(_PAGE.with_name("apache-2.0.txt").read_text(encoding="utf-8")),
        "spec": json.dumps(spec).replace("<", "\\u003c"),  # nothing in it ends the element
        "model": _packed(model),
        "wasm": _packed((litert / litert_js.WASM).read_bytes()),
        "loader": (litert / litert_js.LOADER).read_text(encoding="utf-8"),
        "core": script.replace(_IMPORT, "const { createWasmLib } = window;").replace(_EXPORT, "\nwindow.litert = {"),
    }
    template = _PAGE.with_name("alone.html").read_text(encoding="utf-8")
    loading = re.sub(r"\{\{(\w+)\}\}", lambda found: inside[found[1]], template)
    before, _, rest = _PAGE.read_text(encoding="utf-8").replace(_CHARSET, _CHARSET + _POLICY).partition(_BEGIN)
    return before + loading + rest.partition(_END)[2]


def _packed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, 6, mtime=0)).decode()
