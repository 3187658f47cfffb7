"""Lets several trained models vote: which ones, and how much each counts afterwards."""

from __future__ import annotations

import streamlit as st

from core.datasets.project import Project
from core.runs.lifecycle import Run
from core.runs.notes import about, title
from core.runs.result import RunResult
from core.system.errors import FieldguideError
from core.training import ensembles
from pages.shared.session import state
from pages.shared.ui import page
from pages.shared.ui.text import count, percent

_METHODS: dict[ensembles.Method, str] = {
    "averaging": "Weighted mean (averaging)",
    "stacking": "Learned head (stacking)",
}


def show(project: Project) -> None:
    """An expander to choose trainings and join them; the new run is then the one that this tab looks at."""
    with st.expander("Let several models vote (ensemble)", icon=":material/how_to_vote:", key="ensemble"):
        st.markdown(
            "Models err in different places. Asked together, they are often right more often: their answers are "
            "averaged, and whoever did better on the validation pictures counts for more; or a small head learns from the "
            "validation pictures which of them to believe when (stacking). The file grows with each."
        )
        sets = ensembles.candidates(project)
        if not sets:
            st.caption(
                "This needs two finished trainings with the same pictures, parts, seed and picture size. Try another model "
                "or other settings, and train again."
            )
            return
        runs = sets[0]
        if len(sets) > 1:
            number = st.segmented_control(
                "What fits together",
                range(len(sets)),
                default=0,
                required=True,
                format_func=lambda at: f"{count(len(sets[at]), 'training')} of {_pixels(sets[at])} px",
                key="ensemble set",
            )
            runs = sets[number or 0]
        results = {run.id: result for run in runs if (result := run.records.result())}
        titles: dict[str, str] = {}
        for run in [run for run in runs if run.id in results]:
            name = _title(run, results[run.id])
            same = sum(other.startswith(name) for other in titles.values())  # a list confuses those of one name
            titles[run.id] = f"{name} ({same + 1})" if same else name
        best = sorted(results, key=lambda name: results[name].val.log_loss)[:2]
        chosen = st.multiselect(
            f"Two to {ensembles.MOST} trainings, and how many they had right when checked (validation)",
            list(titles),
            default=best,
            format_func=lambda name: titles[name],
            max_selections=ensembles.MOST,
            key=f"ensemble {runs[0].id}",
        )
        method = st.segmented_control(
            "How one answer is made of theirs",
            list(_METHODS),
            default="averaging",
            required=True,
            format_func=_METHODS.__getitem__,
            help="Stacking is checked on pictures that the head did not learn from. Where averaging does better, they are "
            "averaged all the same, and it is said.",
            key="ensemble method",
        )
        if st.button("Let them vote", icon=":material/how_to_vote:", disabled=len(chosen) < 2):
            try:
                state.select_run(ensembles.start([run for run in runs if run.id in chosen], method))
            except FieldguideError as error:
                page.show_error(error)
            else:
                st.rerun()


def votes(project: Project, result: RunResult) -> str:
    """Who votes in a joined run and how much each counts, as Markdown; "" for other runs' results."""
    told, stacked = [], False
    for member in result.ensemble:
        voter = Run(project.runs_dir / member.run)
        try:
            name = page.run_title(voter, voter.records.plan())
        except FieldguideError:
            name = "a training that is gone"
        stacked = member.weight is None
        told.append(name if member.weight is None else f"{name} counts {percent(member.weight)}")
    if stacked:
        return f"A head learned what to make of these models' answers (stacking): {'; '.join(told)}."
    return f"Votes: {'; '.join(told)}." if told else ""


def _title(run: Run, result: RunResult) -> str:
    """A training in a list, which takes text as it is, with how many were right."""
    return f"{result.val.right} of {result.val.total} · {title(run.records.plan(), about(run))}"


def _pixels(runs: list[Run]) -> int:
    return runs[0].records.input_pixels()
