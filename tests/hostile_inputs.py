"""Twenty things that a person may be given and that mean harm: projects, packed projects, zips, tables, models, pictures.

Each function fills a new folder. A "project" begins as a copy of a trained project, whose models then count as another
computer's; the others are files to be opened as `way` says: "home" on the first page, "pictures" by Add pictures, each
folder at once and each table also by its place, "model" on the Test page. tests.benchmarks.hostile_walk opens them all.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flatbuffers
import keras
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from PIL import Image, PngImagePlugin

from core.datasets.edit_journal import _SCHEMA, HIDDEN
from core.system.tasks.processes import birth_of
from core.training.experiments import KINDS
from tests.pictures import COLOURS, encoded, shaded

SEEN = "http://elsewhere.test/seen.png"
"""What must never be asked for."""
MARKUP = (
    f"![x]({SEEN}) <img src={SEEN} onerror=alert(1)> <script>alert(1)</script> [x]({SEEN}) $\\frac$ :material/delete:"
)
NAMES = ("![x](elsewhere.test)", "<img src=x onerror=alert(1)>", "\x1b[2J\x1b]0;title\x07", "\u202egnp.exe", "é" * 127,
         "a\nb", " lead", "=1+1", "$x$ **b** `c` :red[d]", "CON", "..a", "\u200b", "a" * 255)  # fmt: skip
DEEP = "[" * 10_000 + "]" * 10_000
HUGE = "1" + "0" * 400


@dataclass(frozen=True)
class Input:
    """One of the twenty: what it is, how it is opened, and what fills its folder, given the victim's folder and that of a
    trained project."""

    name: str
    way: str
    make: Callable[[Path, Path, Path], None]


INPUTS: list[Input] = []
_Make = Callable[[Path, Path, Path], None]


def given(name: str, way: str = "project") -> Callable[[_Make], _Make]:
    """Puts a function into the list."""

    def decorate(make: _Make) -> _Make:
        INPUTS.append(Input(name, way, make))
        return make

    return decorate


def make(one: Input, folder: Path, victim: Path, trained: Path) -> None:
    """Fills the new folder of an input."""
    if one.way == "project":
        shutil.copytree(trained, folder, ignore=shutil.ignore_patterns("signatures.json", "edits.*", "index.*"))
    else:
        folder.mkdir()
    one.make(folder, victim, trained)


def run_of(root: Path) -> Path:
    """The folder of a project's first training."""
    return min(path for path in (root / HIDDEN / "runs").iterdir() if path.is_dir())


def zipped(file: Path, members: Mapping[str, bytes | str], links: Mapping[str, str] | None = None) -> None:
    """Writes a zip; `links`: name -> where a symbolic link leads."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        for name, target in (links or {}).items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o120777 << 16
            archive.writestr(info, target)


def changed(file: Path, **values: Any) -> None:
    """Sets values of a JSON object in a file."""
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def outside(victim: Path) -> list[list[str]]:
    """Steps of an edit that lead out of the project."""
    there = [f"../../{victim.name}", str(victim), "linked", f"red/../../../{victim.name}"]
    steps = [["move", f"{place}/diary.txt", f"red/{number}.png"] for number, place in enumerate(there)]
    steps += [["move", "red/000.png", f"{place}/planted.png"] for place in there]
    return steps + [
        [kind, f"{place}/{name}", ""] for place in there for kind, name in (("mkdir", "made"), ("rmdir", "empty"))
    ]


def journal(file: Path, victim: Path) -> None:
    """A journal of edits that lead out, in every state."""
    with closing(sqlite3.connect(file)) as db:
        db.executescript(f"{_SCHEMA}; PRAGMA user_version = 2")
        for state in ("doing", "undoing", "undone", "done"):
            for step in outside(victim):
                row = (MARKUP, json.dumps([step]), state, f"../../../{victim.name}")
                db.execute(
                    "INSERT INTO edits (at, kind, sentence, steps, state, token) VALUES (1, 'move', ?, ?, ?, ?)", row
                )
        db.commit()


@given("a journal that leads out")
def _(root: Path, victim: Path, trained: Path) -> None:
    (root / "linked").symlink_to(victim)
    journal(root / HIDDEN / "edits.sqlite", victim)


@given("links in the place of folders")
def _(root: Path, victim: Path, trained: Path) -> None:
    shutil.rmtree(root / "green")
    (root / "green").symlink_to(victim)
    (root / "loop").symlink_to("loop")
    (root / "red" / "linked.png").symlink_to(victim / "secret.png")
    for name in ("trash", "staging", "thumbnails", "studies", "unknown"):
        shutil.rmtree(root / HIDDEN / name, ignore_errors=True)
        (root / HIDDEN / name).symlink_to(victim)
    for name in ("index.sqlite", "edits.sqlite", "edits.lock", "draft.json", "classes.json", "dismissed.json"):
        (root / HIDDEN / name).symlink_to(victim / "diary.txt")
    for name in ("exports", "explain", "robustness", "stop", "about.json"):
        (run_of(root) / name).symlink_to(victim)


@given("notes that are a link")
def _(root: Path, victim: Path, trained: Path) -> None:
    shutil.rmtree(root / HIDDEN)
    (root / HIDDEN).symlink_to(victim / "notes")


@given("pipes and devices")
def _(root: Path, victim: Path, trained: Path) -> None:
    run = run_of(root)
    for number, name in enumerate(("draft.json", "split.json", "edits.sqlite", "index.sqlite", "classes.json")):
        (root / HIDDEN / name).unlink(missing_ok=True)
        if number % 2:
            (root / HIDDEN / name).symlink_to("/dev/zero")
        else:
            os.mkfifo(root / HIDDEN / name)
    for name in ("result.json", "model.tflite"):
        (run / name).unlink()
        os.mkfifo(run / name)
    (run / "history.jsonl").unlink()
    (run / "history.jsonl").symlink_to("/dev/zero")
    os.mkfifo(root / "red" / "pipe.png")
    (root / "red" / "zero.png").symlink_to("/dev/zero")


@given("tables that never end")
def _(root: Path, victim: Path, trained: Path) -> None:
    with closing(sqlite3.connect(trained / HIDDEN / "index.sqlite")) as db:
        files = [name for _, name, *_ in db.execute("PRAGMA table_info(files)")]
        version = db.execute("PRAGMA user_version").fetchone()[0]
    edits = ["id", "at", "kind", "sentence", "steps", "state", "token", "seal"]
    for file, table, columns, number in (("index", "files", files, version), ("edits", "edits", edits, 2)):
        names, nothing = ", ".join(columns), ", ".join(["''"] * len(columns))
        with closing(sqlite3.connect(root / HIDDEN / f"{file}.sqlite")) as db:
            db.executescript(
                f"CREATE VIEW {table} AS WITH RECURSIVE n({names}) AS (SELECT {nothing} UNION ALL SELECT {nothing} FROM n)"
                f" SELECT * FROM n; PRAGMA user_version = {number}"
            )
    for kept in (root / HIDDEN / "features").glob("*.sqlite"):
        with closing(sqlite3.connect(kept)) as db:
            (table,) = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchone()
            names = ", ".join(name for _, name, *_ in db.execute(f"PRAGMA table_info({table})"))
            nothing = ", ".join(["''"] * (names.count(",") + 1))
            db.executescript(
                f"DROP TABLE {table}; CREATE VIEW {table} AS WITH RECURSIVE n({names}) AS (SELECT {nothing} UNION ALL"
                f" SELECT {nothing} FROM n) SELECT * FROM n"
            )


def crashing(content: bytes) -> bytes:
    """A model whose first convolution has no filter: the engine reads what is not its own, and mostly ends over it."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(bytearray(content), 0))
    first = next(one for one in model.subgraphs[0].operators if type(one.builtinOptions).__name__ == "Conv2DOptionsT")
    first.inputs[1] = -1
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def without_end(kind: str) -> bytes:
    """A model of three classes that never answers ("time"), or wants 150 GB to do so ("memory")."""
    import tensorflow as tf

    def answer(picture: Any) -> Any:
        total = tf.reduce_sum(tf.tile(picture, [1, 500, 500, 1]) if kind == "memory" else picture)
        if kind == "time":
            total = tf.while_loop(lambda now: now > -1e30, lambda now: [tf.abs(now) * 0.5], [tf.abs(total)])[0]
        return tf.ones((1, 3)) / 3 + 1e-30 * total  # times nothing would be left out

    function = tf.function(answer, input_signature=[tf.TensorSpec((1, 224, 224, 3), tf.float32)])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], tf.Module())
    return bytes(converter.convert())


def _model(root: Path, content: bytes) -> None:
    run = run_of(root)
    (run / "model.tflite").write_bytes(content)
    kind = run / "exports" / "int8"
    kind.mkdir(parents=True)
    (kind / "model.tflite").write_bytes(content)
    zipped(kind / "x.zip", {"model.tflite": content, "fieldguide.json": (run / "fieldguide.json").read_bytes()})
    report = {
        "kind": "int8",
        "file": "../../../../../../victim/diary.txt",
        "download": "x.zip",
        "good": True,
        "note": MARKUP,
    }
    (kind / "report.json").write_text(json.dumps(report))
    (kind / "failed.json").write_text(json.dumps([MARKUP, MARKUP]))


@given("a model that breaks its program")
def _(root: Path, victim: Path, trained: Path) -> None:
    _model(root, crashing((run_of(root) / "model.tflite").read_bytes()))


@given("a model that never answers")
def _(root: Path, victim: Path, trained: Path) -> None:
    _model(root, without_end("time"))


@given("a model that wants 150 GB")
def _(root: Path, victim: Path, trained: Path) -> None:
    _model(root, without_end("memory"))


def trap(file: Path, mark: Path) -> None:
    """A .keras file that makes a file when it is loaded as one that is trusted."""
    code = eval(f"lambda x: (open({str(mark)!r}, 'w'), x)[1]")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(code)])
    model.save(file)
    mark.unlink(missing_ok=True)  # it is run here, too, to see what it gives


@given("a .keras file with code")
def _(root: Path, victim: Path, trained: Path) -> None:
    run = run_of(root)
    trap(run / "model.keras", victim / "ran")
    (run / "signatures.json").write_text(json.dumps({"model.keras": "0" * 64, "model.tflite": "é"}))
    for name in ("sitecustomize.py", "tensorflow.py", "conftest.py"):
        (root / name).write_text(f"open({str(victim / 'ran')!r}, 'w')")


@given("a record of markup and a process that is not its own")
def _(root: Path, victim: Path, trained: Path) -> None:
    run = run_of(root)
    second = run.with_name("2031-01-01-000000-![x](elsewhere.test)")
    shutil.copytree(run, second)
    classes = [f"{MARKUP} {number}" for number in range(3)]
    for folder in (run, second):
        plan = json.loads((folder / "run.json").read_text())
        plan |= {"id": folder.name, "classes": classes, "remarks": [MARKUP], "project": str(victim)}
        (folder / "run.json").write_text(json.dumps(plan))
        changed(folder / "result.json", diagnosis=MARKUP, why_stopped=MARKUP, left_out=[MARKUP])
        changed(folder / "fieldguide.json", classes=classes, labels=classes)
        (folder / "about.json").write_text(json.dumps({"name": MARKUP, "notes": MARKUP * 50, "star": True}))
        (folder / "tried.json").write_text(
            json.dumps([{"what": MARKUP, "val_accuracy": 0.5, "val_log_loss": 1.0, "seconds": 1.0}])
        )
        (folder / "worker.log").write_text(f"{MARKUP}\x1b[2J" * 1000)
        changed(folder / "state.json", state="failed", phase=MARKUP, message=MARKUP, hint=MARKUP)
    claims = {"pid": 1, "born": birth_of(1), "ended": False, "state": "running", "done": 5, "total": 2}
    changed(second / "state.json", **claims)
    (run / "exports").mkdir()
    changed(Path(shutil.copy(second / "state.json", run / "exports")), **claims)


@given("records of nonsense")
def _(root: Path, victim: Path, trained: Path) -> None:
    run = run_of(root)
    wrong = [
        "NaN",
        HUGE,
        DEEP,
        "null",
        f'{{"test": {HUGE}, "val": NaN, "schema": 1, "pid": {HUGE}}}',
        "[[]]",
        '"\\ud800"',
    ]
    names = (
        "run.json",
        "state.json",
        "result.json",
        "history.jsonl",
        "sureness.json",
        "fieldguide.json",
        "predictions.npz",
    )
    for number, (name, text) in enumerate(zip(names, wrong, strict=True)):
        other = run.with_name(f"2030-01-01-00000{number}-x")
        shutil.copytree(run, other)
        (other / name).write_text(text)
    number = json.loads((run / "result.json").read_text())
    number["test"] |= {"accuracy": float("nan"), "confusion": [[1e308] * 3] * 3, "per_class": "x"}
    (run / "result.json").write_text(json.dumps(number | {"seconds": {"total": 1e300}, "parameters": 10**300}))


@given("names of every kind")
def _(root: Path, victim: Path, trained: Path) -> None:
    for number, name in enumerate(NAMES):
        (root / name).mkdir(exist_ok=True)
        for each in range(3):
            file = f"{each}{name[:80]}.png"
            shaded((number * 19, 80, 200), 100 * number + each).save(root / name / file)
    odd = root / os.fsdecode(b"\xff\xfe")
    odd.mkdir()
    shutil.copy(root / "red" / "000.png", odd / os.fsdecode(b"\xff.png"))
    (root / HIDDEN / "classes.json").write_text(
        json.dumps(
            {"order": [*NAMES, "\ud800", "../x"], "colours": {NAMES[0]: 10**9, "red": -1}, "aside": ["red", MARKUP]}
        )
    )


@given("notes of nonsense")
def _(root: Path, victim: Path, trained: Path) -> None:
    home, run = root / HIDDEN, run_of(root)
    (home / "split.json").write_text(json.dumps({
        "roots": {"..": "train", f"../{victim.name}": "test", str(victim): "val"}, "groups": {"x": DEEP},
        "config": {"seed": float("nan"), "val": 1e308, "test": -1},
    }))  # fmt: skip
    (home / "draft.json").write_text(f'{{"recipe": {json.dumps(MARKUP)}, "epochs": {HUGE}, "learning_rate": NaN}}')
    (home / "dismissed.json").write_text(json.dumps([MARKUP, f"label ../../{victim.name} red", 5, None]))
    (home / "classes.json").write_text(DEEP)
    (home / "unknown").mkdir()
    (home / "unknown" / "a.picture").write_bytes(b"no picture")
    (home / "unknown" / "b.picture").write_bytes(png_bomb())
    (home / "analysis").mkdir(exist_ok=True)
    (home / "analysis" / "analysis.npz").write_bytes(b"\0\xff" * 1000)
    changed(Path(shutil.copy(run / "state.json", home / "analysis")), message=MARKUP, state="failed", pid=1)
    for kind in KINDS:
        study = home / "studies" / f"2026-01-01-000000-{kind}"
        study.mkdir(parents=True)
        for name in ("run.json", "state.json"):
            shutil.copy(run / name, study)
        changed(study / "state.json", message=MARKUP, state="failed")
        (study / "study.json").write_text(
            json.dumps({"kind": kind, "options": {"space": {MARKUP: HUGE}, "of": MARKUP}})
        )
        (study / "found.json").write_text(
            json.dumps({"sentence": MARKUP, "kind": "harm", "folds": MARKUP, "trials": [MARKUP]})
        )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_bomb() -> bytes:
    """A PNG of 60,000 times 60,000 pixels in a few kilobytes."""
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", head)
        + _chunk(b"IDAT", zlib.compress(bytes(10**6)))
        + _chunk(b"IEND", b"")
    )


def odd_pictures() -> dict[str, bytes]:
    """Pictures that are none, or are more than they look."""
    good = shaded(COLOURS["red"], 999)
    told = PngImagePlugin.PngInfo()
    told.add_text("x", "y" * 60_000_000, zip=True)
    moving = encoded(good, "GIF", save_all=True, append_images=[shaded(COLOURS["red"], n) for n in range(300)])
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03\0\xff\xff\xff\x7f\xff\xff\xff\xff" * 50
    profile = encoded(good, "PNG", icc_profile=b"\xff" * 5000)
    return {
        "bomb.png": png_bomb(), "exif.jpg": encoded(good, "JPEG", exif=exif), "moving.gif": moving,
        "text.png": encoded(good, "PNG", pnginfo=told), "profile.png": profile, "cut.png": encoded(good)[:200],
        "svg.png": f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{SEEN}"/><script>alert(1)</script></svg>'.encode(),
        "html.jpg": f"<html><img src={SEEN}></html>".encode(), "empty.png": b"", "nul.bmp": b"BM" + bytes(5000),
        "wide.bmp": b"BM" + struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, 2**31 - 1, -(2**31), 1, 24, 0, 0, 0, 0, 0, 0),
        "riff.webp": b"RIFF\xff\xff\xff\xffWEBPVP8X" + b"\xff" * 40, "heic.heic": b"\0\0\0\x18ftypheic" + b"\xff" * 5000,
        "deep.png": encoded(Image.fromarray(np.zeros((64, 64), np.uint16))),
    }  # fmt: skip


@given("pictures that are more than they look")
def _(root: Path, victim: Path, trained: Path) -> None:
    for name, content in odd_pictures().items():
        (root / "red" / name).write_bytes(content)


@given("the same pictures as uploads", "pictures")
def _(folder: Path, victim: Path, trained: Path) -> None:
    (folder / "together").mkdir()
    for name, content in odd_pictures().items():
        (folder / "together" / name).write_bytes(content)


@given("zips that grow", "home")
def _(folder: Path, victim: Path, trained: Path) -> None:
    zipped(folder / "bomb.zip", {"red/a.png": bytes(400_000_000)})
    zipped(folder / "many.zip", {f"red/{number}.png": b"" for number in range(30_000)})
    zipped(folder / "lies.zip", {"red/a.png": b"x" * 100_000})
    content = (folder / "lies.zip").read_bytes()
    (folder / "lies.zip").write_bytes(content.replace(struct.pack("<I", 100_000), struct.pack("<I", 5)))
    zipped(folder / "bomb.fieldguide.zip", about(trained) | {"kept/runs/a/x.npz": b"PK\x03\x04" + bytes(150_000_000)})


@given("zips that lead out", "home")
def _(folder: Path, victim: Path, trained: Path) -> None:
    good = (trained / "red" / "000.png").read_bytes()
    names = [f"../../{victim.name}/planted.png", f"{victim}/planted.png", "C:\\planted.png", "red\\..\\..\\planted.png",
             "red/\0.png", f"red/{MARKUP.replace('/', '_')}.png", "red/" + "a" * 5000 + ".png", "blue/ok.png"]  # fmt: skip
    zipped(folder / "out.zip", dict.fromkeys(names, good), {"red/link.png": str(victim / "secret.png")})
    shutil.copy(folder / "out.zip", folder / "out.tm")
    zipped(folder / "locked.zip", {"red/a.png": good, "blue/b.png": good})
    content = re.sub(rb"(PK\x03\x04..)\0", rb"\1\1", (folder / "locked.zip").read_bytes(), flags=re.DOTALL)
    (folder / "locked.zip").write_bytes(re.sub(rb"(PK\x01\x02....)\0", rb"\1\1", content, flags=re.DOTALL))


@given("tables that lead out", "pictures")
def _(folder: Path, victim: Path, trained: Path) -> None:
    paths = [f"../../{victim.name}/secret.png", f"{victim}/secret.png", f"file://{victim}/secret.png", SEEN, "/dev/zero",
             "a.png\0", "=HYPERLINK(1)", "linked/secret.png", MARKUP, "000.png"]  # fmt: skip
    rows = "".join(
        f'"{path}","{label}"\n' for path in paths for label in (MARKUP.replace('"', ""), "=1+1", "..", "\x1b[2J")
    )
    wide = ",".join(f"c{number}" for number in range(100_000)) + "\nx\n"
    tables = {
        "out": f"file,label\n{rows}", "wide": f"file,label,{wide}", "nul": "file,label\n\0\0,\0\n000.png,a\0b\n",
        "quote": 'file,label\n"' + "x" * 3_000_000, "one": "file,label\n000.png,../../x\n",
        "taken": "file,label\n000.png,=1+1 <img src=x onerror=alert(1)> ![x](elsewhere.test)\n",
    }  # fmt: skip
    for name, text in tables.items():
        (folder / name).mkdir()
        (folder / name / f"{name}.csv").write_text(text)
        shutil.copy(trained / "red" / "000.png", folder / name)
        (folder / name / "linked").symlink_to(victim)
    (folder / "deep").mkdir()
    (folder / "deep" / "deep.json").write_text(DEEP)
    shutil.copy(trained / "red" / "001.png", folder / "deep")


def about(trained: Path, **other: Any) -> dict[str, bytes | str]:
    """The members of a packed project with three pictures."""
    said = {"version": 1, "name": MARKUP, "pictures": 3, "classes": ["red", "../x", MARKUP], "runs": 1} | other
    pictures = {f"pictures/{name}/000.png": (trained / name / "000.png").read_bytes() for name in COLOURS}
    return {"fieldguide-project.json": json.dumps(said)} | pictures


@given("packed projects of strangers", "home")
def _(folder: Path, victim: Path, trained: Path) -> None:
    run = run_of(trained)
    journal(folder / "edits.sqlite", victim)
    inside: dict[str, bytes | str] = {
        f"kept/runs/{run.name}/{file.name}": file.read_bytes() for file in run.iterdir() if file.is_file()
    }
    inside |= {f"kept/{name}": DEEP for name in ("draft.json", "split.json", "classes.json", "dismissed.json")}
    inside |= {"kept/edits.sqlite": (folder / "edits.sqlite").read_bytes(), "kept/unknown/a.picture": b"no picture",
               f"kept/runs/{run.name}/signatures.json": json.dumps({"model.keras": "0" * 64})}  # fmt: skip
    (folder / "edits.sqlite").unlink()
    zipped(folder / "gift.fieldguide.zip", about(trained) | inside)
    zipped(folder / "trusted.fieldguide.zip", about(trained, name="trusted") | inside)
    for number, name in enumerate(
        (
            f"pictures/../../{victim.name}/a.png",
            f"kept/runs/../../../{victim.name}/a.json",
            f"kept/runs/{victim}/a.json",
        )
    ):
        zipped(folder / f"out-{number}.fieldguide.zip", about(trained) | {name: b"{}"})
    zipped(folder / "link.fieldguide.zip", about(trained), {"kept/runs/x.json": str(victim / "diary.txt")})
    for number, text in enumerate((DEEP, "NaN", f'{{"version": {HUGE}}}')):
        zipped(folder / f"about-{number}.fieldguide.zip", about(trained) | {"fieldguide-project.json": text})


@given("model files of strangers", "model")
def _(folder: Path, victim: Path, trained: Path) -> None:
    run = run_of(trained)
    spec, good = (run / "fieldguide.json").read_bytes(), (run / "model.tflite").read_bytes()
    trap(folder / "model.keras", victim / "ran")
    code = f"open({str(victim / 'ran')!r}, 'w')"
    zipped(folder / "code.zip", {"model.keras": (folder / "model.keras").read_bytes(), "__main__.py": code})
    (folder / "model.keras").unlink()
    zipped(folder / "crashing.zip", {"model.tflite": crashing(good), "fieldguide.json": spec})
    zipped(folder / "memory.zip", {"model.tflite": without_end("memory"), "fieldguide.json": spec})
    zipped(folder / "time.zip", {"model.tflite": without_end("time"), "fieldguide.json": spec})
    zipped(folder / "deep.zip", {"model.tflite": good, "fieldguide.json": DEEP})
    zipped(
        folder / "out.zip", {"model.tflite": good, "fieldguide.json": json.dumps({"model": str(victim / "diary.txt")})}
    )
    zipped(folder / "labels.zip", {"model.tflite": good, "labels.txt": f"0 {MARKUP}\n1 \x1b[2J\n2 {'x' * 100_000}\n"})
