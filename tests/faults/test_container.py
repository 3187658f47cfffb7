"""The container, as far as it can be tried without one: its words are those that start a server which answers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from core.export import litert_js
from tests.serving import ROOT, serving

DOCKERFILE = (ROOT / ".github" / "Dockerfile").read_text(encoding="utf-8")


def words_of(instruction: str) -> list[str]:
    found = re.search(rf"^{instruction} (?:--\S+ CMD )?(\[.*\])$", DOCKERFILE, re.MULTILINE)
    assert found, instruction
    python, *rest = json.loads(found[1])
    assert python == "python"
    return [sys.executable, *rest]


@pytest.mark.skipif(sys.platform != "linux", reason="needs a second address of this computer")
def test_its_server_answers_on_every_address_but_to_its_own_name_only(tmp_path: Path) -> None:
    with serving(words_of("ENTRYPOINT"), ROOT, environment={"FIELDGUIDE_HOME": str(tmp_path)}) as server:

        def status(host: str, path: str = "/") -> int:
            # Another address than the one at which a server listens that is for this computer only.
            request = urllib.request.Request(f"http://127.0.0.2:{server.port}{path}", headers={"Host": host})
            try:
                return int(urllib.request.urlopen(request, timeout=30).status)
            except urllib.error.HTTPError as error:
                return error.code

        assert status(f"localhost:{server.port}") == 200
        assert status("elsewhere.example") == 403
        # A school's server has another name, and what asks after its health calls it localhost.
        assert status("elsewhere.example", "/_stcore/health") == 200
        *python, program = words_of("HEALTHCHECK")
        for port, healthy in ((server.port, True), (1, False)):
            asked = [*python, program.replace(":8501/", f":{port}/")]
            assert (subprocess.run(asked, stderr=subprocess.DEVNULL, check=False).returncode == 0) == healthy


def test_it_copies_what_it_installs() -> None:
    ignored = (ROOT / ".github" / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    for needed in ("core", "pages", "sample_data", "app.py", "pyproject.toml", "README.md", "LICENSE", ".streamlit"):
        assert (ROOT / needed).exists()
        assert needed not in ignored
    assert re.search(r"^USER fieldguide$", DOCKERFILE, re.MULTILINE)  # not as root


def test_it_fetches_what_web_pages_have_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[tuple[object, ...]] = []
    monkeypatch.setattr(litert_js, "fetch", lambda *what: fetched.append(what))
    found = re.search(r'^RUN python -c "(.*)" \|\| true$', DOCKERFILE, re.MULTILINE)
    assert found
    exec(found[1], {})
    assert fetched == [(litert_js.PACKED, litert_js.ALONE)]
