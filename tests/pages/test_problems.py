"""Problems: what is offered for a finding."""

from __future__ import annotations

import pytest

from core.datasets.catalogue import Picture
from core.quality.findings import Finding
from pages.shared.pictures import problems


@pytest.mark.parametrize(
    ("names", "offered"),
    [
        (("webcam-0a1b2c3d-001", "webcam-0a1b2c3d-002"), ["Keep all"]),
        (("webcam-0a1b2c3d-001", "photo"), ["Keep the largest", "Keep all"]),
        (("webcam-holiday-1", "webcam-holiday-2"), ["Keep the largest", "Keep all"]),
    ],
)
def test_a_burst_of_the_camera_is_not_thinned(names: tuple[str, str], offered: list[str]) -> None:
    pictures = tuple(Picture(name, f"cup/{name}.jpg", "cup", 64, 64, 1, b"", 128.0) for name in names)
    finding = Finding("near", "2 pictures that look almost the same", "", pictures)
    assert [words for _, words in problems._actions(finding)] == offered
