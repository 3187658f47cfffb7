"""Problems: what is worth a look, with the pictures, the reason, and one click to resolve it."""

from __future__ import annotations

from pathlib import PurePath

import streamlit as st

from core.datasets import labels
from core.datasets.catalogue import Picture
from core.datasets.edit_journal import Edit
from core.datasets.groups import WEBCAM
from core.datasets.project import Project
from core.quality import analysis, findings
from core.quality.findings import Finding
from core.system.errors import ProjectError
from pages.shared.components.grid import grid
from pages.shared.pictures import edits, looking
from pages.shared.pictures.tiles import Teller
from pages.shared.session import state
from pages.shared.ui.page import Here
from pages.shared.ui.text import count, literal

_COUNTED = 5000
"""More pictures than this are only compared when someone looks here."""
_MOST_SECTIONS = 40
_MOST_TILES = 300
_MOST_LINES = 100


def number(here: Here) -> int:
    """How many findings there are, 0 also where it would take long to tell."""
    if len(here.catalogue.pictures) > _COUNTED:
        return 0
    return len(state.findings_of(here.project, here.catalogue, analysis.read(here.project)))


def show(here: Here) -> None:
    """Draws the view."""
    catalogue, project = here.catalogue, here.project
    looked = looking.result(project, catalogue)
    found = state.findings_of(project, catalogue, looked)
    _to_add(here)
    if len(catalogue.pictures) > findings.MOST_COMPARED:
        st.caption(
            f"More than {findings.MOST_COMPARED:,} pictures: near-duplicates are only looked for before a training."
        )
    teller = Teller(here, [picture for finding in found[:_MOST_SECTIONS] for picture in finding.pictures[:_MOST_TILES]])
    sections: list[grid.Section] = []
    tiles: list[grid.Tile] = []
    for finding in found[:_MOST_SECTIONS]:
        if len(tiles) >= _MOST_TILES:
            break
        shown = finding.pictures[: _MOST_TILES - len(tiles)]
        more = f" The first {len(shown)} are shown." if len(shown) < len(finding.pictures) else ""
        sections.append(
            grid.Section(
                finding.id,
                finding.title,
                finding.reason + more,
                actions=_actions(finding),
                removing=("best", "trash"),
                whole=finding.grouped,
            )
        )
        tiles += [teller.tile(p, suggestion=finding.suggested.get(p.path), section=len(sections) - 1) for p in shown]
    if len(sections) < len(found):
        st.caption(f"The first {len(sections)} of {len(found)} findings; the others follow when these are dealt with.")
    grid.show(
        grid.View(
            "problems", tiles, sections, tags=True, accept=any(finding.kind == "label" for finding in found),
            empty="Nothing to look at.", undo=project.journal.next_undo(), redo=project.journal.next_redo(),
        ),
        catalogue.colours,
        lambda op: _carry_out(project, op, found),
        key="problem grid",
    )  # fmt: skip
    _in_words(here)
    dismissed = findings.dismissed_count(project)
    if dismissed and st.button(f"Show again what was said to be fine ({dismissed})", type="tertiary"):
        findings.forget_dismissed(project)
        st.rerun()


def _actions(finding: Finding) -> tuple[tuple[str, str], ...]:
    if finding.kind == "conflict":
        classes = sorted({picture.class_name for picture in finding.pictures if picture.class_name})
        return tuple((f"keep {name}", f"It is {name}") for name in classes)
    if finding.kind == "copy":
        return (("best", "Keep one"), ("fine", "Keep all"))
    if finding.kind == "near" and all(WEBCAM.match(PurePath(picture.path).stem) for picture in finding.pictures):
        return (("fine", "Keep all"),)  # a burst is alike by nature, and all of it is wanted
    if finding.kind == "near":
        return (("best", "Keep the largest"), ("fine", "Keep all"))
    if finding.kind == "label":
        return (("suggested", "Move as suggested"), ("fine", "They are right"))
    if finding.kind == "beginning":
        return (("fine", "They are of different things"),)
    return (("trash", "To the bin"), ("fine", "They are fine"))


def _carry_out(project: Project, op: grid.Op, found: list[Finding]) -> grid.Outcome:
    if op.kind != "act":
        return edits.carry_out(project, op)
    pictures = edits.picked(project, op)
    finding = next((one for one in found if one.id == op.section), None)
    if finding is None:
        raise ProjectError("This is not there any more.", "Someone changed it meanwhile: look again.")
    if finding.grouped:
        pictures = list(finding.pictures)
    if op.action == "fine":
        findings.dismiss(project, finding, pictures)
        return grid.Outcome(f"{count(len(pictures), 'picture')}: kept as they are. Further down you can ask again.")
    return edits.make(project, lambda: _resolve(project, finding, op.action, pictures))


def _resolve(project: Project, finding: Finding, action: str, pictures: list[Picture]) -> Edit:
    if action == "suggested":
        return labels.move_each(
            project, [(p, finding.suggested[p.path][0]) for p in pictures if p.path in finding.suggested]
        )
    if action == "trash":
        return labels.delete(project, pictures)
    if action == "best":
        kept = findings.best_of(finding.pictures)
    else:
        inside = [picture for picture in finding.pictures if f"keep {picture.class_name}" == action]
        kept = findings.best_of(inside)
    if not project.path_of(kept.path).is_file():  # another tab has put it into the bin: then no copy would be left
        raise ProjectError("The copy that would be kept is not there any more.", "Look again, then decide.")
    return labels.delete(project, [picture for picture in finding.pictures if picture.path != kept.path])


def _to_add(here: Here) -> None:
    """One line for each class on what to add."""
    lines = findings.advice(here.catalogue)
    wanting = [line for line in lines if line.sentence]
    if wanting:
        with st.expander(
            f"{count(len(wanting), 'class')} would be better with more pictures", icon=":material/add_photo_alternate:"
        ):
            for line in wanting[:_MOST_LINES]:
                st.markdown(f"- **{literal(line.class_name)}**: {literal(line.sentence)}")
            if len(wanting) < len(lines):
                st.caption("The other classes have enough.")


def _in_words(here: Here) -> None:
    """What has no picture to show."""
    told = state.problems_of(here.project, here.catalogue)
    if told:
        with st.expander(f"{count(len(told), 'thing')} left out or remarked upon", icon=":material/info:"):
            for problem in told[:_MOST_LINES]:
                st.markdown(f"- {literal(problem.sentence)}")
            if len(told) > _MOST_LINES:
                st.caption(f"and {len(told) - _MOST_LINES} more: `python -m core check FOLDER` lists them all")
