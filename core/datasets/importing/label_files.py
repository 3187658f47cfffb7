"""The JSON of labelling tools -> titles and rows, as a table has them. A cell with several labels is a JSON list.

Label Studio: https://labelstud.io/guide/export. COCO: https://cocodataset.org/#format-data. FiftyOne:
https://docs.voxel51.com/user_guide/export_datasets.html (FiftyOneImageClassificationDataset). VoTT: "assets" of its JSON
export. CreateML: objects of "image" and "annotations". Vertex AI: JSON Lines of "imageGcsUri".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from core.datasets.importing.titles import FILE_TITLES, LABEL_TITLES, rank
from core.system.errors import ProjectError

Sheet = tuple[tuple[str, ...], list[list[str]]]
_PAIR = ("file", "label")
_DEEPEST = 3
_PYTHON_TEXT = re.compile(r"'([^'\\]*)'|\"([^\"\\]*)\"")
_PYTHON_LIST = re.compile(rf"\[\s*(?:(?:{_PYTHON_TEXT.pattern})\s*(?:,\s*)?)*\]")
_HOLDING = ("choices", "label", "labels", "class", "name", "tags", "displayName")
"""What labels are called in an object that holds them."""
_LONGEST = 5000  # characters of a cell that are looked into


def read_json(text: str, *, lines: bool) -> Sheet:
    """The rows of a JSON file; `lines`: each line is a value of its own. Raises ProjectError for what is not JSON."""
    try:
        # A label may hold breaks of other kinds.
        value = [json.loads(line) for line in text.split("\n") if line.strip()] if lines else json.loads(text)
    except (ValueError, RecursionError):
        raise ProjectError("This file is not JSON.", "Save it again, or use CSV.") from None
    for layout in _LAYOUTS:
        if (sheet := layout(value)) is not None:
            return sheet
    return (), []


def labels_in(cell: str) -> tuple[str, ...]:
    """The labels in a cell: none, one, or several where it holds JSON, as Label Studio writes several choices, or a list as
    Python writes it."""
    text = cell.strip()
    if text.startswith(("{", "[")) and len(text) < _LONGEST:
        try:
            return tuple(dict.fromkeys(_names(json.loads(text))))
        except (ValueError, RecursionError):
            pass
        if _PYTHON_LIST.fullmatch(text):
            return tuple(dict.fromkeys(a or b for a, b in _PYTHON_TEXT.findall(text) if a or b))
    return (text,) if text else ()


def _names(value: Any) -> list[str]:
    """The labels in a value: a text, a number, or what holds them."""
    if isinstance(value, str):
        return [value.strip()] if value.strip() else []
    if isinstance(value, int | float):
        return [str(value)]
    if isinstance(value, Mapping):
        return next((_names(value[key]) for key in _HOLDING if value.get(key) is not None), [])
    return [name for each in value for name in _names(each)] if isinstance(value, list) else []


def as_cell(labels: Iterable[str]) -> str:
    """Labels as one cell, so that `labels_in` gives them back."""
    different = list(dict.fromkeys(labels))
    plain = len(different) == 1 and not different[0].startswith(("{", "["))
    return different[0] if plain else json.dumps(different, ensure_ascii=False) if different else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in _list(value) if isinstance(item, Mapping)]


def _coco(value: Any) -> Sheet | None:
    if not (isinstance(value, Mapping) and _objects(value.get("images"))):
        return None
    names = {str(each.get("id")): str(each.get("name")) for each in _objects(value.get("categories"))}
    labels: dict[str, list[str]] = {}
    for each in _objects(value.get("annotations")):
        number = str(each.get("category_id"))
        labels.setdefault(str(each.get("image_id")), []).append(names.get(number, number))
    rows = [
        [str(image.get("file_name") or image.get("id")), as_cell(labels.get(str(image.get("id")), []))]
        for image in _objects(value["images"])
    ]
    return _PAIR, rows


def _fiftyone(value: Any) -> Sheet | None:
    if not (isinstance(value, Mapping) and isinstance(value.get("labels"), Mapping)):
        return None
    classes = [str(name) for name in _list(value.get("classes"))]

    def named(label: Any) -> list[str]:
        if isinstance(label, int) and not isinstance(label, bool) and 0 <= label < len(classes):
            return [classes[label]]
        if isinstance(label, Mapping) and "label" in label:
            return named(label["label"])
        return [name for each in label for name in named(each)] if isinstance(label, list) else _names(label)

    return _PAIR, [[str(name), as_cell(named(label))] for name, label in value["labels"].items()]


def _vott(value: Any) -> Sheet | None:
    if not (isinstance(value, Mapping) and isinstance(value.get("assets"), Mapping)):
        return None
    rows = []
    for each in value["assets"].values():
        asset = each.get("asset", each) if isinstance(each, Mapping) else {}
        if isinstance(asset, Mapping) and (name := asset.get("name") or asset.get("path")):
            tags = [tag for region in _objects(each.get("regions")) for tag in _names(region.get("tags"))]
            rows.append([str(name), as_cell(tags or _names(each.get("tags")))])
    return _PAIR, rows


def _label_studio(value: Any) -> Sheet | None:
    tasks = [task for task in _objects(value) if isinstance(task.get("data"), Mapping)]
    if not tasks:
        return None
    data = [{str(key): text for key, text in task["data"].items() if isinstance(text, str)} for task in tasks]
    titles = tuple(dict.fromkeys(key for each in data for key in each))
    rows = [
        [*(each.get(title, "") for title in titles), as_cell(_annotated(task))]
        for each, task in zip(data, tasks, strict=True)
    ]
    return (*titles, "label"), rows


def _annotated(task: Mapping[str, Any]) -> list[str]:
    """The choices of a task's newest annotation that was not cancelled."""
    for annotation in reversed(_objects(task.get("annotations")) or _objects(task.get("completions"))):
        if not annotation.get("was_cancelled"):
            values = [result.get("value") for result in _objects(annotation.get("result"))]
            return [name for each in values if isinstance(each, Mapping) for name in _names(each.get("choices"))]
    return []


def _by_columns(value: Any) -> Sheet | None:
    """A list or an object for each column, as pandas writes a table with `orient` "columns", "list" or "split"."""
    if not isinstance(value, Mapping):
        return None
    titles, rows = value.get("columns"), value.get("data")
    if isinstance(titles, list) and isinstance(rows, list):
        return tuple(map(str, titles)), [[_text(cell) for cell in row] for row in rows if isinstance(row, list)]
    columns = [list(each.values()) if isinstance(each, Mapping) else each for each in value.values()]
    numbered = all(
        isinstance(each, list) or list(each) == [*map(str, range(len(each)))]
        for each in value.values()
        if isinstance(each, list | Mapping)
    )
    alike = len(columns) > 1 and all(isinstance(each, list) and len(each) == len(columns[0]) for each in columns)
    if not (alike and numbered and any(rank(str(title), FILE_TITLES) is not None for title in value)):
        return None
    return tuple(map(str, value)), [[_text(cell) for cell in row] for row in zip(*columns, strict=True)]


def _mapping(value: Any) -> Sheet | None:
    """`{"cat.jpg": "cat"}`, `{"cat": ["1.jpg", "2.jpg"]}`, `{"0": "cat"}`, or objects that are only numbered by their keys."""
    if not isinstance(value, Mapping):
        return None
    for key in ("_via_img_metadata", "data", "images", "items", "samples", "rows"):
        if isinstance(value.get(key), Mapping | list):
            return _rows(list(value[key].values()) if isinstance(value[key], Mapping) else value[key])
    inner = list(value.values())
    if inner and all(isinstance(each, Mapping) for each in inner):
        return _rows([{"id": key, **each} for key, each in value.items()])
    if inner and all(isinstance(each, list) and all(isinstance(one, str) for one in each) for each in inner):
        return _PAIR, [[file, str(label)] for label, files in value.items() for file in files]
    pairs = [[str(key), _text(each)] for key, each in value.items() if isinstance(each, str | int | float)]
    return _PAIR, pairs


def _rows(value: Any) -> Sheet:
    """Objects, or lists without titles, of one picture each."""
    if lists := [[_text(cell) for cell in row] for row in _list(value) if isinstance(row, list)]:
        return (), [row for row in lists if row]
    cells = [dict(_cells(item)) for item in _objects(value)]
    for known in (FILE_TITLES, LABEL_TITLES):
        _under_one_title(cells, known)
    titles = tuple(dict.fromkeys(title for each in cells for title in each))
    return titles, [[each.get(title, "") for title in titles] for each in cells if each]


def _under_one_title(cells: list[dict[str, str]], known: Mapping[str, int]) -> None:
    """Objects that call the same thing otherwise, one `file` and another `image`, and none both, call it by one title."""
    titles = dict.fromkeys(title for each in cells for title in each if rank(title, known) is not None)
    if len(titles) > 1 and all(sum(title in each for title in titles) < 2 for each in cells):
        first = next(iter(titles))
        for each in cells:
            for title in titles.keys() & each.keys():
                each[first] = each.pop(title)


def _cells(item: Mapping[str, Any], depth: int = 0) -> Iterable[tuple[str, str]]:
    """Titles and cells of an object; those inside it have the titles of both."""
    for key, value in item.items():
        if isinstance(value, Mapping) and _only_holds_labels(str(key), value):
            yield str(key), as_cell(_names(value))  # other pictures may have plain text there
        elif isinstance(value, Mapping) and depth < _DEEPEST:
            yield from ((f"{key} {title}", cell) for title, cell in _cells(value, depth + 1))
        elif isinstance(value, list):
            yield str(key), as_cell(_names(value))
        else:
            yield str(key), _text(value)


def _only_holds_labels(title: str, value: Mapping[str, Any]) -> bool:
    """Whether an object stands for the labels in it, as Label Studio writes it where several were chosen."""
    keys = list(value)
    return keys == ["choices"] or (len(keys) == 1 and keys[0] in _HOLDING and rank(title, LABEL_TITLES) is not None)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


_LAYOUTS: tuple[Callable[[Any], Sheet | None], ...] = (
    _coco,
    _fiftyone,
    _vott,
    _label_studio,
    _by_columns,
    _mapping,
    _rows,
)
