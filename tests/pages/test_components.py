"""What Streamlit gets of our own components: the modules of each, joined into one."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from pages.shared.components import _component
from pages.shared.components._component import joined
from pages.shared.components.grid import grid

HERE = Path(_component.__file__).parent
COMPONENTS = sorted(style.with_suffix(".js") for style in HERE.glob("*/*.css"))
FROM = re.compile(r'from "(.+)"')
TOP = re.compile(r"^(?:export default |export )?(?:async )?(?:function|class|const|let|var) +(\w+)", re.MULTILINE)
each = pytest.mark.parametrize("script", COMPONENTS, ids=lambda script: script.stem)


def imported(script: Path) -> set[Path]:
    found = {(script.parent / address).resolve() for address in FROM.findall(script.read_text(encoding="utf-8"))}
    return found.union(*(imported(module) for module in found))


def module(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_all_components_are_looked_at() -> None:
    assert {script.stem for script in COMPONENTS} == {
        "board",
        "drop",
        "film",
        "frame",
        "grid",
        "live",
        "map",
        "matrix",
        "strip",
        "webcam",
    }


def test_every_module_is_used_by_a_component() -> None:
    assert set(COMPONENTS).union(*map(imported, COMPONENTS)) == set(HERE.rglob("*.js"))


@each
def test_one_module_comes_out(script: Path) -> None:
    text = joined(script)
    assert len(re.findall(r"^export\b", text, re.MULTILINE)) == 1
    assert len(re.findall(r"^export default function \w+\(", text, re.MULTILINE)) == 1
    assert not re.search(r"^\s*import\b", text, re.MULTILINE)


@each
def test_every_module_is_in_it_once_and_no_two_have_the_same_names(script: Path) -> None:
    files = {script, *imported(script)}
    expected = Counter(name for file in files for name in TOP.findall(file.read_text(encoding="utf-8")))
    assert Counter(TOP.findall(joined(script))) == expected
    assert max(expected.values()) == 1, expected.most_common(3)


@each
def test_a_module_stands_after_what_it_needs(script: Path) -> None:
    text = joined(script)
    for name, parent in re.findall(r"^class (\w+) extends (\w+)", text, re.MULTILINE):
        assert text.index(f"class {parent} ") < text.index(f"class {name} ")


@each
def test_it_is_javascript(script: Path, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not here")
    file = module(tmp_path, "joined.mjs", joined(script))
    done = subprocess.run([node, "--check", str(file)], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr


def test_what_is_imported_twice_is_joined_once_and_first(tmp_path: Path) -> None:
    module(tmp_path, "_low.js", "// Low.\nexport const low = 1;\n")
    module(
        tmp_path,
        "_high.js",
        'import { low } from "./_low.js";\n/** High. */\nexport function high() {\n  return low;\n}\n',
    )
    text = (
        'import {\n  high,\n} from "./_high.js";\nimport { low } from "./_low.js";\n\nexport default function f() {}\n'
    )
    assert joined(module(tmp_path, "main.js", text)) == (
        "const low = 1;\n\nfunction high() {\n  return low;\n}\n\n\nexport default function f() {}\n"
    )


def test_only_comments_on_lines_of_their_own_go(tmp_path: Path) -> None:
    code = "const a = 1; // one\n  /** @type {A} */ (a).b();\nconst c = `/** ${a} */`;\n"
    text = f"// What.\n{code}  /**\n   * Why * so / far.\n   */\nexport default function f() {{}}\n"
    assert joined(module(tmp_path, "main.js", text)) == f"{code}export default function f() {{}}\n"


@pytest.mark.parametrize(
    "text",
    [
        'import * as low from "./_low.js";\nexport default function f() {}\n',
        'import low from "./_low.js";\nexport default function f() {}\n',
        'import { low as high } from "./_low.js";\nexport default function f() {}\n',
        'import "./_low.js";\nexport default function f() {}\n',
        'import { low } from "elsewhere";\nexport default function f() {}\n',
        'import { low } from "./_default.js";\nexport default function f() {}\n',
        'import { f } from "./main.js";\nexport default function f() {}\n',
        "export { low };\nexport default function f() {}\n",
        "export default function f() {}\nexport default function g() {}\n",
        "export default () => {};\n",
        "export function f() {}\n",
    ],
)
def test_what_cannot_be_joined_is_refused(tmp_path: Path, text: str) -> None:
    module(tmp_path, "_low.js", "export const low = 1;\n")
    module(tmp_path, "_default.js", "export const low = 1;\nexport default function g() {}\n")
    with pytest.raises(ValueError, match=r"joined|itself"):
        joined(module(tmp_path, "main.js", text))


def test_a_tab_finds_pictures_that_were_moved_since_it_was_drawn() -> None:
    moved = grid.after({}, {"a/1": "b/1", "a/2": "b/2"})
    assert moved == {"a/1": "b/1", "a/2": "b/2"}
    moved = grid.after(moved, {"b/1": "c/1"})
    assert moved == {"a/1": "c/1", "a/2": "b/2", "b/1": "c/1"}
    assert grid.after(moved, {"c/1": "a/1"}) == {
        "a/2": "b/2",
        "b/1": "a/1",
        "c/1": "a/1",
    }
