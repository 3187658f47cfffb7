"""Sure or not: does it mean what it says when it is 90 % sure, and when should it say "not sure"?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from core.datasets import negatives
from core.evaluation import negative_predictions
from core.inference import calibration
from core.inference.decision import Decision, decision_of, keep_decision
from core.runs.lifecycle import RunSnapshot
from core.runs.predictions import learned_temperature
from pages.shared.evaluate.parts import Answers, answers_of, said
from pages.shared.session import tab
from pages.shared.ui import charts, page
from pages.shared.ui.page import Here
from pages.shared.ui.text import count, literal, percent

_CLEAR = 0.02
"""Points of calibration error below which nobody needs to care."""
_GOOD = 0.98


def show(here: Here, run: RunSnapshot) -> None:
    """Draws the view."""
    with page.stopping_at_errors():
        answers = answers_of(run)
        now = decision_of(run.run.folder)
    sure = answers.probabilities.max(axis=1)
    bins = calibration.reliability(sure, answers.right)
    st.markdown(_in_words(bins, sure, answers.right))
    _honest(run, answers, now)
    left, right = st.columns(2, gap="medium")
    with left:
        charts.show(_reliability(bins), "reliability", _alt(bins))
        st.caption(
            f"On the line it is as right as it is sure. Mean distance {_points(calibration.calibration_error(bins))} (ECE)."
        )
    with right:
        charts.show(
            _histogram(sure, answers.right, now.threshold), "confidences",
            "How many right and wrong answers there are at each confidence",
        )  # fmt: skip
        st.caption("Wrong answers that are very sure are the dangerous ones.")
    _threshold(here, run, answers, now)


def _points(share: float) -> str:
    return f"{share * 100:.1f} points"


def _in_words(bins: list[calibration.Bin], sure: np.ndarray, right: np.ndarray) -> str:
    apart = float(sure.mean() - right.mean())
    said = f"On average it is {percent(float(sure.mean()))} sure, and {percent(float(right.mean()))} of its answers are right."
    error = calibration.calibration_error(bins)
    if error < _CLEAR:
        return f"**It knows how sure it may be.** {said}"
    # How far off a model that knows it would be by chance: standard errors of the mean, and of what is right in each bin.
    by_chance = float(np.sqrt((sure * (1 - sure)).mean() / len(sure)))
    in_bins = sum(np.sqrt(one.count * one.confidence * (1 - one.confidence)) for one in bins) / len(sure)
    if abs(apart) >= max(_CLEAR / 2, 2 * by_chance):
        return f"**It is too {'sure' if apart > 0 else 'modest'}.** {said}"
    if error >= 2 * in_bins:
        return f"**It is too sure of some answers, and too modest about others.** {said}"
    return f"**{count(len(sure), 'answer')} cannot tell whether it knows how sure it may be.** {said}"


def _honest(run: RunSnapshot, answers: Answers, now: Decision) -> None:
    """The switch for the temperature."""
    records = run.run.records
    learned = learned_temperature(records)
    if learned is None:
        st.caption("It made hardly a mistake on the validation pictures: too little to learn honest confidence from.")
        return
    key = f"honest {run.run.id}"
    if not tab.has(key):
        tab.put(key, now.temperature != 1)

    def keep() -> None:
        kept = replace(decision_of(run.run.folder), temperature=learned if tab.get(key) else 1.0)
        keep_decision(run.run.folder, kept)

    raw = records.predictions("test")
    errors = []
    for temperature in (1.0, learned):
        said = calibration.cooled(raw, temperature)
        errors.append(calibration.calibration_error(calibration.reliability(said.max(axis=1), answers.right)))
    st.toggle(
        "Make its confidence honest (temperature scaling)",
        key=key,
        on_change=keep,
        help="One number, learned on the validation pictures, divides what the network says before it becomes percent. "
        "No answer changes, only how sure it is. Test, the command line and exported files then use it.",
    )
    st.caption(
        f"Learned on {count(len(run.plan.part('val')), 'validation picture')}: temperature {learned:.2f}. On the test part the "
        f"distance goes from {_points(errors[0])} to {_points(errors[1])}."
    )


def _reliability(bins: list[calibration.Bin]) -> go.Figure:
    title = {"text": "Right, by how sure it was", "font": {"size": 15}, "x": 0, "xref": "container", "pad": {"l": 8}}
    figure = charts.blank(300, title=title)
    strong, quiet = charts.ink()
    figure.add_bar(
        x=[(one.low + one.high) / 2 for one in bins],
        y=[one.accuracy for one in bins],
        width=[(one.high - one.low) * 0.9 for one in bins],
        marker_color=strong,
        opacity=0.75,
        customdata=[[count(one.count, "answer"), one.confidence] for one in bins],
        hovertemplate="%{customdata[0]}, %{customdata[1]:.0%} sure on average: %{y:.0%} right<extra></extra>",
    )
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": quiet, "dash": "dot"}, hoverinfo="skip")
    figure.update_xaxes(range=[0, 1], tickformat=".0%", title="how sure it was (confidence)")
    figure.update_yaxes(range=[0, 1.04], tickformat=".0%", title="right")
    return figure


def _alt(bins: list[calibration.Bin]) -> str:
    told = (f"about {one.confidence:.0%} sure: {one.accuracy:.0%} of {one.count} right" for one in bins)
    return f"Reliability: {'; '.join(told)}"


def _histogram(sure: np.ndarray, right: np.ndarray, threshold: float) -> go.Figure:
    title = {"text": "How sure it was", "font": {"size": 15}, "x": 0, "xref": "container", "pad": {"l": 8}}
    figure = charts.blank(300, title=title, barmode="stack")
    strong, quiet = charts.ink()
    edges = np.linspace(0, 1, 21)
    for name, chosen, colour in (("right", right, strong), ("wrong", ~right, "#d55e00")):
        counts = np.histogram(sure[chosen].clip(0, 1), edges)[0]
        figure.add_bar(
            x=(edges[:-1] + edges[1:]) / 2, y=counts, width=0.045, marker_color=colour, name=name,
            hovertemplate=f"%{{y}} {name} answers, about %{{x:.0%}} sure<extra></extra>",
        )  # fmt: skip
    if threshold:
        figure.add_vline(x=threshold, line={"color": quiet, "dash": "dash"}, annotation_text="not sure below")
    for place, (name, colour) in enumerate((("right", strong), ("wrong", "#d55e00"))):
        figure.add_annotation(
            x=0.02, y=1 - place * 0.09, xref="paper", yref="paper", text=name, font={"color": colour, "size": 13},
            showarrow=False,
        )  # fmt: skip
    figure.update_xaxes(range=[0, 1], tickformat=".0%", title="how sure it was (confidence)")
    figure.update_yaxes(title="answers")
    return figure


def _threshold(here: Here, run: RunSnapshot, answers: Answers, now: Decision) -> None:
    """From which confidence on it answers, and what that costs."""
    st.header("When should it say “not sure”?", anchor=False)
    key = f"threshold {run.run.id}"
    if not tab.has(key):
        tab.put(key, min(99, round(now.threshold * 100)))

    def keep() -> None:
        keep_decision(run.run.folder, replace(decision_of(run.run.folder), threshold=tab.get(key) / 100))

    validation = answers_of(run, "val")
    suggested = calibration.threshold_for(validation.probabilities.max(axis=1), validation.right, _GOOD)

    def suggest() -> None:
        tab.put(key, min(99, int(np.ceil((suggested or 0.0) * 100))))
        keep()

    left, right = st.columns([3, 2], gap="large", vertical_alignment="bottom")
    with left:
        percents = st.slider(
            "It answers only when it is at least this sure (threshold)", 0, 99, key=key, format="%d %%", on_change=keep,
            help="Test, the command line and exported files then say “not sure” below it.",
        )  # fmt: skip
    with right:
        if suggested is not None:
            st.button(
                f"Suggest one: {percent(_GOOD)} right", on_click=suggest, icon=":material/auto_fix_high:",
                help="The lowest at which so many answers on the validation pictures are right.",
            )  # fmt: skip
    sure = answers.probabilities.max(axis=1)
    st.markdown(_trade(calibration.trade(sure, answers.right, percents / 100), int((~answers.right).sum())))
    _others(here, run, now, percents / 100)


def _trade(made: calibration.Trade, mistakes: int) -> str:
    if made.answered == made.total:
        return f"It answers all {count(made.total, 'test picture')} and is wrong on {mistakes}."
    if not made.answered:
        return "It would never answer."
    return (
        f"It answers **{made.answered:,} of {made.total:,}** test pictures ({percent(made.coverage)}, coverage) and is wrong "
        f"on **{made.wrong}** of them, instead of {mistakes}; for {made.total - made.answered:,} it says “not sure”."
    )


def _others(here: Here, run: RunSnapshot, now: Decision, threshold: float) -> None:
    """Pictures of other things."""
    number = len(negatives.pictures(here.project))
    if number and run.has_model:
        bar = st.empty()
        with page.stopping_at_errors():
            raw = negative_predictions.answers(
                here.project,
                run.run.records,
                lambda done, total: said(bar, done, total),
            )
        bar.empty()
        sure = calibration.cooled(raw, now.temperature).max(axis=1)
        away = int((sure < threshold).sum())
        if len(sure):
            st.markdown(
                f"Of {count(len(sure), 'picture')} of other things it turns **{away}** away ({percent(away / len(sure))})."
                + ("" if away else " Each of them got a name that is wrong.")
            )
        if len(sure) < number:
            st.caption(f"{count(number - len(sure), 'picture')} of other things cannot be read.")
    with st.expander("Pictures of other things" + (f" · {number}" if number else ""), icon=":material/help:"):
        st.markdown(
            "It only knows its classes and must choose one of them, whatever it sees. Drop pictures of anything else here: "
            "they are never trained on, and show how many a threshold turns away. If it must tell them well, give them a class "
            "of their own, called for instance “other”."
        )
        with st.form("other things", clear_on_submit=True, border=False):
            files = st.file_uploader(
                "Pictures of other things", accept_multiple_files=True, label_visibility="collapsed"
            )
            if st.form_submit_button("Keep them apart", icon=":material/add_photo_alternate:") and files:
                refused = negatives.add(here.project, [(file.name, file.getvalue()) for file in files])
                tab.put("others refused", refused)
                st.rerun()
        for name, reason in tab.take("others refused", []):
            st.caption(f"{literal(name)} was not taken: {literal(reason)}.")
        if number and st.button(f"Forget {'it' if number == 1 else f'these {number}'}", icon=":material/delete:"):
            with page.stopping_at_errors():
                negatives.forget(here.project)
            st.rerun()
