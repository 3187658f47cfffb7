"""A project: a folder of class folders, and what Fieldguide keeps about it in a hidden folder beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from core.config.framing import Framing
from core.config.split import SplitConfig
from core.datasets import division, unread
from core.datasets.catalogue import Catalogue, ClassChoices, Picture, Rejected, class_order
from core.datasets.division import Division
from core.datasets.edit_journal import HIDDEN, Edit, Journal
from core.datasets.file_index import FileIndex, FileRow
from core.datasets.file_operations import Step
from core.datasets.layout import Layout, layout_of, may_be_split, with_those_above
from core.datasets.project_home import home_of, put_aside
from core.datasets.scanner import Walk, subfolders, unwrapped, walk_folders
from core.datasets.thumbnails import thumbnail
from core.imaging import decode
from core.system import storage
from core.system.errors import PictureError, ProjectError, as_sentence
from core.system.naming import as_text, class_name
from core.system.threads import chunks, in_threads

_CHOICES = TypeAdapter(ClassChoices)
_FRAMING = "framing.json"
_SCAN_BATCH = 64
_NOT_NOW = "this file cannot be read"
_ONE_BY_ONE = 1000
"""More files than this that were not seen before are looked up all at once."""
Progress = Callable[[int, int], None]
"""Called with how many are done and how many there are."""


class Project:
    """A folder that is open. Nothing in it is moved or renamed but by an edit, which can be undone.

    `root` holds the class folders; `home` holds the index, thumbnails, features and runs: `.fieldguide/` beside the
    class folders, or a folder of its own in the data home where the root cannot be written to.
    """

    def __init__(self, root: Path, home: Path) -> None:
        self.root = root
        self.home = home

    @classmethod
    def open(cls, folder: Path | str, *, again: bool = False) -> Project:
        """Opens a folder of class folders in place.

        A single folder that only wraps the class folders is seen through. `again`: it was opened before, and is not taken
        for another one that lies there now without its notes, as under a stick that is not plugged in. Raises ProjectError
        if there is no such folder or it cannot be read.
        """
        try:
            root = Path(folder).expanduser().absolute()
            if as_text(str(root)) != str(root):  # records could not name it
                raise ProjectError(
                    f"The name {as_text(str(root))} has damaged characters in it.", "Rename the folder, then open it."
                )
            if not root.is_dir():
                raise ProjectError(f"There is no folder {root}.", "Check the spelling, or choose another folder.")
            if root in (Path(root.anchor), Path.home()):
                raise ProjectError(
                    f"{root} is far more than one set of pictures.", "Choose the folder of the class folders."
                )
            root = unwrapped(root)
        except PermissionError:
            raise ProjectError(f"The folder {folder} cannot be read.", "Ask its owner for permission.") from None
        except (OSError, RuntimeError, ValueError):  # a name that is too long, ~nobody, a NUL
            raise ProjectError(f"{folder} is not the name of a folder.", "Check the spelling.") from None
        project = cls(root, home_of(root, make=not again))
        storage.sweep(project.runs_dir)
        project.journal.recover()
        return project

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.root.name or str(self.root)

    @property
    def runs_dir(self) -> Path:
        """Where runs are kept unless the caller says otherwise."""
        return self.home / "runs"

    @cached_property
    def _index(self) -> FileIndex:
        return FileIndex(self.home / "index.sqlite")

    @cached_property
    def journal(self) -> Journal:
        """The edits made to the folders."""
        return Journal(self.root, self.home)

    def edit(self, kind: str, sentence: str, steps: Sequence[Step], token: str = "") -> Edit:
        """Makes an edit; to be called inside `journal.editing()`. Raises ProjectError, and then nothing was changed."""
        if not steps:
            return Edit(0, kind, sentence)
        return self.noted(self.journal.apply(kind, sentence, steps, token))

    def noted(self, edit: Edit) -> Edit:
        """Tells the index of what an edit moved, so that no picture is decoded again for having another name."""
        self._index.move(edit.moved)
        return edit

    def know(self, rows: Iterable[FileRow]) -> None:
        """Tells the index of files that were just written, so that they are not decoded again."""
        self._index.put(rows)

    def class_choices(self) -> ClassChoices:
        """What the person chose for the classes; may name classes that are gone."""
        try:
            return _CHOICES.validate_python(storage.read_json(self.home / "classes.json"))
        except ValidationError:  # missing, damaged, or of another version
            return ClassChoices()

    def division(self) -> Division:
        """How the project divides its pictures."""
        return division.read(self.home)

    def divide(self, changed: Callable[[Division], Division]) -> None:
        """Changes how the project divides its pictures; the next look at the folders sees it. Raises ProjectError."""
        with as_sentence(ProjectError):
            division.change(self.home, changed)

    def keep_split(self, config: SplitConfig) -> None:
        """Makes these the settings of the project's split. Raises ProjectError if they cannot be kept."""
        config = config if config.seed is not None else config.model_copy(update={"seed": 0})
        self.divide(lambda before: replace(before, config=config))

    def framing(self) -> Framing:
        """What models see of the project's pictures: the centre square, unless a person chose otherwise."""
        try:
            return Framing.model_validate(storage.read_json(self.home / _FRAMING))
        except ValidationError:  # missing, damaged, or of another version
            return Framing()

    @as_sentence(ProjectError)
    def keep_framing(self, framing: Framing) -> None:
        """Makes this what models see, in all trainings to come. Raises ProjectError if it cannot be kept."""
        storage.write_json(self.home / _FRAMING, framing.model_dump())

    def layout(self) -> Layout:
        """Where the class folders lie now, without a look at the pictures."""
        roots, tops = self.division().roots, subfolders(self.root)
        if roots:
            inside = [folder for root in roots for folder in (root, *subfolders(self.root, root))]
            return layout_of([*tops, *inside], roots)
        return walk_folders(self.root).layout() if may_be_split(tops) else layout_of(tops, {})

    def path_of(self, relative: str) -> Path:
        """The file behind a path of the catalogue. Raises ProjectError for one that leads outside of the project."""
        try:
            path = (self.root / relative).resolve()
        except (OSError, RuntimeError, ValueError):  # too long, a circle of links, a NUL
            path = None
        if path is None or not path.is_relative_to(self.root.resolve()):
            raise ProjectError(f"{relative} is not inside the project.")
        return path

    @as_sentence(ProjectError)
    def scan(self, progress: Progress | None = None, previous: Catalogue | None = None) -> Catalogue:
        """Looks at the folders. Files that are new or changed are decoded once; the others are known from before.

        `previous`: an earlier catalogue of this project; its pictures are used again where their files are the same, which
        spares reading and holding the whole index a second time. Raises ProjectError if the folder is gone.
        """
        if not self.root.is_dir():
            raise ProjectError(
                f"The folder {self.root} is gone.", "Was it moved, renamed, or on a stick that is not plugged in?"
            )
        walk = walk_folders(self.root)
        odd = put_aside(self.home)
        if odd:
            walk.unusable.append(Rejected(HIDDEN, f"{odd} links or devices in it are not read; they lie in quarantine"))
        seen = previous.by_path if previous else {}
        same = {
            path: seen[path]
            for path, stamp in walk.files.items()
            if path in seen and (seen[path].size, seen[path].modified_ns) == stamp
        }
        rest = {path: stamp for path, stamp in walk.files.items() if path not in same}
        if previous is None or len(rest) > _ONE_BY_ONE:
            known = self._index.rows()
        else:
            known = {path: row for path in rest if (row := self._index.row(path))}
        self._index.forget((known.keys() | seen.keys()) - walk.files.keys())
        rows = {
            p: known[p] for p, stamp in rest.items() if p in known and (known[p].size, known[p].modified_ns) == stamp
        }
        fresh = [(path, *stamp) for path, stamp in rest.items() if path not in rows]
        done = 0
        for batch in chunks(in_threads(self._look, fresh), _SCAN_BATCH):
            self._index.put(row for row in batch if row.reason != _NOT_NOW)
            rows.update((row.path, row) for row in batch)
            done += len(batch)
            if progress:
                progress(done, len(fresh))
        kept = self.division()
        layout = walk.layout(kept.roots)
        if layout.roots.keys() - kept.roots.keys():
            with suppress(ProjectError):  # then the next look finds it again
                self.divide(lambda before: replace(before, roots=layout.roots))  # type: ignore[arg-type]
        return _catalogue(rows, same, walk, layout, self.class_choices(), kept)

    def glance(self, most: int = 4) -> tuple[int, int, list[Path]]:
        """(pictures, classes, files of up to `most` pictures) as the last scan found them, without looking again and without
        the classes that are set aside."""
        counts, aside = self._index.folders(), set(self.class_choices().aside)
        layout = layout_of({above for folder in counts for above in with_those_above(folder)}, self.division().roots)
        class_of = {folder: layout.class_of(f"{folder}/picture") for folder in counts}
        used = [folder for folder in counts if class_of[folder] not in aside]
        some = self._index.some(most, used)
        classes = {class_of[folder] for folder in used} - {None}
        inside = []
        for path in some:
            with suppress(ProjectError):  # of a path that no look at the folders can have found
                inside.append(self.path_of(path))
        return sum(counts[folder] for folder in used), len(classes), inside

    def _look(self, file: tuple[str, int, int]) -> FileRow:
        path, size, modified = file
        try:
            if size > decode.MAX_FILE:
                raise PictureError(decode.FILE_TOO_LARGE)
            return FileRow(path, size, modified, decode.inspect((self.root / path).read_bytes()))
        except PictureError as error:
            return FileRow(path, size, modified, None, error.message)
        except (OSError, MemoryError):  # it may be read next time
            return FileRow(path, size, modified, None, _NOT_NOW)

    def file_with(self, content: str) -> Path:
        """A file of the project that has this content, by the id of its picture. Raises PictureError if there is none."""
        path = self._index.path_of(content)
        file = self.path_of(path) if path is not None else None
        if file is None or not file.is_file():
            raise PictureError("the file is gone")
        return file

    def thumbnail(self, content: str, framing: Framing | None = None) -> bytes:
        """JPEG bytes of a picture, by its id, as a model sees it; without a framing, as the project says.

        Raises PictureError if the file is gone or went bad since.
        """
        return thumbnail(self.home, content, framing or self.framing(), self.file_with)


@as_sentence(ProjectError)
def new_project(name: str) -> Project:
    """An empty project in the data home. Raises ProjectError for a name that no folder can have, or that is taken."""
    root = storage.data_home() / class_name(name)
    try:
        root.mkdir()
    except FileExistsError:
        raise ProjectError(
            f"There is a project {root.name} already.", "Open it below, or choose another name."
        ) from None
    return Project.open(root)


def _catalogue(
    rows: dict[str, FileRow],
    same: dict[str, Picture],
    walk: Walk,
    layout: Layout,
    chosen: ClassChoices,
    known: Division,
) -> Catalogue:
    """A catalogue of the files in `rows` and of the pictures in `same`, which need no other look."""
    rejected = list(walk.unusable)
    pictures = dict(same)
    for path, row in sorted(rows.items()):
        if row.facts is None:
            rejected.append(Rejected(path, row.reason))
        else:
            pictures[path] = _picture(row, row.facts)
    for path, picture in pictures.items():
        part, folder = layout.place(path)
        now = (layout.classes.get(folder), part or known.parts.get(picture.id), known.groups.get(picture.id))
        if (picture.class_name, picture.part, picture.group) != now:
            pictures[path] = replace(picture, class_name=now[0], part=now[1], group=now[2])
    classes = class_order(set(layout.classes.values()), chosen)
    return Catalogue(
        tuple(pictures[path] for path in sorted(pictures)),
        tuple(classes),
        tuple(rejected),
        tuple(sorted(walk.links)),
        len(walk.others),
        frozenset(chosen.aside).intersection(classes),
        {name: chosen.colours.get(name, number) for number, name in enumerate(classes)},
        layout,
        unread.tally(walk.others),
    )


def _picture(row: FileRow, facts: decode.PictureFacts) -> Picture:
    return Picture(
        id=facts.sha256,
        path=row.path,
        class_name=None,  # where it lies says it
        width=facts.width,
        height=facts.height,
        size=row.size,
        signature=facts.signature,
        brightness=facts.brightness,
        sharpness=facts.sharpness,
        kind=facts.kind,
        note=facts.note,
        modified_ns=row.modified_ns,
    )


def now_at(path: Path, content: str) -> Path | None:
    """Where the picture that lay at `path` in a project lies now, by its id; None if it is gone, or was in no project."""
    for root in path.parents:
        if (root / HIDDEN).is_dir():
            with suppress(PictureError, ProjectError):
                return Project(root, root / HIDDEN).file_with(content)
    return None
