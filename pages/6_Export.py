"""Export: the model as a file, measured before it is handed over."""

import pandas as pd
import streamlit as st

from core.config.export_formats import places_of, possible_kinds
from core.export.exports import Export, exports_of, failure_of, start_exports, task
from pages.shared.ui import page
from pages.shared.ui.gallery import grid
from pages.shared.ui.progress import show_progress
from pages.shared.ui.text import count, literal

SHOWN = 12
_LIKELY = 3
_ELSEWHERE = "Somewhere else"

here = page.begin("Export")
st.title("Export", anchor=False)
run = page.trained_run(here)
if page.ask_to_trust(here):
    st.stop()
kinds = {kind.name: kind for kind in possible_kinds()}
places = places_of(kinds.values())
st.markdown("Where will it run?")
likely, others = list(places)[:_LIKELY], list(places)[_LIKELY:]

chosen = st.pills(
    "Where will it run?",
    [*likely, _ELSEWHERE],
    default=likely[0],
    required=True,
    label_visibility="collapsed",
    persist_state="session",
    key="runs",
)
if chosen == _ELSEWHERE:
    chosen = st.selectbox("Where else?", others, persist_state="session", key="runs elsewhere")
place, usual = places[chosen]
if place.caption:
    st.caption(place.caption)
with st.expander("Another kind of file", icon=":material/tune:"):
    name = st.selectbox(
        "Kind of file",
        list(kinds),
        index=list(kinds).index(usual.name),
        format_func=lambda one: f"{kinds[one].title}: for {kinds[one].purpose}",
        key=f"kind {place.title}",
    )
before = task(run.run).state()
working = before is not None and not before.ended
ready = exports_of(run.run)


@st.fragment(run_every=1 if working else None)
def making() -> None:
    """The live part: what the export process is at."""
    now = task(run.run).state()
    if now is None:
        return
    if working and (now.ended or len(exports_of(run.run)) > len(ready)):
        st.rerun()
    failure = failure_of(run.run, name)
    if working:
        show_progress(now, kinds[now.subject].title if now.subject in kinds else "")
    elif failure:
        st.error(f"**{literal(failure.message)}** {literal(failure.hint)}", icon=":material/error:")


def differing(made: Export) -> None:
    """The pictures that the file answers differently, with what it says."""
    known = {picture.id: picture for picture in here.catalogue.pictures}
    there = [(known[id_], said) for id_, said in zip(made.differ, made.said, strict=True) if id_ in known]
    framing = run.plan.config.input_framing
    grid(
        here.project, [picture for picture, _ in there[:SHOWN]], framing, [f"now: {said}" for _, said in there[:SHOWN]]
    )
    if len(made.differ) > SHOWN:
        st.caption(f"and {len(made.differ) - SHOWN} more")


def parity(made: Export) -> None:
    """Whether the file answers as the trained model does."""
    total = made.pictures
    same = total - len(made.differ)
    if made.good:
        st.success(
            f"Measured: this file gave the trained model's answer on {same} of {count(total, 'test picture')}.",
            icon=":material/verified:",
        )
    else:
        st.error(
            f"This file answers differently from the trained model: the same answer only {same} of {total} times. "
            "Take another kind, or add pictures and train again.",
            icon=":material/error:",
        )
        differing(made)
    if made.note:
        st.warning(literal(made.note), icon=":material/info:")
    if place.most_bytes and made.bytes >= place.most_bytes:
        st.warning(place.too_large.format(megabytes=made.bytes / 1e6), icon=":material/memory:")
    if made.good and made.differ:
        with st.expander(f"{count(len(made.differ), 'picture')} answered differently"):
            differing(made)


if name in ready:
    made = ready[name]
    with made.download.open("rb") as file:
        st.download_button(
            f"Download ({made.download.stat().st_size / 1e6:.1f} MB)",
            file,
            file_name=made.download.name,
            mime="text/html" if kinds[name].page else "application/zip",
            type="primary",
            icon=":material/download:",
            on_click="ignore",
        )
    st.caption(
        "The page holds the model and what runs it. Who opens it needs nothing else, and what it is shown stays there."
        if kinds[name].page
        else "The zip holds the model, its labels, its card (what it is and how good), programs that use it, and three of "
        "your test pictures to try them on."
    )
    parity(made)
else:
    if st.button("Prepare the download", type="primary", icon=":material/build:", disabled=working):
        with page.stopping_at_errors():
            start_exports(run.run, [name])
        st.rerun()
    st.caption(
        "The file is made, and then asked about all test pictures, to see that it answers as the trained model does. Mostly "
        "that takes less than a minute."
    )
making()

if ready:
    # A single good one has been told of above; what is measured beside it is for who asks.
    unfold = len(ready) > 1 or not all(made.good for made in ready.values())
    with st.expander("All kinds, measured", icon=":material/table:", expanded=unfold):
        rows = [ready[kind] for kind in kinds if kind in ready]
        cores = f"ms, {count(rows[0].threads, 'core')}"
        table = pd.DataFrame(
            {
                "kind": [kinds[row.kind].title for row in rows],
                "as trained": ["✓ yes" if row.good else "✗ no" for row in rows],
                "same answers": [row.agreement * 100 for row in rows],
                "right (accuracy)": [row.accuracy * 100 for row in rows],
                "model (MB)": [row.bytes / 1e6 for row in rows],
                "ms, 1 core": [row.milliseconds for row in rows],
                cores: [row.milliseconds_all for row in rows],
                "largest difference": [row.max_difference for row in rows],
                "whole numbers only": ["yes" if row.integer_only else "" for row in rows],
            }
        )
        colours = {"✓ yes": "color: #2e7d46; font-weight: 600", "✗ no": "color: #c0392b; font-weight: 600"}
        forms = dict.fromkeys(("same answers", "right (accuracy)"), "%.1f %%") | {"largest difference": "%.4f"}
        forms |= dict.fromkeys(("model (MB)", "ms, 1 core", cores), "%.1f")
        st.dataframe(
            table.style.map(lambda value: colours[value], subset=["as trained"]),
            hide_index=True,
            column_config={title: st.column_config.NumberColumn(format=form) for title, form in forms.items()}
            | {"kind": st.column_config.TextColumn(width=250)},
            alt="Whether each kind of file answers as trained, its accuracy, size and speed",
        )
        for row in rows:
            if not row.good:
                st.markdown(
                    f":red[:material/error: {kinds[row.kind].title} answers differently from the trained model: "
                    f"{count(len(row.differ), 'picture')} of {row.pictures}.]"
                )
        st.caption(
            "As trained: it gives the trained model's answer to at least 99 % of the test pictures (95 % where weights are "
            "whole numbers), asked in a process of its own. Milliseconds a picture are of this machine."
        )
        missing = [kind for kind in kinds if kind not in ready]
        for kind in missing:
            failure = failure_of(run.run, kind) if kind != name and not working else None
            if failure:
                st.caption(f"{kinds[kind].title}: {literal(failure.message)}")
        if missing and st.button(
            f"Make {count(len(missing), 'more kind')} and compare", icon=":material/table:", disabled=working
        ):
            with page.stopping_at_errors():
                start_exports(run.run)
            st.rerun()
