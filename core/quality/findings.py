"""Pictures that are worth a look, each kind with its reason, and what a person may decide about them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from core.datasets.catalogue import Catalogue, Picture
from core.datasets.groups import beginning_of
from core.datasets.project import Project
from core.datasets.splits import make_split
from core.datasets.validation import is_tiny, near_groups
from core.quality.analysis import Analysis
from core.system import disk, storage
from core.system.errors import ProjectError, as_sentence
from core.system.naming import count

BLURRED = 0.13
"""Sharpness (see images.sharpness_of) under which a picture counts as blurred: of flower_photos and trashnet under 0.1 % are,
and 19 of 20 of their pictures once they are blurred with a radius of 2 % of their side."""

FEW = 10
"""A class with fewer pictures than this needs more before all else."""

ENOUGH = 20
"""Pictures of a class from which on its number is not remarked upon, unless another class has three times as many."""

_FEWEST_BEGINNINGS, _ALIKE = 3, 0.3
"""So many beginnings of names in a class tell something, and such a share of the test is remarked upon."""

MOST_COMPARED = 30_000
"""More pictures than this are not compared with each other here; before a training they are."""

_FILE = "dismissed.json"
_TEXT = TypeAdapter(str)
_TEXTS = TypeAdapter(list[str])


@dataclass(frozen=True)
class Finding:
    """Pictures with one thing to decide. `kind`: "conflict" (one content in several classes), "copy", "near", "label" (each
    with the class that a model suggests and its probability, in `suggested` by path), "beginning" (of names), "tiny",
    "blurred", "dark" or "pale"."""

    kind: str
    title: str
    reason: str
    pictures: tuple[Picture, ...]
    suggested: dict[str, tuple[str, float]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Names the finding for as long as its pictures are the same; single pictures' kinds are one finding each."""
        return f"{self.kind} {' '.join(sorted(p.path for p in self.pictures))}" if self.grouped else self.kind

    @property
    def grouped(self) -> bool:
        """Whether the question is about all its pictures together, not about each."""
        return self.kind in ("conflict", "copy", "near")


@dataclass(frozen=True)
class Advice:
    """One line on what a class needs: its number of pictures, and a sentence, "" where it has enough."""

    class_name: str
    count: int
    sentence: str


def find(project: Project, catalogue: Catalogue, analysis: Analysis | None = None) -> list[Finding]:
    """All findings that were not dismissed, what hurts a training most first. Likely label errors need an analysis.

    Near-duplicates are left out above 30,000 pictures.
    """
    dismissed = _dismissed(project)
    catalogue = catalogue.in_use
    return [
        *_same_content(catalogue, dismissed),
        *_labels(project, catalogue, analysis),
        *_begin_alike(project, catalogue, dismissed),
        *_near(catalogue, dismissed),
        *_each(catalogue, dismissed),
    ]


def suspects(project: Project, catalogue: Catalogue, analysis: Analysis) -> list[tuple[Picture, str, float, bool]]:
    """Labelled pictures by how much their label is to be doubted, most first: (picture, class that a model would give,
    quality of the label 0..1, whether it is likely wrong). Left out are those that have another class by now, those of which
    a person said that they are right, and classes that are set aside."""
    catalogue = catalogue.in_use
    by_id = {picture.id: picture for picture in catalogue.pictures}
    right = _dismissed(project)
    return [
        (by_id[one.id], one.suggested, one.quality, one.likely)
        for one in analysis.suspects
        if one.id in by_id
        and by_id[one.id].class_name == one.given
        and one.suggested in catalogue.classes
        and Mark("label", (one.id,), one.given) not in right
    ]


def advice(catalogue: Catalogue) -> list[Advice]:
    """For each class in use, what to add; those that need most come first."""
    counts = catalogue.in_use.counts
    if not counts:
        return []
    largest = max(counts, key=lambda name: counts[name])
    lines = []
    for name, number in counts.items():
        sentence = ""
        if number < FEW:
            sentence = f"{number} so far: add {ENOUGH - number} or more, from different sides and places."
        elif 3 * number < counts[largest]:
            more = -(-counts[largest] // 3) - number
            sentence = f"{number} against {counts[largest]} of {largest}: {more} more would balance them better."
        elif number < ENOUGH:
            sentence = f"{number} so far: {ENOUGH - number} more would help."
        lines.append(Advice(name, number, sentence))
    return sorted(lines, key=lambda line: (not line.sentence, line.count))


def best_of(pictures: Sequence[Picture]) -> Picture:
    """Which of several copies to keep: the one with most pixels, then most bytes, then the first by path."""
    return min(pictures, key=lambda picture: (-picture.width * picture.height, -picture.size, picture.path))


@as_sentence(ProjectError)
def dismiss(project: Project, finding: Finding, pictures: Sequence[Picture]) -> None:
    """Keeps in mind that a person looked and found nothing wrong, so that it is not found again."""
    _add(project, _marks(finding.kind, pictures))


@as_sentence(ProjectError)
def confirm(project: Project, pictures: Sequence[Picture]) -> None:
    """Keeps in mind that a person looked and that these labels are right, so that they are not suspected again."""
    _add(project, _marks("label", pictures))


def confirmed(project: Project) -> set[tuple[str, str]]:
    """The (picture id, class) whose labels a person called right."""
    return {(mark.ids[0], mark.class_name) for mark in _dismissed(project) if mark.kind == "label"}


def dismissed_count(project: Project) -> int:
    """How many things were dismissed."""
    return len(_dismissed(project))


def forget_dismissed(project: Project) -> None:
    """Finds again what was dismissed."""
    disk.remove(project.home / _FILE)


@dataclass(frozen=True, order=True)
class Mark:
    """What a person looked at and found nothing wrong with: the kind of finding, the ids of the pictures, and for a label the
    class that is right."""

    kind: str
    ids: tuple[str, ...]
    class_name: str = ""


def _add(project: Project, marks: Sequence[Mark]) -> None:
    def added(known: object) -> list[tuple[str, tuple[str, ...], str]]:
        return [(mark.kind, mark.ids, mark.class_name) for mark in sorted(_read(known) | set(marks))]

    storage.update_json(project.home / _FILE, added)


def _dismissed(project: Project) -> set[Mark]:
    return _read(storage.read_json(project.home / _FILE))


def _read(value: object) -> set[Mark]:
    """The marks in a record; what is none is passed over. Until 0.1.0 each was a text: its kind, the ids, and for a label the
    class."""
    found = set()
    for one in value if isinstance(value, list) else ():
        try:
            kind, ids, class_name = _older(one) if isinstance(one, str) else one
            found.add(
                Mark(_TEXT.validate_python(kind), tuple(_TEXTS.validate_python(ids)), _TEXT.validate_python(class_name))
            )
        except (TypeError, ValueError):
            continue
    return {mark for mark in found if mark.ids and all(mark.ids)}


def _older(text: str) -> tuple[str, list[str], str]:
    kind, _, rest = text.partition(" ")
    if kind != "label":
        return kind, rest.split(" "), ""
    first, _, class_name = rest.partition(" ")
    return kind, [first], class_name


def _marks(kind: str, pictures: Sequence[Picture]) -> list[Mark]:
    if kind == "near":
        return [Mark("near", tuple(sorted(picture.id for picture in pictures)))]
    if kind == "label":
        return [Mark("label", (picture.id,), str(picture.class_name)) for picture in pictures]
    return [Mark(kind, (picture.id,)) for picture in pictures]


def _same_content(catalogue: Catalogue, dismissed: set[Mark]) -> list[Finding]:
    groups: dict[str, list[Picture]] = defaultdict(list)
    for picture in catalogue.pictures:
        groups[picture.id].append(picture)
    found = []
    for group in groups.values():
        classes = sorted({picture.class_name for picture in group if picture.class_name})
        if len(classes) > 1:
            title = f"One picture in {' and '.join(classes)}"
            found.append(
                Finding("conflict", title, "A picture can have one label. It is left out of training.", tuple(group))
            )
        elif len(group) > 1 and Mark("copy", (group[0].id,)) not in dismissed:
            found.append(
                Finding("copy", f"The same picture {len(group)} times", "Copies teach nothing new.", tuple(group))
            )
    return sorted(found, key=lambda finding: finding.kind)


def _labels(project: Project, catalogue: Catalogue, analysis: Analysis | None) -> list[Finding]:
    if analysis is None:
        return []
    doubted = [one for one in suspects(project, catalogue, analysis) if one[3]]
    if not doubted:
        return []
    title = f"{count(len(doubted), 'picture')} may be in the wrong class"
    reason = (
        "A model that never saw them would say another class (label errors, cleanlab). The most doubtful come first."
    )
    suggested = {}
    for picture, name, _, _ in doubted:
        said, sure = analysis.judged.get(picture.id, ("", 0.0))
        suggested[picture.path] = (name, sure if said == name else 0.0)
    return [Finding("label", title, reason, tuple(picture for picture, *_ in doubted), suggested)]


_WITHIN = "They teach little more than one of them. Where the class has others, they stay in one part."
_ACROSS = "Is each in the right class? Where two classes look the same, a model can only guess."


def _begin_alike(project: Project, catalogue: Catalogue, dismissed: set[Mark]) -> list[Finding]:
    """Test pictures whose names begin as those of training pictures do, where that tells something: not where all names of
    a class begin alike, or each in its own way."""
    if len(catalogue.pictures) > MOST_COMPARED:
        return []
    try:
        split = make_split(catalogue, project.division().config)
    except ProjectError:
        return []  # too few pictures: that is said elsewhere
    known = set(split.shared)
    asked: list[Picture] = []
    found: list[Picture] = []
    for name in split.classes:
        learned = {beginning_of(picture.path) for picture in split.train if picture.class_name == name}
        sizes = Counter(beginning_of(picture.path) for picture in catalogue.by_class[name])
        total = sum(sizes.values())
        if len(sizes) < _FEWEST_BEGINNINGS or total < 2 * len(sizes) or 2 * max(sizes.values()) > total:
            continue
        mine = [picture for picture in split.test if picture.class_name == name and picture not in known]
        asked += mine
        found += [picture for picture in mine if beginning_of(picture.path) in learned]
    left = tuple(picture for picture in found if Mark("beginning", (picture.id,)) not in dismissed)
    if not left or len(found) < _ALIKE * len(asked):
        return []
    have = "has a name that begins" if len(found) == 1 else "have names that begin"
    title = f"{len(found)} of {count(len(split.test), 'test picture')} {have} as names of training pictures do"
    reason = (
        "Are they of one photo, film or place? Then the test is too easy: let names with one beginning stay together "
        "(Configure, What stays together)."
    )
    return [Finding("beginning", title, reason, left)]


def _near(catalogue: Catalogue, dismissed: set[Mark]) -> list[Finding]:
    if len(catalogue.pictures) > MOST_COMPARED:
        return []
    once = list({picture.id: picture for picture in catalogue.pictures}.values())
    groups: dict[int, list[Picture]] = defaultdict(list)
    for picture, number in zip(once, near_groups(once), strict=True):
        groups[number].append(picture)
    found = []
    for group in groups.values():
        if len(group) < 2 or _marks("near", group)[0] in dismissed:
            continue
        classes = sorted({picture.class_name for picture in group if picture.class_name})
        where = f", in {' and '.join(classes)}" if len(classes) > 1 else ""
        title = f"{len(group)} pictures that look almost the same{where}"
        found.append(Finding("near", title, _ACROSS if len(classes) > 1 else _WITHIN, tuple(group)))
    return sorted(found, key=lambda finding: -len({picture.class_name for picture in finding.pictures}))


_EACH: tuple[tuple[str, str, str, Callable[[Picture], bool]], ...] = (
    ("tiny", "very small or thin", "There is hardly anything to see.", lambda p: is_tiny(p.width, p.height)),
    (
        "blurred",
        "blurred",
        "Out of focus or shaken: fine if new ones will be too.",
        lambda p: p.sharpness < BLURRED,
    ),
    ("dark", "almost black", "Was the lens covered, or the room dark?", lambda p: p.brightness < 9),
    ("pale", "almost white", "There may be nothing on them.", lambda p: p.brightness > 250),
)


def _each(catalogue: Catalogue, dismissed: set[Mark]) -> list[Finding]:
    found = []
    for kind, words, reason, test in _EACH:
        hit = tuple(p for p in catalogue.pictures if test(p) and Mark(kind, (p.id,)) not in dismissed)
        if hit:
            title = f"{count(len(hit), 'picture')} {words}"
            found.append(Finding(kind, title, reason, hit))
    return found
