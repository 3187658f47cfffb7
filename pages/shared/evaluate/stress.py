"""Harder pictures: how the model fares when its test pictures are darker, blurred, turned, and so on."""

from __future__ import annotations

import io

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from PIL import Image

from core.config.framing import Framing
from core.evaluation import robustness
from core.evaluation.corruptions import CHANGES
from core.evaluation.robustness import Outcome, Robustness
from core.imaging.decode import THUMBNAIL_PIXELS, read_square
from core.runs.lifecycle import RunSnapshot
from core.system.errors import FieldguideError, PictureError
from core.system.tasks.records import TaskState
from pages.shared.ui import charts, page
from pages.shared.ui.page import Here
from pages.shared.ui.palette import PALETTE
from pages.shared.ui.progress import show_progress, stop_button
from pages.shared.ui.text import count, literal, percent, plot_text

_KINDS = {
    "darker": "darker",
    "brighter": "brighter",
    "blurred": "out of focus",
    "noisy": "noisy",
    "shifted": "shifted",
    "compressed": "saved small",
    "turned": "turned",
}
_WORST = PALETTE[5]
_SIZES = (9, 15, 21)


def show(here: Here, run: RunSnapshot) -> None:
    """Draws the view."""
    page.wait_for_model(run)
    if not run.has_model:
        st.markdown("This training has no model file, so nothing can be tried with it.")
        return
    now = robustness.task(run.run).state()
    live = now is not None and not now.ended

    @st.fragment(run_every=1 if live else None)
    def watch() -> None:
        state = robustness.task(run.run).state()
        if live and (state is None or state.ended):
            st.rerun()
        found = robustness.read(run.run)
        if not found:
            st.markdown(
                "Photos in real life are darker, blurred, or held at an angle. Here the test pictures are changed in such "
                "ways, and the model is asked again (robustness)."
            )
        if live and state:
            _under_way(run, state)
        else:
            _start(run, state, again=found is not None)
        if found and not live:
            _draw(here, run, found)

    watch()


def _under_way(run: RunSnapshot, state: TaskState) -> None:
    stop_button(robustness.task(run.run), "stop harder")
    show_progress(state)


def _start(run: RunSnapshot, state: TaskState | None, *, again: bool) -> None:
    if state and state.state in ("failed", "interrupted"):
        page.show_error(FieldguideError(state.message, state.hint))
    elif state and state.state == "stopped":
        st.caption(literal(state.message))
    elif again:
        return  # the same model and pictures give the same numbers
    if st.button("Try harder pictures", key="start harder", icon=":material/science:"):
        try:
            robustness.start(run.run)
        except FieldguideError as error:
            page.show_error(error)
        else:
            st.rerun()


def _draw(here: Here, run: RunSnapshot, found: Robustness) -> None:
    sentence = robustness.in_words(found, len(run.plan.classes), run.plan.config.augment)
    st.markdown(f"**{literal(sentence)}**")
    told = ", ".join(f"{outcome.change.words} {percent(found.share(outcome))}" for outcome in found.outcomes)
    plain = percent(found.plain / found.pictures)
    charts.show(chart(found), "harder pictures", f"Right on changed test pictures: as they are {plain}, {told}")
    all_of_them = f"the {count(found.of, 'test picture')}"
    some = f"{found.pictures} of {all_of_them}" if found.pictures < found.of else all_of_them
    why = " (at most 200, evenly over the classes)" if found.of > robustness.MOST == found.pictures else ""
    st.caption(
        f"The larger the dot, the stronger the change; the line is the pictures as they are. Made of {some}{why}."
    )
    _examples(here, run)
    with st.expander("As a table", key="harder table"):
        share = st.column_config.NumberColumn(format="percent")
        st.dataframe(
            pd.DataFrame(
                {
                    "pictures": ["as they are", *(outcome.change.words for outcome in found.outcomes)],
                    "right": [
                        round(share, 3) for share in (found.plain / found.pictures, *map(found.share, found.outcomes))
                    ],
                    "of": [found.pictures] * (1 + len(found.outcomes)),
                }
            ),
            hide_index=True,
            column_config={"right": share},
            alt="Right answers under each change",
        )


def _examples(here: Here, run: RunSnapshot) -> None:
    """One test picture under the strongest change of each kind."""
    strongest = list({change.kind: change for change in CHANGES}.values())
    for picture in run.plan.part("test"):
        try:
            plain = here.project.thumbnail(picture.id, run.plan.config.input_framing)
        except PictureError:
            continue
        with st.expander("What such pictures look like", key="harder examples"), st.grid("auto", min_column_width=110):
            st.image(plain, caption="as it is", width="stretch", alt="A test picture as it is")
            for change in strongest:
                made = _example(picture.id, change.key, plain)
                st.image(made, caption=change.words, width="stretch", alt=f"The same picture, {change.words}")
        return


@st.cache_data(max_entries=64, show_spinner=False)
def _example(name: str, key: str, plain: bytes) -> bytes:
    change = next(change for change in CHANGES if change.key == key)
    out = io.BytesIO()
    Image.fromarray(change.of(read_square(plain, THUMBNAIL_PIXELS, Framing()), name)).save(out, "JPEG", quality=88)
    return out.getvalue()


def chart(found: Robustness) -> go.Figure:
    """A row for each kind of change with a dot for each strength, and a line at the pictures as they are."""
    rows: dict[str, list[Outcome]] = {}
    for outcome in found.outcomes:
        rows.setdefault(outcome.change.kind, []).append(outcome)
    plain, worst = found.plain / found.pictures, found.worst()
    strong, quiet = charts.ink()
    figure = charts.blank(74 + 34 * len(rows))
    figure.add_vline(plain, line={"color": quiet, "width": 1.5, "dash": "dot"})
    for at, outcomes in enumerate(rows.values()):
        shares = [found.share(outcome) for outcome in outcomes]
        figure.add_scatter(
            x=[min(*shares, plain), max(*shares, plain)], y=[at, at], mode="lines",
            line={"color": quiet, "width": 1}, opacity=0.4, hoverinfo="skip",
        )  # fmt: skip
        figure.add_scatter(
            x=shares[::-1],  # the smaller dots above the larger ones
            y=[at] * len(shares),
            mode="markers",
            marker={
                "size": _SIZES[: len(shares)][::-1],
                "color": [_WORST if outcome is worst else strong for outcome in reversed(outcomes)],
                "line": {"color": "white", "width": 1.5},
                "opacity": 1,
            },
            customdata=[
                f"{outcome.change.words}: {outcome.right} of {found.pictures} right" for outcome in outcomes[::-1]
            ],
            hovertemplate="%{customdata}<extra></extra>",
            cliponaxis=False,
        )
    figure.add_annotation(
        x=plain, y=1, yref="paper", yanchor="bottom", showarrow=False, font={"color": quiet, "size": 12},
        text=f"as they are {percent(plain)}", xanchor="right" if plain > 0.5 else "left",
    )  # fmt: skip
    if worst:
        figure.add_annotation(
            x=found.share(worst), y=list(rows).index(worst.change.kind), showarrow=False, xanchor="right", xshift=-14,
            text=percent(found.share(worst)), font={"color": _WORST, "size": 13},
        )  # fmt: skip
    lowest = min([plain, *map(found.share, found.outcomes)])
    figure.update_xaxes(
        range=[max(-0.02, lowest - 0.15), 1.02], tickformat=".0%", nticks=6, tickfont={"color": quiet}, showgrid=True,
        gridcolor="rgba(128,128,128,0.18)",
    )  # fmt: skip
    figure.update_yaxes(
        range=[len(rows) - 0.4, -0.6],
        tickvals=list(range(len(rows))),
        ticktext=[plot_text(_KINDS.get(kind, kind)) for kind in rows],
        tickfont={"size": 13},
    )
    return figure
