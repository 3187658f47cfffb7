"""Rows 52 and 58 of the fault list: trainings that came with a folder, from a person whom nobody knows."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from core import Project, Run, TrainConfig, ensembles, explain, opened, signing, store
from core.errors import FieldguideError, ModelError, PictureError, RunError
from core.export import exports_of, start_exports
from core.foreign import ForeignModel, load_model
from core.history import history
from core.journal import HIDDEN
from core.prediction import Classifier
from core.runs import list_runs
from core.trust import is_foreign, trust
from pages.shared import server
from pages.shared._streamlit_compat import UPLOADS, uploaded_bytes
from pages.shared.guard import Uploads
from tests import asgi
from tests.pages.test_pages import PAGES, button, visit, words
from tests.pictures import COLOURS, encoded, flat_project, shaded
from tests.runs import make_run

VIEWS = [
    ("pages/4_Evaluate.py", view)
    for view in ("Mistakes", "Numbers", "Sure or not", "Why", "Harder pictures", "Compare")
]
EVERY = [(page, "") for page in ("app.py", *PAGES)] + VIEWS
TEST, EXPORT = "pages/5_Test.py", "pages/6_Export.py"


@pytest.fixture
def foreign(trained: Run, colours: Path, tmp_path: Path) -> tuple[Path, Run]:
    """The colours and their training as they come from another computer: with signatures that are not of this one."""
    root = tmp_path / "gift"
    shutil.copytree(colours, root, ignore=shutil.ignore_patterns("analysis", "features"))
    for file in root.rglob("signatures.json"):
        file.write_text(json.dumps(dict.fromkeys(json.loads(file.read_text()), "0" * 64)))
    opened.open_project(root)
    return root, Run(root / HIDDEN / "runs" / trained.id)


def crashing(content: bytes) -> bytes:
    """A model whose first convolution has no filter: the engine reads what is not its own, and mostly ends over it."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(bytearray(content), 0))
    first = next(one for one in model.subgraphs[0].operators if type(one.builtinOptions).__name__ == "Conv2DOptionsT")
    first.inputs[1] = -1
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_what_was_trained_here_is_own_and_stays_so_when_it_is_moved(trained: Run, tmp_path: Path) -> None:
    assert not is_foreign(trained)
    shutil.copytree(trained.folder, tmp_path / "run")
    assert not is_foreign(Run(tmp_path / "run"))
    assert type(load_model(tmp_path / "run")) is Classifier


def test_a_model_from_elsewhere_answers_the_same_from_a_process_of_its_own(
    foreign: tuple[Path, Run], trained: Run
) -> None:
    _, run = foreign
    assert is_foreign(run)
    model, own = load_model(run.folder), Classifier.load(trained.folder)
    assert isinstance(model, ForeignModel)
    square = np.asarray(shaded(COLOURS["red"], 9, (own.pixels, own.pixels)))
    assert np.allclose(model.probabilities(square), own.probabilities(square), atol=1e-6)
    model.close()


@pytest.mark.parametrize("change", ["byte", "swapped", "unsigned", "other name"])
def test_a_file_that_is_not_as_it_was_signed_is_foreign(trained: Run, tmp_path: Path, change: str) -> None:
    shutil.copytree(trained.folder, tmp_path / "run", ignore=shutil.ignore_patterns("exports", "explain"))
    file, signatures = tmp_path / "run" / "model.tflite", tmp_path / "run" / "signatures.json"
    if change == "byte":
        file.write_bytes(file.read_bytes()[:-1] + b"x")
    elif change == "swapped":
        shutil.copy(file.with_name("model.keras"), file)
    elif change == "unsigned":
        signatures.unlink()
    else:
        known = json.loads(signatures.read_text())
        signatures.write_text(json.dumps(known | {"model.tflite": known["model.keras"]}))
    assert not signing.made_here(file)
    assert is_foreign(Run(tmp_path / "run"))


@pytest.mark.parametrize("text", ["", "[]", "5", '{"model.tflite": 5}', '{"model.tflite": "\\u00e9"}', "[" * 100_000])
def test_damaged_signatures_are_none(trained: Run, tmp_path: Path, text: str) -> None:
    shutil.copy(trained.records.tflite, tmp_path / "model.tflite")
    (tmp_path / "signatures.json").write_text(text)
    assert not signing.made_here(tmp_path / "model.tflite")
    signing.sign_files(tmp_path / "model.tflite")
    assert signing.made_here(tmp_path / "model.tflite")


def test_the_key_is_for_its_owner_only(own_home: Path) -> None:
    signing.sign("x", b"y")
    if os.name != "nt":
        assert (own_home / ".key").stat().st_mode & 0o077 == 0


def test_its_keras_model_and_its_exports_are_not_used_before_someone_trusts_it(foreign: tuple[Path, Run]) -> None:
    root, run = foreign
    assert exports_of(run) == {}
    with pytest.raises(ModelError, match="made on another computer"):
        start_exports(run, ["float32"])
    assert explain.is_ready(run)
    assert explain.Explainer(run).method == "occlusion"
    project = Project.open(root)
    assert not any(run in group for group in ensembles.candidates(project))
    with pytest.raises(RunError):
        ensembles.start([run, run])
    at = visit(EXPORT, root, run=run.id)
    assert "made on another computer" in words(at)
    assert not [one for one in at.button if "Make" in one.label]
    button(at, "I know who made it: load it").click().run()
    assert not at.exception
    assert "made on another computer" not in words(at)
    assert not is_foreign(run)
    assert type(load_model(run.folder)) is Classifier


def test_a_model_that_ends_its_program_costs_a_sentence(foreign: tuple[Path, Run]) -> None:
    root, run = foreign
    run.records.tflite.write_bytes(crashing(run.records.tflite.read_bytes()))
    with pytest.raises(ModelError, match=r"broke the program|ended while|damaged"):
        load_model(run.folder).predict([encoded(shaded(COLOURS["red"], 1))])
    for page, view in EVERY:
        at = visit(page, root, run=run.id, **({"view": view} if view else {}))
        assert not at.exception
    assert "model.tflite" in words(visit(TEST, root, run=run.id)).replace("\\", "")


def test_a_signed_model_that_was_exchanged_is_run_apart(foreign: tuple[Path, Run]) -> None:
    root, run = foreign
    trust(Project.open(root))
    run.records.tflite.write_bytes(crashing(run.records.tflite.read_bytes()))
    with pytest.raises(ModelError):
        load_model(run.folder)


def _set(**values: object) -> Callable[[Path], None]:
    return lambda file: file.write_text(json.dumps(json.loads(file.read_text()) | values))


def _within(key: str, **values: object) -> Callable[[Path], None]:
    def change(file: Path) -> None:
        value = json.loads(file.read_text())
        value[key] |= values
        file.write_text(json.dumps(value))

    return change


def _first_picture(**values: object) -> Callable[[Path], None]:
    def change(file: Path) -> None:
        value = json.loads(file.read_text())
        value["pictures"][0] |= values
        file.write_text(json.dumps(value))

    return change


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _text(text: str | bytes) -> Callable[[Path], None]:
    return lambda file: file.write_bytes(text.encode() if isinstance(text, str) else text) and None


def _folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


DAMAGE: dict[str, list[Callable[[Path], None]]] = {
    "run.json": [
        _cut, _text(b"\0\xff" * 500), _text(""), _folder, _set(schema=0), _set(classes=[]), _set(classes="red"),
        _set(classes=[1, 2]), _set(classes=["a", "a"]), _set(created="x"), _set(created=1e30), _set(pictures=None),
        _set(config={"recipe": 5}), _first_picture(label=77), _first_picture(label=-1), _first_picture(part="other"),
        _first_picture(path="../../../etc/passwd"), _first_picture(path="/etc/passwd"), _first_picture(id="../../x"),
        _set(id=None), _text("[1, 2]"), _text("[" * 100_000),
    ],
    "state.json": [
        _cut, _text(b"\0\xff"), _text(""), _folder, _set(state="flying"), _set(ended="yes"), _set(done="many"), _set(extra=1),
        _set(pid=-1, ended=False), _set(pid=1, born=0, ended=False, state="running"), _set(message=None), _text("[]"),
    ],
    "result.json": [
        _cut, _text(b"\0\xff"), _text("{}"), _folder, _set(test={}), _set(test=None), _set(val=None), _set(seconds=None),
        _within("test", right="x"), _within("test", total=0), _within("test", accuracy=7), _set(best_epoch="last"),
        _set(parameters=None), _set(diagnosis=7), _set(ensemble="x"), _set(ensemble=[{"run": 5}]), _set(chosen=5),
    ],
    "history.jsonl": [
        _cut, _text(b"\0\xff"), _text(""), _folder, _text("[1,2]\n3\n"), _text('{"epoch": 1}\n'), _text("[" * 100_000),
        _text('{"epoch": NaN, "accuracy": "x", "val_accuracy": null, "loss": NaN, "val_loss": Infinity}\n'),
    ],
    "predictions.npz": [_cut, _text(b"\0\xff" * 100), _text(""), _folder],
    "tried.json": [_text("5"), _text("[5]"), _text('[{"what": 5}]')],
    "about.json": [_text("[]"), _text('{"name": 5}')],
    "sureness.json": [_text("[]"), _text('{"temperature": NaN}'), _text('{"temperature": "x"}')],
}  # fmt: skip


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = flat_project(
        tmp_path_factory.mktemp("damaged") / "p", {name: COLOURS[name] for name in ("blue", "red")}, each=4
    )
    project = opened.open_project(root)
    project.scan()
    for name in ("older", "newer"):
        run = make_run(project, name, classes=("blue", "red"))
        os.utime(run.folder / "run.json", (1, 1) if name == "older" else (2_000_000_000, 2_000_000_000))
    return root


@pytest.mark.parametrize("file", DAMAGE)
def test_one_damaged_record_hides_nothing_else(two_runs: Path, tmp_path: Path, file: str) -> None:
    pages = [
        ("pages/3_Train.py", ""),
        ("pages/4_Evaluate.py", "Mistakes"),
        ("app.py", ""),
        ("pages/4_Evaluate.py", "Compare"),
    ]
    for number, damage in enumerate(DAMAGE[file]):
        root = tmp_path / str(number)
        shutil.copytree(two_runs, root)
        record = root / HIDDEN / "runs" / "newer" / file
        record.touch()
        damage(record)
        if file == "run.json" and record.is_file():
            os.utime(record, (2_000_000_000, 2_000_000_000))
        project = opened.open_project(root)
        assert {run.id for run in list_runs(project)} == {"older", "newer"}
        assert [row.id for row in history(project) if not row.problem][-1] == "older"
        page, view = pages[number % len(pages)]
        at = visit(page, root, **({"view": view} if view else {}))
        assert not at.exception, (file, number, page)
        if file == "run.json" and record.is_file():
            assert "cannot be read" in words(at), number


def test_records_beyond_their_bounds_are_not_read(
    two_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(two_runs, tmp_path / "p")
    run = next(run for run in list_runs(Project.open(tmp_path / "p")) if run.id == "newer")
    monkeypatch.setattr(store, "MAX_JSON", 1000)
    (run.folder / "history.jsonl").write_text("x" * 1001)
    assert run.records.history() == []
    with pytest.raises(OSError, match="larger"):
        store.read_bytes(run.folder / "run.json", 10)
    monkeypatch.setattr(store, "MAX_ARRAYS", 1000)
    np.savez_compressed(run.folder / "predictions.npz", val=np.zeros(10_000_000, np.float32))
    with pytest.raises(RunError, match="no predictions"):
        run.records.predictions("val")


def test_objects_in_arrays_are_never_unpickled(tmp_path: Path) -> None:
    mark = tmp_path / "ran"

    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (mark,)

    np.savez(tmp_path / "x.npz", val=np.array([Evil()], dtype=object))
    with pytest.raises(OSError, match="damaged"):
        store.read_arrays(tmp_path / "x.npz")
    assert not mark.exists()


def test_a_run_of_a_folder_that_was_never_opened_opens_it_not(two_runs: Path, tmp_path: Path) -> None:
    """A run that lies outside of a project names the project's folder; that makes no project of it."""
    private = flat_project(tmp_path / "private", COLOURS, each=1)
    shutil.copytree(two_runs / HIDDEN / "runs" / "newer", tmp_path / "run")
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    (tmp_path / "run" / "run.json").write_text(json.dumps(record | {"project": str(private)}))
    from core import recall

    with pytest.raises(FieldguideError):
        recall.ask(Run(tmp_path / "run").records, lambda *_: None)
    assert not (private / HIDDEN).exists()


APP = Starlette(routes=server.ROUTES)


@pytest.mark.parametrize("content", ["..", "../../x", "%2e%2e%2fx", "0" * 63, "Z" * 64, "/etc/passwd", "..%00"])
def test_no_route_leads_out_of_a_project(two_runs: Path, tmp_path: Path, content: str) -> None:
    project = Project.open(two_runs)
    known = project.scan().pictures[0].id
    url = server.picture_url(project, known)
    assert asgi.ask(APP, "GET", url)[0] == 200
    for kind in ("thumbnail", "picture"):
        base = server.picture_url(project, known, kind).rpartition("/")[0]
        assert asgi.ask(APP, "GET", f"{base}/{content}.jpg")[0] == 404
    with pytest.raises(PictureError):
        project.thumbnail(content)


def test_a_project_s_address_gives_no_picture_of_another(two_runs: Path, tmp_path: Path) -> None:
    ours = Project.open(two_runs)
    other = Project.open(flat_project(tmp_path / "other", {"x": (1, 200, 3)}, each=1))
    (foreign,) = other.scan().pictures
    base = server.picture_url(ours, foreign.id).rpartition("/")[0]
    assert asgi.ask(APP, "GET", f"{base}/{foreign.id}.jpg")[0] == 404
    for path in ("/file/x", "/file/../../etc/passwd", "/live/x", "/thumbnail/x/y.jpg"):
        assert asgi.ask(APP, "POST" if "live" in path else "GET", path)[0] == 404


def test_a_picture_that_became_a_link_leads_nowhere(tmp_path: Path) -> None:
    project = Project.open(flat_project(tmp_path / "p", {"x": (1, 200, 3)}, each=1))
    (picture,) = project.scan().pictures
    secret = tmp_path / "secret.png"
    shaded((9, 9, 9), 1).save(secret)
    (project.root / picture.path).unlink()
    (project.root / picture.path).symlink_to(secret)
    for kind in ("thumbnail", "picture"):
        assert asgi.ask(APP, "GET", server.picture_url(project, picture.id, kind))[0] == 404


async def _taken(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


def test_uploads_beyond_the_budget_wait_and_are_then_refused() -> None:
    held = [0]
    inner = Starlette(routes=[Route(f"{UPLOADS}{{rest:path}}", _taken, methods=["PUT"])])
    app = Uploads(inner, budget=1000, patience=0.0, held=lambda: held[0])
    sizes = {"content-length": "600"}

    def send(size: int) -> int:
        return asgi.ask(app, "PUT", f"{UPLOADS}s/f", b"x" * size, content_length=str(size))[0]

    assert send(1000) == 200
    assert send(1001) == 413
    held[0] = 500
    assert send(600) == 413
    assert send(500) == 200
    assert asgi.ask(app, "PUT", f"{UPLOADS}s/f", b"x")[0] == 413  # of unknown size: it may be the largest
    turns = iter([900, 900, 0])
    waiting = Uploads(inner, budget=1000, patience=60.0, held=lambda: next(turns))
    assert asgi.ask(waiting, "PUT", f"{UPLOADS}s/f", b"x" * 600, content_length=sizes["content-length"])[0] == 200


def test_streamlit_still_tells_how_much_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
    from streamlit.runtime.uploaded_file_manager import UploadedFileRec
    from streamlit.web.server.starlette.starlette_routes import BASE_ROUTE_UPLOAD_FILE

    manager = MemoryUploadedFileManager("/x")

    class Running:
        uploaded_file_mgr = manager

    monkeypatch.setattr("pages.shared._streamlit_compat.get_instance", Running)
    assert uploaded_bytes() == 0
    manager.add_file("one", UploadedFileRec("a", "a.jpg", "image/jpeg", b"x" * 70))
    manager.add_file("two", UploadedFileRec("b", "b.jpg", "image/jpeg", b"x" * 30))
    assert uploaded_bytes() == 100
    assert f"/{BASE_ROUTE_UPLOAD_FILE}/" == UPLOADS


def test_presses_of_train_in_many_tabs_are_one_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from core import runs

    project = Project.open(flat_project(tmp_path / "p", COLOURS, each=4))
    seen = ""

    def ended(module: str, arguments: list[str], records: object, state: object) -> None:
        records.write_state(type(state)("done", "", ended=True))  # type: ignore[attr-defined]

    monkeypatch.setattr(runs, "start_worker", ended)  # it is over before the next press is heard
    made = {runs.start(project, TrainConfig(), seen=seen).id for _ in range(10)}
    assert len(made) == 1
    (first,) = made
    assert runs.start(project, TrainConfig(), seen=first).id != first  # who has seen it asks for another
    assert runs.start(project, TrainConfig()).id not in made
