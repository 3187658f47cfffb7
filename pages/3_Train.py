"""Train: watch it learn, stop it, and see how good it became."""

import streamlit as st

from core.inference.metrics import Evaluation
from core.runs.history import history
from core.runs.lifecycle import RunSnapshot
from core.system.errors import FieldguideError
from core.system.statistics import if_few
from core.system.tasks.records import TaskState
from pages.shared.components.film import film
from pages.shared.components.matrix import matrix
from pages.shared.configure import recipes
from pages.shared.evaluate import after, ahead
from pages.shared.evaluate import matrix as mistakes
from pages.shared.evaluate.parts import answers_of
from pages.shared.session import state, tab
from pages.shared.train import ensemble, studies, tried
from pages.shared.ui import page, results
from pages.shared.ui.progress import show_progress, stop_button
from pages.shared.ui.text import duration, literal, percent

_BESIDE = 8  # a matrix of more classes needs the whole width

here = page.begin("Train", strip=False)
project = here.project


def train_now() -> None:
    """Starts a training with the chosen settings."""
    try:
        state.train(project, state.draft_of(project), seen=here.newest)
    except FieldguideError as error:
        tab.put("train_error", (error.message, error.hint))


def headline(snapshot: RunSnapshot) -> None:
    """The one big number, and how it came about."""
    result, history = snapshot.result, snapshot.history
    if result:
        test = result.test
        st.markdown(f"## {test.right} of {test.total} right")
        chance = if_few(test.right, test.total)
        why = f" {literal(after.step_of(snapshot).why)}".rstrip()
        st.caption(f"{percent(test.accuracy)} of new pictures, which it had never seen (test accuracy).{chance}{why}")
    elif history:
        best = max(epoch["val_accuracy"] for epoch in history)
        st.markdown(f"## {percent(history[-1]['val_accuracy'])}")
        st.caption(f"right on pictures it does not learn from (validation accuracy); best so far {percent(best)}.")
    else:
        st.markdown("## Getting ready" if snapshot.live else "## No model")
        st.caption("The first number comes after the first round." if snapshot.live else "")


def status_line(snapshot: RunSnapshot) -> None:
    """What happened, when the training did not simply end well."""
    now: TaskState = snapshot.state
    if now.state in ("failed", "interrupted"):
        st.error(f"**{literal(now.message)}** {literal(now.hint)}", icon=":material/error:")
        if log := snapshot.run.records.log():
            with st.expander("Details"):
                st.code(log, language=None)
    elif now.message and now.state == "done":
        st.warning(f"**{literal(now.message)}** {literal(now.hint)}", icon=":material/warning:")
    elif now.state == "stopped":
        kept = "The best model so far was kept." if snapshot.result else literal(now.message)
        st.info(f"Stopped. {kept}", icon=":material/stop_circle:")


def matrix_and_classes(evaluation: Evaluation) -> None:
    """What is taken for what, from where a click leads to the pictures, and how good each class is."""
    left, right = (
        st.columns(2, gap="medium") if len(evaluation.classes) <= _BESIDE else (st.container(), st.container())
    )
    with left:
        st.header("What it mixes up (confusion matrix)", anchor=False)
        cell = matrix.show(evaluation, "matrix after training")
    with right:
        st.header("Class by class", anchor=False)
        results.by_class(evaluation)
    if cell != matrix.Cell():
        mistakes.lead_to(cell)
        st.switch_page("pages/4_Evaluate.py", query_params=state.link_params() | {"view": "Mistakes"})


snapshot = here.run
problem = tab.take("train_error", None)

if snapshot is None:
    st.title("Train", anchor=False)
    st.markdown("Nothing has been trained yet. The Quick recipe is a good first choice.")
    st.button("Train", type="primary", icon=":material/play_arrow:", on_click=train_now)
    if problem:
        page.show_error(FieldguideError(*problem))
    st.stop()

shown = snapshot.run
training = snapshot.live and snapshot.state.state in ("queued", "running")
if training:
    st.title("Train", anchor=False)  # the heading stays while what is below it is drawn each second


@st.fragment(run_every=1 if training else None)
def watch() -> None:
    """The live part: reads the run's records, and nothing else."""
    now = shown.snapshot()
    if training and now.state.state not in ("queued", "running"):
        film.watched(now)
        st.rerun()
    with page.stopping_at_errors(), page.header("" if training else "Train") as below:
        with below, st.container(key="headline", gap="xxsmall"):
            headline(now)
        if training:
            stop_button(now.run.task, "stop training", main=True)
        elif now.result:
            after.offer(now)
    if training:
        show_progress(now.state)
    status_line(now)
    tried.show(now)
    if now.history or not (now.result or now.plan.config.minutes):
        film.show(project, now)


watch()

if not training:
    if problem:
        page.show_error(FieldguideError(*problem))
    result = snapshot.result
    if result:
        st.info(literal(result.diagnosis), icon=":material/lightbulb:")
        for remark in snapshot.plan.remarks:
            st.caption(literal(remark))
        with st.container(horizontal=True, vertical_alignment="center"):
            for target, label, icon in (
                (
                    "pages/4_Evaluate.py",
                    "Its mistakes" if result.test.right < result.test.total else "Its answers",
                    "grid_view",
                ),
                ("pages/5_Test.py", "Try it live", "videocam"),
                ("pages/6_Export.py", "Download the model", "download"),
            ):
                st.page_link(target, label=label, icon=f":material/{icon}:", query_params=state.link_params())
            st.button(
                "Train again", icon=":material/replay:", on_click=train_now, help="With the settings on Configure."
            )
            if not result.ensemble:  # which has those of its members
                with st.popover("Keep these settings", icon=":material/bookmark_add:"):
                    recipes.save_form(snapshot.plan.config, "Save this training's settings as a recipe")
                    st.caption("It is on Configure then, under More recipes, where it can also be downloaded.")
        with page.stopping_at_errors():
            evaluation = answers_of(snapshot).evaluation
        ahead.look_ahead(here)
        matrix_and_classes(evaluation)
        voters = ensemble.votes(project, result)
        if voters:
            st.markdown(voters)
        seconds = result.seconds
        st.caption(
            f"{page.run_title(snapshot.run, snapshot.plan)}, {result.parameters:,} weights (parameters), "
            f"{duration(seconds['total'])} in all"
        )
    else:
        st.button("Train again", type="primary", icon=":material/replay:", on_click=train_now)

if not training:
    if snapshot.result:
        several = bool(snapshot.result.ensemble)  # which has no settings of its own
        studies.show(project, here.catalogue, state.draft_of(project) if several else snapshot.plan.config)
    ensemble.show(project)
others = history(project)
if len(others) > 1 and not training:
    with st.expander("Earlier trainings", icon=":material/history:"):
        st.page_link(
            "pages/4_Evaluate.py",
            label="Compare them side by side",
            icon=":material/compare_arrows:",
            query_params=state.link_params() | {"view": "Compare"},
        )
        for past in sorted(others, key=lambda row: not row.about.star):
            if past.problem:
                st.caption(f"{literal(past.title)}: {past.problem}")
                continue
            told = f"{past.right} of {past.total} right" if past.total else past.state
            icon = "star" if past.about.star else "history"
            st.page_link(
                "pages/3_Train.py",
                label=f"{literal(past.title)} · {told}",
                icon=":material/check:" if past.id == snapshot.run.id else f":material/{icon}:",
                query_params=state.link_params() | {"run": past.id},
            )
