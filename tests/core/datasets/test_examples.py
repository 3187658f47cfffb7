"""Fetching ready-made sets, from a server of our own that can behave badly. Run as a module, it is a worker whose table
leads to that server."""

from __future__ import annotations

import io
import os
import signal
import sys
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.datasets import examples, labels
from core.datasets.examples import STARTERS, Starter, __main__, unpack
from core.datasets.project import Project
from core.system import download
from core.system.errors import ConfigError
from core.system.naming import class_name
from core.system.tasks import job
from core.system.tasks.processes import birth_of
from core.system.tasks.records import TaskRecords, TaskState
from tests.pictures import COLOURS, encoded, shaded
from tests.serving import free_port
from tests.waiting import until

NAME = "beans"
LICENCE = "Please name the one who took each photo."


def archive_of(each: int = 4) -> bytes:
    """A zip of class folders in a folder, as the sets have it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("train/LICENSE.txt", LICENCE)
        for name, colour in COLOURS.items():
            for number in range(each):
                file.writestr(f"train/light_{name}/{number}.png", encoded(shaded(colour, number)))
    return out.getvalue()


@dataclass
class Site:
    """A web server: what it gives out, how it behaves, and what it was asked for (the Range of each request, or ""). `linked`:
    the SHA-256 that it tells where it leads to the file."""

    content: bytes
    url: str = ""
    mood: str = "good"
    cuts: int = 0
    etag: str = '"1"'
    linked: str = ""
    asked: list[str] = field(default_factory=list)
    halfway: threading.Event = field(default_factory=threading.Event)
    patience: threading.Event = field(default_factory=threading.Event)

    def starter(self, **other: Any) -> Starter:
        """A set whose archive is the good content of this site."""
        size, digest = len(self.content), sha256(self.content).hexdigest()
        return replace(STARTERS[NAME], **{"url": self.url, "bytes": size, "sha256": digest} | other)


def handler_of(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            site.asked.append(wanted)
            answer = getattr(self, f"_{site.mood}", None)
            if answer:
                answer()
            elif site.mood.isdecimal():
                self.send_error(int(site.mood))
            else:
                begin = int(wanted[6:-1]) if wanted and site.mood != "deaf" else 0
                if self.headers.get("If-Range", site.etag) != site.etag:
                    begin = 0
                self._give(site.content, begin)

        def _give(self, content: bytes, begin: int = 0) -> None:
            rest = content[begin:]
            self.send_response(206 if begin else 200)
            self.send_header("Content-Length", str(len(rest)))
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("ETag", site.etag)
            if begin:
                self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
            self.end_headers()
            if site.mood in ("cut", "hang") and site.cuts:
                site.cuts -= 1
                self.wfile.write(rest[: len(rest) // 2])
                self.wfile.flush()
                site.halfway.set()
                if site.mood == "hang":
                    site.patience.wait(60)
            else:
                self.wfile.write(rest)

        def _html(self) -> None:
            page = b"<!DOCTYPE html><title>Please log in</title>"
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def _hidden_html(self) -> None:
            self._give(b"\n<html>Please log in</html>".ljust(len(site.content)))

        def _wrong(self) -> None:
            self._give(bytes(len(site.content)))

        def _longer(self) -> None:
            self._give(site.content + b"more")

        def _shorter(self) -> None:
            self._give(site.content[:-1])

        def _nothing(self) -> None:
            self.send_response(200)
            self.end_headers()

        def _endless(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(site.content * 3)

        def _astray(self) -> None:
            self.send_response(302)
            self.send_header("Location", f"file://{Path(__file__)}")
            self.end_headers()

        def _moved(self) -> None:
            if self.path == "/there.zip":
                self._give(site.content)
            else:
                self.send_response(301)
                self.send_header("Location", "/there.zip")
                self.end_headers()

        def _linked(self) -> None:
            """As Hugging Face, which leads to where its large files lie."""
            if self.path == "/there":
                self._give(site.content, int(self.headers.get("Range", "bytes=0-")[6:-1]))
            else:
                self.send_response(302)
                self.send_header("Location", "/there")
                self.send_header("ETag", '"of the pointer"')
                self.send_header("X-Linked-ETag", f'"{site.linked}"')
                self.send_header("Content-Length", "0")
                self.end_headers()

        def _elsewhere(self) -> None:
            self.send_response(206)
            self.send_header("Content-Range", f"bytes 0-{len(site.content) - 1}/{len(site.content)}")
            self.send_header("ETag", site.etag)
            self.end_headers()
            site.mood = "good"

    return Handler


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    for proxy in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(proxy, raising=False)
        monkeypatch.delenv(proxy.upper(), raising=False)
    site = Site(archive_of())
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(site))
    server.daemon_threads = True
    site.url = f"http://127.0.0.1:{server.server_address[1]}/set.zip"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield site
    site.patience.set()
    server.shutdown()
    server.server_close()


def going(starter: Starter, home: Path, **other: Any) -> __main__.Fetching:
    """What the worker does, in this process, with hardly any pause."""
    records = TaskRecords(examples.folder_of(starter.name, home))
    (records.folder / "stop").unlink(missing_ok=True)
    state = TaskState("running", "download", pid=os.getpid(), born=birth_of(os.getpid()))
    return __main__.Fetching(records, state, starter=starter, home=home, **{"timeout": 5.0, "pauses": (0, 0)} | other)


def fetched(starter: Starter, home: Path, **other: Any) -> TaskState:
    home.mkdir(exist_ok=True)
    fetching = going(starter, home, **other)
    status = __main__.run(fetching)
    state = fetching.records.state()
    assert status == (0 if state.state in ("done", "stopped") else 1)
    assert state.ended
    return state


def shown(home: Path) -> list[str]:
    """What a person sees in the data home."""
    return sorted(path.name for path in home.iterdir() if not path.name.startswith(".") and path.name != "downloads")


def part_of(starter: Starter, home: Path) -> Path:
    return examples.folder_of(starter.name, home) / "set.zip.part"


def test_a_set_becomes_a_project_and_its_archive_goes(site: Site, own_home: Path) -> None:
    state = fetched(site.starter(), own_home)
    assert (state.state, state.message) == ("done", "12 pictures.")
    project = Project.open(own_home / "Bean leaves")
    assert examples.project_of(NAME) == project.root
    assert project.scan().counts == {"light blue": 4, "light green": 4, "light red": 4}
    assert shown(own_home) == ["Bean leaves"]
    assert list(own_home.glob(".unpacking*")) == []
    assert sorted(p.name for p in (own_home / "downloads" / NAME).iterdir()) == ["project.json", "state.json"]
    about = (project.root / unpack.ABOUT).read_text()
    assert LICENCE in about
    assert site.url in about
    assert site.starter().licence in about


def test_the_new_project_can_be_worked_with(site: Site, own_home: Path) -> None:
    fetched(site.starter(), own_home)
    project = Project.open(own_home / "Bean leaves")
    assert project.journal.history()[0][1] == "12 pictures added from Bean leaves"
    labels.undo(project)
    assert project.scan().pictures == ()


def test_a_name_that_is_taken_is_left_alone(site: Site, own_home: Path) -> None:
    (own_home / "bean LEAVES").mkdir(parents=True)
    fetched(site.starter(), own_home)
    assert shown(own_home) == ["Bean leaves (2)", "bean LEAVES"]
    assert list((own_home / "bean LEAVES").iterdir()) == []


def test_a_broken_connection_goes_on_where_it_broke(site: Site, own_home: Path) -> None:
    site.mood, site.cuts = "cut", 2
    assert fetched(site.starter(), own_home).state == "done"
    half = len(site.content) // 2
    three_quarters = half + (len(site.content) - half) // 2
    assert site.asked == ["", f"bytes={half}-", f"bytes={three_quarters}-"]


def test_a_connection_that_always_breaks_is_given_up_and_its_half_kept(site: Site, own_home: Path) -> None:
    site.mood, site.cuts = "cut", 99
    state = fetched(site.starter(), own_home)
    assert state.state == "failed"
    assert "broke off" in state.message
    assert "goes on from there" in state.hint
    assert len(site.asked) == 3
    assert 0 < part_of(site.starter(), own_home).stat().st_size < len(site.content)
    assert shown(own_home) == []
    site.mood = "good"
    assert fetched(site.starter(), own_home).state == "done"
    assert site.asked[-1] != ""


def test_a_server_that_ignores_the_range_begins_anew(site: Site, own_home: Path) -> None:
    site.mood, site.cuts = "cut", 99
    fetched(site.starter(), own_home)
    site.mood = "deaf"
    assert fetched(site.starter(), own_home).state == "done"


def test_half_of_an_older_version_is_not_joined_to_a_newer_one(site: Site, own_home: Path) -> None:
    old = site.starter()
    site.mood, site.cuts = "cut", 99
    fetched(old, own_home)
    site.content, site.etag, site.mood, site.asked = archive_of(each=3), '"2"', "good", []
    assert fetched(site.starter(), own_home).state == "done"
    assert len(site.asked) == 1  # the server was told which version the half is of
    assert len(Project.open(own_home / "Bean leaves").scan().pictures) == 9


def test_half_from_another_address_is_thrown_away(site: Site, own_home: Path) -> None:
    site.mood, site.cuts = "cut", 99
    fetched(site.starter(), own_home)
    site.mood, site.asked = "good", []
    other = site.starter(url=site.url.replace("set.zip", "other/set.zip"))
    assert fetched(other, own_home).state == "done"
    assert site.asked == [""]


def test_an_answer_that_starts_elsewhere_is_not_appended(site: Site, own_home: Path) -> None:
    site.mood, site.cuts = "cut", 99
    fetched(site.starter(), own_home)
    site.mood, site.asked = "elsewhere", []
    assert fetched(site.starter(), own_home).state == "done"
    assert site.asked[1:] == [""]


@pytest.mark.parametrize(
    ("mood", "said", "requests"),
    [
        ("html", "web page", 1),
        ("hidden_html", "web page", 1),
        ("wrong", "checksum (SHA-256) differs", 1),
        ("longer", f"not {len(archive_of()):,}: it is another one", 1),
        ("shorter", "is another one", 1),
        ("endless", "is another one", 1),
        ("404", "not at its address any more (HTTP 404)", 1),
        ("403", "not given out here (HTTP 403)", 1),
        ("500", "trouble at the moment (HTTP 500)", 3),
        ("503", "trouble at the moment (HTTP 503)", 3),
        ("astray", "not given out here (HTTP 302)", 1),
    ],
)
def test_what_goes_wrong_is_a_sentence(site: Site, own_home: Path, mood: str, said: str, requests: int) -> None:
    site.mood = mood
    starter = site.starter()
    state = fetched(starter, own_home)
    assert state.state == "failed"
    assert said in state.message
    assert state.hint
    assert len(site.asked) == requests
    assert not part_of(starter, own_home).exists()
    assert shown(own_home) == []
    assert examples.project_of(NAME) is None
    site.mood = "good"
    assert fetched(starter, own_home).state == "done"


@pytest.mark.parametrize("mood", ["html", "hidden_html", "403", "503"])
def test_a_network_that_wants_a_login_spoils_no_half(site: Site, own_home: Path, mood: str) -> None:
    site.mood, site.cuts = "cut", 1
    fetched(site.starter(), own_home, pauses=())
    half = part_of(site.starter(), own_home).stat().st_size
    site.mood = mood
    assert fetched(site.starter(), own_home).state == "failed"
    site.mood = "good"
    assert fetched(site.starter(), own_home).state == "done"
    assert site.asked[-1] == f"bytes={half}-"


def test_a_redirect_on_the_web_is_followed(site: Site, own_home: Path) -> None:
    site.mood = "moved"
    assert fetched(site.starter(), own_home).state == "done"


def test_offline_is_said_at_once(site: Site, own_home: Path) -> None:
    nobody = site.starter(url=f"http://127.0.0.1:{free_port()}/set.zip")
    state = fetched(nobody, own_home, pauses=(600,))  # would outlast the test if it tried again
    assert "offline" in state.message
    assert "try again" in state.hint


def test_a_silent_server_is_given_up(site: Site, own_home: Path) -> None:
    site.mood, site.cuts = "hang", 99
    state = fetched(site.starter(), own_home, timeout=0.2)
    assert "does not answer" in state.message
    assert len(site.asked) == 3


def test_a_stop_is_heard_while_the_server_is_silent(site: Site, own_home: Path) -> None:
    site.mood, site.cuts = "hang", 1
    own_home.mkdir()
    fetching = going(site.starter(), own_home, timeout=600)
    thread = threading.Thread(target=__main__.run, args=(fetching,), daemon=True)
    thread.start()
    assert site.halfway.wait(30)
    fetching.records.ask_to_stop()
    thread.join(30)  # far less than the silence that it sits through otherwise
    assert not thread.is_alive()
    state = fetching.records.state()
    assert (state.state, state.ended) == ("stopped", True)
    kept = part_of(site.starter(), own_home).stat().st_size
    assert 0 < kept <= len(site.content) // 2
    site.mood = "good"
    assert fetched(site.starter(), own_home).state == "done"
    assert site.asked[-1] == f"bytes={kept}-"


def test_a_stop_while_unpacking_leaves_no_project(site: Site, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetching = going(site.starter(), own_home)
    own_home.mkdir()

    def stop_at_unpacking(name: str, total: int, done: int = 0, phase: Callable[..., None] = fetching.phase) -> None:
        phase(name, total, done)
        fetching.stopped = name == "unpack"

    monkeypatch.setattr(fetching, "phase", stop_at_unpacking)
    assert __main__.run(fetching) == 0
    assert fetching.records.state().state == "stopped"
    assert shown(own_home) == []
    assert list(own_home.glob(".unpacking*")) == []
    site.asked.clear()
    assert fetched(site.starter(), own_home).state == "done"
    assert site.asked == []  # the archive was whole and is not fetched again


def test_a_half_that_the_server_knows_nothing_of_is_thrown_away(site: Site, own_home: Path) -> None:
    site.mood, site.cuts = "cut", 1
    fetched(site.starter(), own_home, pauses=())
    site.mood, site.asked = "416", []
    assert fetched(site.starter(), own_home, pauses=()).state == "failed"
    site.mood = "good"
    assert fetched(site.starter(), own_home).state == "done"
    assert site.asked[1:] == [""]


def test_an_empty_answer_spoils_no_half(site: Site, own_home: Path) -> None:
    site.mood, site.cuts = "cut", 1
    fetched(site.starter(), own_home, pauses=())
    half = part_of(site.starter(), own_home).stat().st_size
    site.mood = "nothing"
    assert "broke off" in fetched(site.starter(), own_home).message
    assert part_of(site.starter(), own_home).stat().st_size == half


def test_a_whole_archive_that_was_spoilt_is_fetched_again(site: Site, own_home: Path) -> None:
    archive = part_of(site.starter(), own_home).with_suffix("")
    archive.parent.mkdir(parents=True)
    archive.write_bytes(bytes(len(site.content)))
    assert "checksum" in fetched(site.starter(), own_home).message
    assert not archive.exists()
    assert fetched(site.starter(), own_home).state == "done"


def test_what_a_crash_left_is_no_project_and_goes(site: Site, own_home: Path) -> None:
    left = unpack.making_folder(site.starter(), own_home)
    (left / "half a class").mkdir(parents=True)
    assert shown(own_home) == []
    fetched(site.starter(), own_home)
    assert not left.exists()
    assert not (own_home / "Bean leaves" / "half a class").exists()


def test_doubles_and_bad_files_are_counted(site: Site, own_home: Path) -> None:
    good, other = (encoded(shaded(COLOURS["red"], seed)) for seed in (1, 2))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, content in {"a/1.png": good, "a/2.png": good, "b/3.png": other, "b/4.png": b"no picture"}.items():
            file.writestr(name, content)
    site.content = out.getvalue()
    assert fetched(site.starter(), own_home).message == "2 pictures; 2 were left out, as doubles or unreadable."


def test_an_archive_without_a_good_picture_makes_no_project(site: Site, own_home: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("a/1.png", b"no picture")
    site.content = out.getvalue()
    state = fetched(site.starter(), own_home)
    assert state.state == "failed"
    assert "None of the pictures" in state.message
    assert shown(own_home) == []


def test_a_disk_that_is_too_small_is_not_tried(site: Site, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = 3 * len(site.content) - 1
    monkeypatch.setattr(__main__.shutil, "disk_usage", lambda path: type("Usage", (), {"free": free}))
    state = fetched(site.starter(), own_home)
    assert "not enough space" in state.message
    assert site.asked == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_fills_up_is_a_sentence(site: Site, own_home: Path) -> None:
    part = part_of(site.starter(), own_home)
    part.parent.mkdir(parents=True)
    download.storage.write_json(part.with_name("set.zip.part.json"), {"url": site.url})
    part.symlink_to("/dev/full")
    assert fetched(site.starter(), own_home).message == "The disk is full."


def test_an_unforeseen_fault_is_a_sentence_too(
    site: Site, own_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(__main__, "unpack", lambda *args: 1 / 0)
    state = fetched(site.starter(), own_home)
    assert "ZeroDivisionError" in state.message
    assert "worker.log" in state.hint
    assert "Traceback" in capsys.readouterr().err


def test_progress_counts_only_what_came_now(site: Site, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own_home.mkdir()
    fetching = going(site.starter(), own_home)
    clock = iter([100.0, 110.0])
    monkeypatch.setattr(job.time, "perf_counter", lambda: next(clock))
    fetching.phase("download", 1000, 800)
    fetching.progress(900, 1000)
    state = fetching.records.state()
    assert (state.done, state.total, state.seconds_left) == (900, 1000, 10.0)


def cifar(batches: list[np.ndarray]) -> bytes:
    files = {f"data_batch_{n}.bin": batch.tobytes() for n, batch in enumerate(batches, 1)}
    files |= {"batches.meta.txt": b"bird\nship\n\n", "test_batch.bin": b"", "readme.html": b"<html>"}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def test_the_records_of_cifar_become_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "CIFAR_EACH", 3)
    records = np.random.default_rng(1).integers(0, 256, (8, 3073), np.uint8)
    records[:, 0] = [1, 1, 0, 1, 1, 0, 0, 0]
    archive = tmp_path / "cifar-10-binary.tar.gz"
    archive.write_bytes(cifar([records[:4], records[4:]]))
    unpack.unpack(STARTERS["cifar10"], archive, tmp_path, lambda path: None, lambda done, total: None)
    root = tmp_path / "CIFAR-10"
    assert {path.relative_to(root).as_posix() for path in root.glob("*/*.png")} == {
        *(f"bird/bird-0000{row}.png" for row in (2, 5, 6)),
        *(f"ship/ship-0000{row}.png" for row in (0, 1, 3)),
    }
    pixels = np.asarray(Image.open(root / "bird" / "bird-00005.png"))
    assert pixels.shape == (32, 32, 3)
    assert tuple(pixels[1, 2]) == tuple(records[5, [1 + 34, 1 + 1024 + 34, 1 + 2048 + 34]])


@pytest.mark.parametrize("name", ["http://evil.example/x.zip", "../beans", "", "Beans"])
def test_only_names_of_the_table_are_known(name: str, own_home: Path) -> None:
    for call in (examples.fetch, examples.task, examples.project_of):
        with pytest.raises(ConfigError, match="no set"):
            call(name)


@pytest.mark.parametrize("starter", STARTERS.values(), ids=lambda s: s.name)
def test_the_table_is_complete(starter: Starter) -> None:
    assert STARTERS[starter.name] is starter
    assert starter.url.startswith("https://")
    assert starter.url.endswith((".zip", ".tgz", ".tar.gz"))
    assert len(bytes.fromhex(starter.sha256)) == 32
    assert 0 < starter.bytes < 250e6
    assert class_name(starter.title) == starter.title  # also the name of a folder, on every system
    assert starter.licence
    assert 1 < starter.classes <= starter.pictures


@pytest.mark.network
@pytest.mark.parametrize("starter", STARTERS.values(), ids=lambda s: s.name)
def test_the_addresses_still_give_files_of_this_size(starter: Starter) -> None:
    with download.ask(starter.url) as response:
        assert response.headers["Content-Length"] == str(starter.bytes)


@pytest.fixture
def through_site(site: Site, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Worker processes fetch from the site."""
    starter = site.starter()
    monkeypatch.setattr(examples, "_WORKER", "tests.core.datasets.test_examples")
    monkeypatch.setenv("TEST_STARTER", f"{starter.url} {starter.bytes} {starter.sha256}")
    return site


def ended(name: str = NAME) -> TaskState:
    state = until(lambda: (now := examples.task(name).state()) and now.ended and now)
    assert isinstance(state, TaskState)
    return state


def test_a_process_of_its_own_fetches_once(through_site: Site, own_home: Path) -> None:
    assert examples.task(NAME).state() is None
    assert examples.project_of(NAME) is None
    for _ in range(3):
        examples.fetch(NAME)
    assert ended().state == "done"
    examples.fetch(NAME)
    assert ended().state == "done"
    assert through_site.asked == [""]
    assert shown(own_home) == ["Bean leaves"]


def test_a_project_that_was_removed_can_be_fetched_again(through_site: Site, own_home: Path) -> None:
    examples.fetch(NAME)
    ended()
    (own_home / "Bean leaves").rename(own_home / "moved")
    assert examples.project_of(NAME) is None
    examples.fetch(NAME)
    ended()
    assert shown(own_home) == ["Bean leaves", "moved"]


def test_a_stop_ends_the_process_and_the_next_goes_on(through_site: Site, own_home: Path) -> None:
    through_site.mood, through_site.cuts = "hang", 1
    examples.fetch(NAME)
    assert through_site.halfway.wait(30)
    until(part_of(STARTERS[NAME], own_home).exists)
    examples.task(NAME).stop()
    assert ended().state == "stopped"
    through_site.mood = "good"
    examples.fetch(NAME)
    assert ended().state == "done"


def test_a_killed_process_is_told_and_the_next_goes_on(through_site: Site, own_home: Path) -> None:
    through_site.mood, through_site.cuts = "hang", 1
    examples.fetch(NAME)
    part = part_of(STARTERS[NAME], own_home)
    half = len(through_site.content) // 2
    until(lambda: part.exists() and part.stat().st_size > half - 20_000)
    state = examples.task(NAME).state()
    assert state is not None
    os.kill(state.pid, signal.SIGKILL)
    state = ended()
    assert state.state == "interrupted"
    assert "Fetching was cut off" in state.message
    kept = part.stat().st_size
    through_site.mood = "good"
    examples.fetch(NAME)
    assert ended().state == "done"
    assert through_site.asked[-1] == f"bytes={kept}-"


def test_the_real_worker_says_that_it_is_offline(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for proxy in ("https_proxy", "HTTPS_PROXY"):  # to where nobody is: no address of the table can be reached
        monkeypatch.setenv(proxy, f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    examples.fetch("rock_paper_scissors")
    state = ended("rock_paper_scissors")
    assert state.state == "failed"
    assert "offline" in state.message


def in_dialog() -> None:
    import streamlit as st

    from pages.shared.pictures import starters as page

    st.dialog("Add pictures")(page.offer)()


def test_the_page_fetches_and_opens(through_site: Site, own_home: Path) -> None:
    from streamlit.testing.v1 import AppTest

    at = AppTest.from_function(in_dialog, default_timeout=60).run()
    assert not at.exception
    said = "\n".join(str(element.value) for kind in (at.markdown, at.caption) for element in kind).replace("\\", "")
    for starter in STARTERS.values():
        for fact in (starter.title, starter.url, starter.licence, f"{starter.pictures:,} pictures"):
            assert fact in said
    at.button(f"starter {NAME} Fetch").click().run()
    ended()
    at.run()
    assert not at.exception
    assert str(own_home / "Bean leaves") in "".join(caption.value for caption in at.caption).replace("\\", "")
    assert at.button(f"starter {NAME} Open")


def test_the_page_says_what_went_wrong(through_site: Site, own_home: Path) -> None:
    from streamlit.testing.v1 import AppTest

    through_site.mood = "html"
    examples.fetch(NAME)
    ended()
    at = AppTest.from_function(in_dialog, default_timeout=60).run()
    assert "A web page came instead" in at.error[0].value.replace("\\", "")
    through_site.mood = "good"
    at.button(f"starter {NAME} Try again").click().run()
    ended()
    assert not at.run().error


if __name__ == "__main__":
    url, size, digest = os.environ["TEST_STARTER"].split()
    STARTERS[NAME] = replace(STARTERS[NAME], url=url, bytes=int(size), sha256=digest)
    os._exit(__main__.main(sys.argv[1], Path(sys.argv[2])))
