"""LiteRT.js comes by npm, whole or not at all, and an installation goes on without it."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest
from setuptools import Distribution

from core.export import litert_js, packing_hook
from tests.pictures import encoded, noise

PACKAGE = "@litertjs/core@9"
NPM = """#!{python}
import pathlib, shutil, sys
assert sys.argv[1:3] == ["pack", "{package}"]
shutil.copy("{archive}", pathlib.Path(sys.argv[-1], "litertjs-core-9.tgz"))
"""


@pytest.fixture
def nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs, empty: there is no npm, and pip finds nothing."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return programs


@pytest.fixture
def npm(nothing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """An npm that has one package, with one file of these bytes."""
    content = encoded(noise(1))
    (tmp_path / "inside").write_bytes(content)
    archive = tmp_path / "package.tgz"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(tmp_path / "inside", "package/dist/index.js")
    program = nothing / "npm"
    program.write_text(NPM.format(python=sys.executable, package=PACKAGE, archive=archive))
    program.chmod(0o755)
    checksum = hashlib.sha256(archive.read_bytes()).hexdigest()
    monkeypatch.setattr(litert_js, "FILES", {PACKAGE: (checksum, {"package/dist/index.js": "core.js"})})
    return content


def test_what_is_missing_is_fetched_once(npm: bytes, nothing: Path, tmp_path: Path) -> None:
    litert_js.fetch(tmp_path / "litert")
    assert {file.name: file.read_bytes() for file in (tmp_path / "litert").iterdir()} == {"core.js": npm}
    (nothing / "npm").unlink()
    litert_js.fetch(tmp_path / "litert")
    with pytest.raises(litert_js.FetchError):
        litert_js.fetch(tmp_path / "elsewhere")


def test_a_file_that_was_cut_off_is_fetched_again(npm: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(path: Path, content: bytes) -> int:
        with path.open("wb") as file:
            file.write(content[:10])
        raise OSError("no space left")

    folder = tmp_path / "litert"
    with monkeypatch.context() as full:
        full.setattr(Path, "write_bytes", cut)
        with pytest.raises(OSError, match="no space"):
            litert_js.fetch(folder)
    litert_js.fetch(folder)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == {"core.js": npm}


def test_an_archive_with_another_checksum_is_not_used(
    npm: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(litert_js, "FILES", {PACKAGE: ("0" * 64, {"package/dist/index.js": "core.js"})})
    with pytest.raises(litert_js.FetchError, match="checksum differs"):
        litert_js.fetch(tmp_path / "litert")
    assert not (tmp_path / "litert").exists()


def test_where_it_cannot_be_had_two_sentences_say_so(nothing: Path, tmp_path: Path) -> None:
    with pytest.raises(litert_js.FetchError) as raised:
        litert_js.fetch(tmp_path / "litert", litert_js.ALONE)
    message, hint = raised.value.args
    assert message == "LiteRT.js, which runs models in a browser, cannot be fetched."
    assert "install Node.js" in hint


def test_an_installation_goes_on_without_it(nothing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("litert_js.py", "packing_hook.py"):
        shutil.copy(Path(packing_hook.__file__).with_name(name), tmp_path)
    monkeypatch.setattr(packing_hook, "__file__", str(tmp_path / "packing_hook.py"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alone.py").write_text("")
    command = packing_hook.BuildPy(Distribution({"name": "x", "py_modules": ["alone"]}))
    command.ensure_finalized()
    command.run()
    assert [file.name for file in Path(command.build_lib).iterdir()] == ["alone.py"]
    assert not (tmp_path / "litert").exists()


def test_an_installation_runs_the_hook_and_takes_what_it_packs() -> None:
    tool = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    hook = tool["setuptools"]["cmdclass"]["build_py"]
    assert hook == f"{packing_hook.BuildPy.__module__}.{packing_hook.BuildPy.__name__}"
    assert f"{litert_js.PACKED.parent.name}/**" in tool["setuptools"]["package-data"]["core.export"]
