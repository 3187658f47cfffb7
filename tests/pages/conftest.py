"""Pages of a test compute nothing that nobody asked for."""

from __future__ import annotations

import pytest

from pages.shared.evaluate import ahead


@pytest.fixture(autouse=True)
def _nothing_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "look_ahead", lambda _: None)
