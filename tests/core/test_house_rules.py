"""The rules that keep the house in order."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WEB = [ROOT / "app.py", *(ROOT / "pages").rglob("*.py")]


def imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("file", sorted((ROOT / "core").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_core_knows_nothing_of_streamlit(file: Path) -> None:
    assert not any(name.split(".")[0] in ("streamlit", "pages", "plotly") for name in imports(file))


def modules_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    return set(subprocess.check_output([sys.executable, "-c", script], text=True, cwd=ROOT).split())


def test_importing_core_loads_no_tensorflow() -> None:
    modules = modules_after(
        "import core, core.quality.analysis, core.datasets.importing, core.quality.findings, core.datasets.labels"
    )
    assert not modules & {"tensorflow", "keras", "streamlit", "sklearn", "scipy", "cleanlab", "optuna", "sqlalchemy"}


@pytest.mark.slow
def test_the_web_process_never_loads_tensorflow(trained: object, colours: Path) -> None:
    pages = sorted(str(page.relative_to(ROOT)) for page in (ROOT / "pages").glob("*.py"))
    code = f"""
import logging; logging.disable()
from core.datasets.opened import open_project; open_project({str(colours)!r})
from streamlit.testing.v1 import AppTest
for page in {["app.py", *pages]}:
    at = AppTest.from_file("app.py", default_timeout=60)
    at.query_params["project"] = {str(colours)!r}
    at.run()
    if page != "app.py":
        at.switch_page(page).run()
    assert not at.exception, (page, at.exception)
"""
    loaded = modules_after(code)
    assert "streamlit" in loaded
    assert "ai_edge_litert" in loaded
    assert not loaded & {"tensorflow", "keras", "sklearn", "scipy", "cleanlab", "optuna", "sqlalchemy"}


def test_no_file_is_longer_than_one_reads_at_once() -> None:
    files = [
        path
        for room in ("core", "pages")
        for path in (ROOT / room).rglob("*.*")
        if path.suffix in (".py", ".js", ".css")
    ]
    long = {
        str(path): len(path.read_text(encoding="utf-8").splitlines()) for path in files if "litert" not in path.parts
    }
    assert {name: lines for name, lines in long.items() if lines > 350} == {}


def test_no_dangerous_shortcut_is_used() -> None:
    for file in [*WEB, *(ROOT / "core").rglob("*.py")]:
        text = file.read_text(encoding="utf-8")
        assert "unsafe_allow_html" not in text, file
        assert "extractall(" not in text, file


def test_the_launcher_passes_the_settings_of_the_config_file() -> None:
    from core.cli.launch import SAFE_SETTINGS, THEME

    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    for setting in SAFE_SETTINGS:
        name, value = setting.removeprefix("--").split("=")
        section, key = name.split(".")
        expected = config[section][key]
        assert value in expected if isinstance(expected, list) else value == str(expected).lower()
    assert tomllib.loads((ROOT / THEME).read_text())["theme"] == config["theme"]


def test_the_readme_has_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "python -m pip install -e . && streamlit run app.py" in readme
    tests = 'python -m pip install -e ".[test]" && python -m pytest'
    assert tests in readme
    assert tests in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_every_dependency_says_why() -> None:
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    begin = lines.index("dependencies = [")
    for line in lines[begin + 1 : lines.index("]", begin)]:
        assert "#" in line, line


def test_the_guide_names_only_what_is_there_and_every_room() -> None:
    guide = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:core|pages|tests)/[\w./]*|\.ci/\w+|[\w]+\.(?:py|toml))`", guide)
    placeholders = {"core/ROOM/NAME.py", "tests/core/ROOM/test_NAME.py"}
    missing = [name for name in named if name not in placeholders and not (ROOT / name).exists()]
    assert len(named) > 40
    assert not missing
    for folder in (*(ROOT / "core").iterdir(), *(ROOT / "pages" / "shared").iterdir()):
        if (folder / "__init__.py").is_file():
            assert folder.relative_to(ROOT).as_posix() in guide or f"`{folder.name}/`" in guide, folder


def test_the_guide_names_every_worker() -> None:
    guide = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for file in (ROOT / "core").rglob("*worker.py"):
        assert f"`{file.relative_to(ROOT).as_posix()}`" in guide, file


OURS = sorted((*(ROOT / "core").rglob("*.py"), *(ROOT / "pages").rglob("*.py")))


def test_files_are_replaced_and_deleted_as_every_system_allows() -> None:
    """See core.system.disk; by handles, which Windows has none of, in core.system.confined."""
    exempt = {
        ("core/export/litert_js.py", "_unpack"),  # goes along in zips, and needs nothing but Python
        ("core/export/litert_js.py", "fetch"),
        ("core/system/confined.py", "delete"),
        ("core/system/confined.py", "remove_folder"),
        ("core/system/confined.py", "_rename"),
        ("core/datasets/edit_journal.py", "_sweep"),  # a lock that is held, which Windows takes away itself
    }
    found = set()
    for file in OURS:
        where = file.relative_to(ROOT).as_posix()
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef) and where != "core/system/disk.py":
                found |= {(where, function.name) for node in ast.walk(function) if changes_the_disk(node)}
    assert found == exempt


def changes_the_disk(node: ast.AST) -> bool:
    if (
        not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute))
        or ast.unparse(node.func.value) == "disk"
    ):
        return False
    alone = node.func.attr == "replace" and len(node.args) == 1 and not node.keywords  # of a text it takes two
    return alone or node.func.attr in ("unlink", "rename", "rmtree", "rmdir")


def test_text_is_read_and_written_in_no_encoding_of_the_system() -> None:
    found = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in OURS
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and leaves_the_encoding(node)
    ]
    assert not found


def leaves_the_encoding(call: ast.Call) -> bool:
    named = {keyword.arg for keyword in call.keywords}
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if "encoding" in named or (name == "read_text" and call.args) or (name == "write_text" and len(call.args) > 1):
        return False
    modes = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    opened = name == "open" and any(re.fullmatch("[rwax][+t]*", mode) for mode in modes)
    started = name in ("run", "Popen", "check_output") and bool(named & {"text", "universal_newlines"})
    return opened or started or name in ("read_text", "write_text")
