"""Configure: a recipe, the split, changes at random, and everything else folded away."""

import streamlit as st

from core.config.estimate import require_room, seconds, size_of
from core.config.recipes import all_recipes, get_recipe, title_of
from core.config.training import TrainConfig, make_config
from core.datasets.splits import make_split
from core.runs.lifecycle import settled
from core.system.errors import FieldguideError
from pages.shared.configure import augmentation, framing, parts, recipes, search, settings
from pages.shared.session import state, tab
from pages.shared.ui import charts, page
from pages.shared.ui.text import count, duration, literal

here = page.begin("Configure")
project, catalogue = here.project, here.catalogue
st.title("Configure", anchor=False)
config = state.draft_of(project)
# New settings from elsewhere give every widget a new key, so that it starts from its own value.
version = tab.first("form_version", 0)


def take(chosen: TrainConfig) -> None:
    """Starts over from other settings."""
    state.keep_draft(project, chosen)
    tab.count("form_version")


def take_recipe(name: str) -> None:
    """Starts over from a recipe."""
    take(get_recipe(name).config)


def key(name: str) -> str:
    """A widget's key, for this project and this version of the form."""
    return f"{name} {version} {project.root}"


labelled = len(catalogue.in_use.pictures) - len(catalogue.unlabelled)
recipe_files = recipes.cards(config, labelled, take_recipe)
values = config.model_dump() | {"framing": None}  # the project's
start_here = st.container(horizontal=True, vertical_alignment="center")

if catalogue.in_use.pictures:
    with page.stopping_at_errors():
        framing.choose(project, catalogue)
split_place, augment_place = st.columns(2, gap="large")
with split_place:
    st.header("Lesson, practice test, final exam", anchor=False)
    bar = st.container()
    asked = parts.choose(project, catalogue, config, values, key)
with augment_place:
    st.header("Practise with changed copies (augmentation)", anchor=False)
    preview = augmentation.choose(config, values, key)
settings.show(config, values, key)

try:
    config = make_config(values)
    state.keep_draft(project, config)
    parts.keep(project, asked)
    as_trained = settled(project, config)
    split = make_split(catalogue, as_trained.dealing)
    require_room(as_trained, len(split.classes))
except FieldguideError as error:
    with start_here:
        st.button("Train", type="primary", icon=":material/play_arrow:", disabled=True)
    page.show_error(error, start_here)
    st.stop()

with bar:
    counts = {"to learn from": len(split.train), "to check with": len(split.val), "for the test": len(split.test)}
    told = ", ".join(f"{number:,} {name}" for name, number in counts.items())
    charts.show(charts.parts(counts), "parts", told)
    st.caption(f"{told}. The test part is touched only at the very end.{parts.left_out(split)}")
    for remark in split.remarks:
        st.caption(f":material/info: {literal(remark)}")
found = search.show(project, catalogue, config)
if found is not None:
    take(found)
    st.rerun()
with recipe_files:
    recipes.files(config)
with preview:
    augmentation.preview(project, split, as_trained)

with start_here:
    if st.button("Train", type="primary", icon=":material/play_arrow:"):
        with page.stopping_at_errors():
            state.train(project, config, catalogue, seen=here.newest)
        st.switch_page("pages/3_Train.py", query_params=state.link_params())
    known = all_recipes().get(config.recipe)
    changed = known is not None and config != known.config
    rounds = duration(60 * config.minutes) if config.minutes else f"up to {count(config.epochs, 'round')}"
    told = f"{rounds}, {len(split.classes)} classes"
    if not config.pretrained:
        weights = size_of(as_trained, len(split.classes)).parameters
        told += f", {weights:,} weights (parameters), {duration(seconds(as_trained, labelled))} with your pictures"
    st.caption(f"{literal(title_of(config.recipe))}{', changed' if changed else ''}: {told}")
    if changed:
        st.button(
            "Back to the recipe's own settings",
            type="tertiary",
            icon=":material/undo:",
            on_click=take_recipe,
            args=(config.recipe,),
        )
