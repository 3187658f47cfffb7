"""A data home of their own for all tests, and the things that several of them share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from streamlit.components.v2 import manifest_scanner

from core import Project, Run, TrainConfig, train
from tests.one_process import one_process
from tests.pictures import COLOURS, flat_project

settings.register_profile(
    "same everywhere", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("same everywhere")

BY_HAND = {"network": "needs the internet", "thorough": "the same for one more network, or once more"}
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def pytest_configure() -> None:
    if os.environ.get("CI") and not CHROMIUM:
        pytest.exit("CI must have Chromium: the browser tests may not be skipped there.", returncode=3)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        for marker, why in BY_HAND.items():
            if item.get_closest_marker(marker) and marker not in (config.option.markexpr or ""):
                item.add_marker(pytest.mark.skip(reason=f"{why}; run it with: pytest -m {marker}"))
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))
        if item.get_closest_marker("browser") and not CHROMIUM:
            item.add_marker(
                pytest.mark.skip(reason="there is no Chromium on this machine (install it, or set CHROMIUM)")
            )


@pytest.fixture(scope="session", autouse=True)
def data_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One for the whole session, so that a backbone is converted once."""
    home = tmp_path_factory.mktemp("home")
    if "PYTEST_XDIST_WORKER" in os.environ:  # what one test process has converted, the others need not
        shared = tmp_path_factory.getbasetemp().parent / "backbones"
        shared.mkdir(exist_ok=True)
        (home / "backbones").symlink_to(shared, target_is_directory=True)
    before = os.environ.get("FIELDGUIDE_HOME")
    os.environ["FIELDGUIDE_HOME"] = str(home)
    yield home
    if before is None:
        os.environ.pop("FIELDGUIDE_HOME")
    else:
        os.environ["FIELDGUIDE_HOME"] = before


@pytest.fixture(scope="session", autouse=True)
def _one_look_for_components() -> Iterator[None]:
    """Each page that is tested without a browser would look through all installed packages for components of theirs, for a
    second; once is enough."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(name="one_process")
def _one_process() -> Iterator[None]:
    with one_process():
        yield


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data home for one test."""
    home = tmp_path / "own home"
    monkeypatch.setenv("FIELDGUIDE_HOME", str(home))
    return home


@pytest.fixture(scope="session")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three classes that anything can tell apart."""
    return flat_project(tmp_path_factory.mktemp("projects") / "colours", COLOURS, each=16)


@pytest.fixture(scope="session")
def trained(colours: Path) -> Run:
    """A finished quick run on the three colours, by the real worker."""
    return train(Project.open(colours), TrainConfig(epochs=10))
