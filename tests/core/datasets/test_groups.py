"""What the name of a picture tells of others that it belongs to."""

from __future__ import annotations

import pytest

from core.datasets.groups import kin_of

A, B = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"


@pytest.mark.parametrize(
    "names",
    [
        [f"cat1_jpg.rf.{A}.jpg", f"cat1_jpg.rf.{B}.jpg", "cat1_jpg.rf.aB3dE5fG7hI9.jpg"],
        ["leaf-aug-1.png", "leaf_aug_2.png", "leaf_aug.png", "leaf augmented 3.png", "Leaf-Aug-10.png"],
        ["leaf copy.png", "leaf - Copy (2).png", "leaf copy 3.png", "Copy of leaf.png", "leaf - Kopie.png"],
        ["a_original_leaf.jpg_01234567-89ab-cdef-0123-456789abcdef.jpg", "leaf_hflip.jpg", "leaf-rot90.jpg"],
        ["clip3_frame_0012.jpg", "clip3_frame_0007.jpg", "clip3-frame8.jpg", f"clip3_frame_0009_jpg.rf.{A}.jpg"],
        ["clip3_0012.png", "clip3_0013.png"],
        ["IMG_20150906_115400_BURST1.jpg", "IMG_20150906_115400_BURST002_COVER.jpg"],
        ["00001IMG_00001_BURST20190404090130113.jpg", "00002IMG_00002_BURST20190404090130113_COVER.jpg"],
        ["20190404_090130_001.jpg", "20190404_090130_002.jpg"],
        ["frame_0001.png", "frame_0001 (2).png", "frame_0002 (13).png"],
        ["video1frame12.png", "video1_frame_13.png"],
        ["leaf_aug_0001.png", "leaf_aug_2.png"],
        ["webcam-0a1b2c3d-001.jpg", "webcam-0a1b2c3d-030.jpg", "webcam-0a1b2c3d-030 (2).jpg"],
    ],
)
def test_names_that_tell_of_one_photo_or_film(names: list[str]) -> None:
    found = {kin_of(f"some/{name}") for name in names}
    assert len(found) == 1
    assert None not in found


@pytest.mark.parametrize(
    "names",
    [
        ["IMG_0012.jpg", "IMG_0013.jpg"],
        ["cat (1).jpg", "cat (2).jpg"],
        ["frame (1).jpg", "frame (2).jpg", "take_1 (2).jpg"],
        ["cardboard1.jpg", "cardboard2.jpg"],
        ["100080576_f52e8ee070_n.jpg", "100080576_0a1b2c3d4e_n.jpg"],
        ["apfel_rot_1.jpg", "apfel_rot_2.jpg"],
        ["copyright.jpg", "inflation.jpg", "framework.jpg"],
        ["video_0001.jpg", "video_0002.jpg"],
        ["screenshot_20240102-101010.png", "screenshot_20240102-101011.png"],
        [
            "Screenshot_1_2.png",
            "gunshot1_2.png",
            "paperclip 12 03.png",
            "covid1_2.png",
            "snapshot2-1.png",
            "overtake_1_2.png",
        ],
        ["sunburst 4.jpg", "starburst_12.jpg", "mainframe_2.jpg"],
        ["15-aug-2019.jpg", "cake_aug_2021.jpg", "IMG 5 Aug 2019.jpg"],
    ],
)
def test_names_that_tell_nothing(names: list[str]) -> None:
    assert {kin_of(f"some/{name}") for name in names} == {None}
