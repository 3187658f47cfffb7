"""Configure: a recipe, the split, changes at random, and everything else folded away."""

import streamlit as st

from core.config.estimate import require_room, size_of
from core.config.recipes import all_recipes, get_recipe, title_of
from core.config.training import TrainConfig, make_config
from core.datasets.splits import make_split
from core.runs.lifecycle import settled
from core.system.errors import FieldguideError
from pages.shared.configure import augmentation, framing, parts, recipes, search, settings
from pages.shared.session import state, tab
from pages.shared.ui import charts, page
from pages.shared.ui.text import count, literal

here = page.begin("Configure")
project, catalogue = here.project, here.catalogue
with page.header("Configure") as chosen_way:
    start_here = st.empty()
problem_here = st.container()
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
st.header("For the curious", anchor=False)
with st.expander("Lesson, practice test, final exam", icon=":material/school:"):
    bar = st.container()
    asked = parts.choose(project, catalogue, config, values, key)
with st.expander("Practise with changed copies (augmentation)", icon=":material/auto_awesome_motion:"):
    preview = augmentation.choose(config, values, key)
if catalogue.in_use.pictures:
    with page.stopping_at_errors():
        framing.choose(project, catalogue)
settings.show(config, values, key)

try:
    config = make_config(values)
    state.keep_draft(project, config)
    parts.keep(project, asked)
    as_trained = settled(project, config)
    split = make_split(catalogue, as_trained.dealing)
    require_room(as_trained, len(split.classes))
    learning = split.learned_from(as_trained)
except FieldguideError as error:
    start_here.button("Train", type="primary", icon=":material/play_arrow:", disabled=True)
    page.show_error(error, problem_here)
    st.stop()

with bar:
    counts = {"to learn from": learning, "to check with": len(split.val), "for the test": len(split.test)}
    told = ", ".join(f"{number:,} {name}" for name, number in counts.items())
    charts.show(charts.parts(counts), "parts", told)
    st.caption(f"{told}. The test part is touched only at the very end.{parts.left_out(split, learning)}")
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
    page.train_button(here, config, problem_here)
with chosen_way:
    known = all_recipes().get(config.recipe)
    changed = known is not None and config != known.config
    told = recipes.time_for(as_trained, labelled, learning)
    told += "" if config.minutes else f", up to {count(config.epochs, 'round')}"
    if not config.pretrained:
        told += f", {size_of(as_trained, len(split.classes)).parameters:,} weights (parameters)"
    st.markdown(f"{literal(title_of(config.recipe))}{', changed' if changed else ''}: {told}")
    if changed:
        st.button(
            "Back to the recipe's own settings",
            type="tertiary",
            icon=":material/undo:",
            on_click=take_recipe,
            args=(config.recipe,),
        )
