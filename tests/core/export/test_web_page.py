"""The web page that needs nothing, without a browser: where what runs the model comes from, and that names stay text."""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path

import pytest

from core import Run, export
from core.export import litert_js, web_page
from core.system.errors import ModelError

CODE = """import { createWasmLib } from "@litertjs/wasm-utils";
const loadLiteRt = 1;
export {
  loadLiteRt
};
//# sourceMappingURL=index.js.map"""


@pytest.fixture
def litert(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files such as LiteRT.js has, packed nowhere."""
    folder = tmp_path / "litert"
    folder.mkdir()
    for name, content in zip(litert_js.ALONE, (CODE, "var ModuleFactory", "wasm"), strict=True):
        (folder / name).write_text(content)
    monkeypatch.setattr(litert_js, "PACKED", tmp_path / "not packed")
    return folder


def test_what_is_packed_or_kept_is_used(litert: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[str] = []
    kept = own_home / "litert-js" / litert_js.VERSION
    kept.parent.mkdir(parents=True)
    litert.rename(kept)
    assert web_page.runtime(lambda: fetched.append("kept")) == kept
    monkeypatch.setattr(litert_js, "PACKED", litert)
    kept.rename(litert)
    assert web_page.runtime(lambda: fetched.append("packed")) == litert
    assert fetched == []


@pytest.mark.usefixtures("litert", "own_home")
def test_where_it_cannot_be_had_that_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    said: list[str] = []
    with pytest.raises(ModelError, match="or install Node"):
        web_page.runtime(lambda: said.append("fetching"))
    assert said == ["fetching"]


def test_everything_is_inside_and_names_end_no_element(litert: Path) -> None:
    spec = {"classes": ["</script><b>", "{{model}}", "<!--", "\u2028"]}
    page = web_page.alone(spec, b"the model", litert)
    texts = dict(re.findall(r'<script type="[a-z/]+" id="(\w+)">(.*?)</script>', page))
    assert json.loads(texts["spec"]) == spec
    assert gzip.decompress(base64.b64decode(texts["model"])) == b"the model"
    assert gzip.decompress(base64.b64decode(texts["wasm"])) == b"wasm"
    assert "var ModuleFactory" in page
    assert "window.litert = {" in page
    assert "default-src 'none'" in page
    for outside in ("sourceMappingURL", "@litertjs/core", "export {", "fetch(", " src=", "importmap"):
        assert outside not in page, outside


def test_it_ends_in_html(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"a\.zip ends in neither \.tflite nor \.html"):
        export(Run(tmp_path), "web-page", tmp_path / "a.zip")
