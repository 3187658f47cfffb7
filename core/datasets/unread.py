"""Files that people take for pictures and that are not read: what they are called, and what to do with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from core.system.naming import count

FILMS = (".mp4", ".mov", ".m4v", ".webm", ".mkv", ".avi", ".3gp")
"""Endings of films that an import takes pictures out of."""
_AS_PICTURES = "save them as PNG or JPEG"
_KINDS = {
    "JPEG XL picture": (".jxl", _AS_PICTURES),
    "JPEG 2000 picture": (".jp2 .j2k .jpx", _AS_PICTURES),
    "raw photo": (".cr2 .cr3 .nef .arw .dng .orf .rw2 .raf .pef", "export them as JPEG"),
    "Photoshop file": (".psd .psb .xcf", _AS_PICTURES),
    "drawing": (".svg .eps .ai", _AS_PICTURES),
    "NetPBM picture": (".ppm .pgm .pbm .pnm", _AS_PICTURES),
    "DICOM file": (".dcm .dicom", "export them as PNG"),
    "array of numbers": (".npy .npz .mat .h5 .hdf5", "save each picture as PNG"),
    "TFRecord file": (".tfrecord .tfrecords", "save each picture as a file"),
    "Parquet table": (".parquet .feather .arrow", "save it as CSV"),
    "Excel table": (".xls .xlsx .xlsm .ods", "save it as CSV"),
    "XML file": (".xml", "write the labels into a CSV of file and label"),
    "film": (" ".join(FILMS), "Add pictures takes pictures out of films"),
    "film of another kind": (".mpg .mpeg .wmv .flv .mts .vob", "save it as MP4"),
    "document": (".pdf .doc .docx .ppt .pptx", "save its pictures as PNG or JPEG"),
    "packed file": (".rar .7z .gz .bz2 .xz", "unpack it first"),
}
_BY_ENDING = {ending: kind for kind, (endings, _) in _KINDS.items() for ending in endings.split()}


def kind_of(name: str) -> str:
    """What a file is by the ending of its name, such as "raw photo"; "" for one that nobody would miss."""
    return _BY_ENDING.get(f".{name.lower().rpartition('.')[2]}", "")


def reason(name: str) -> str:
    """Why a file that is no picture is passed over, in short."""
    kind = kind_of(name)
    return f"{kind}, not read" if kind else "not a picture"


def sentences(kinds: Mapping[str, int]) -> list[str]:
    """ "36 raw photos are not read: export them as JPEG.", one for each kind of a `tally`, most first."""
    return [_sentence(kind, number) for kind, number in Counter(kinds).most_common()]


def tally(names: Iterable[str]) -> Counter[str]:
    """Kind -> how many files of it are passed over."""
    return Counter(kind for name in names if (kind := kind_of(name)))


def _sentence(kind: str, number: int) -> str:
    return f"{count(number, kind)} {'is' if number == 1 else 'are'} not read: {_KINDS[kind][1]}."
