"""Configure: a recipe, the split, changes at random, and everything else folded away."""

import streamlit as st

from core.augmentation import AugmentConfig, augment, generator
from core.backbones import BACKBONES
from core.config import SplitConfig, TrainConfig, make_config
from core.errors import FieldguideError
from core.images import read_square
from core.recipes import RECIPES
from core.splits import make_split
from pages.shared import charts, forms, frame, state
from pages.shared.text import count, duration, literal

SWITCHED_ON = {
    "flip": "horizontal",
    "rotation": 0.1,
    "zoom": 0.15,
    "translation": 0.1,
    "brightness": 0.2,
    "contrast": 0.2,
}
PREVIEW_PIXELS = 160

here = frame.begin("Configure")
project, catalogue = here.project, here.catalogue
st.title("Configure", anchor=False)
config = state.draft_of(project)
# A new recipe gives every widget a new key, so that it starts from the recipe's own value.
version = st.session_state.setdefault("form_version", 0)


def take_recipe(name: str) -> None:
    """Starts over from a recipe."""
    state.keep_draft(project, RECIPES[name].config)
    st.session_state["form_version"] += 1


def key(name: str) -> str:
    """A widget's key, for this project and this version of the form."""
    return f"{name} {version} {project.root}"


number = len(catalogue.pictures)
columns = st.columns(len(RECIPES), gap="small")
for column, recipe in zip(columns, RECIPES.values(), strict=True):
    chosen = recipe.name == config.recipe
    with column, st.container(border=True, height="stretch"):
        with st.container(height="stretch", gap="xsmall"):
            st.markdown(f"{':green[:material/check_circle:] ' if chosen else ''}**{recipe.title}**")
            st.caption(f"{duration(recipe.seconds(number))} with your pictures")
            st.markdown(f":small[{recipe.sentence}]")
        st.button(
            "Chosen" if chosen else "Choose",
            key=f"recipe {recipe.name}",
            icon=":material/check:" if chosen else None,
            disabled=chosen,
            on_click=take_recipe,
            args=(recipe.name,),
        )

values = config.model_dump()
start_here = st.container(horizontal=True, vertical_alignment="center")

split_place, augment_place = st.columns(2, gap="large")
with split_place:
    st.subheader("Three parts", anchor=False)
    bar = st.container()
    for name in SplitConfig.model_fields:
        values["split"][name] = forms.field(SplitConfig, name, values["split"][name], key(f"split {name}"))

with augment_place:
    st.subheader("Changes at random (augmentation)", anchor=False)
    with st.container(horizontal=True):
        for name, info in AugmentConfig.model_fields.items():
            default = SWITCHED_ON[name]
            off = info.default
            on = st.toggle(
                (info.title or name).partition(" (")[0],
                values["augment"][name] != off,
                key=key(f"switch {name}"),
                help=f"{(info.title or name).partition(' (')[2].rstrip(')')}: {info.description}",
                persist_state="session",
            )
            values["augment"][name] = (
                (values["augment"][name] if values["augment"][name] != off else default) if on else off
            )
    active = [name for name in AugmentConfig.model_fields if values["augment"][name] not in (0, "off")]

with st.expander("More settings", icon=":material/tune:"):
    left, right = st.columns(2, gap="large")
    with left:
        names = list(BACKBONES)
        field = TrainConfig.model_fields["backbone"]
        values["backbone"] = st.selectbox(
            field.title or "Model",
            names,
            index=names.index(config.backbone),
            format_func=lambda name: f"{BACKBONES[name].title}: {BACKBONES[name].good_for}",
            help=field.description,
            key=key("backbone"),
            persist_state="session",
        )
        for name in ("epochs", "batch_size", "learning_rate", "schedule", "patience", "keep_best"):
            values[name] = forms.field(TrainConfig, name, values[name], key(name))
    with right:
        for name in ("l2", "dropout", "class_weights", "multi_level", "draws", "seed"):
            values[name] = forms.field(TrainConfig, name, values[name], key(name))
        for name in active:
            values["augment"][name] = forms.field(AugmentConfig, name, values["augment"][name], key(f"how far {name}"))

try:
    config = make_config(values)
    state.keep_draft(project, config)
    split = make_split(catalogue, config.split, config.seed)
except FieldguideError as error:
    with start_here:
        st.button("Train", type="primary", icon=":material/play_arrow:", disabled=True)
    frame.show_error(error, start_here)
    st.stop()

with bar:
    counts = {"to learn from": len(split.train), "to check with": len(split.val), "for the test": len(split.test)}
    told = ", ".join(f"{number:,} {name}" for name, number in counts.items())
    charts.show(charts.parts(counts), "parts", told)
    left_out = number - len(catalogue.unlabelled) - sum(counts.values())
    st.caption(
        f"{told}. The test part is touched only at the very end."
        + (f" {count(left_out, 'copy')[:-1] if left_out == 1 else f'{left_out} copies'} left out." if left_out else "")
    )

with augment_place:
    turn = st.session_state.setdefault("preview", 0)
    picture = split.train[turn * 7 % len(split.train)]
    original = read_square(project.path_of(picture.path), PREVIEW_PIXELS)
    with st.grid(3, min_column_width=90, gap="xsmall"):
        for draw in range(1, 10):
            changed = augment(original, config.augment, generator(config.seed, picture.id, draw))
            st.image(changed, width="stretch", alt=f"{picture.class_name}, changed copy {draw}")
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Another picture", icon=":material/refresh:", type="tertiary"):
            st.session_state["preview"] += 1
            st.rerun()
        if not config.augment.active:
            st.caption("All off: nine times the same.")

with start_here:
    if st.button("Train", type="primary", icon=":material/play_arrow:"):
        with frame.stopping_at_errors():
            state.train(project, config, catalogue)
        st.switch_page("pages/3_Train.py", query_params=state.link_params())
    title = RECIPES[config.recipe].title if config.recipe in RECIPES else config.recipe
    changed = config.recipe in RECIPES and config != RECIPES[config.recipe].config
    st.caption(
        f"{literal(title)}{', changed' if changed else ''}: "
        f"up to {count(config.epochs, 'round')}, {len(split.classes)} classes"
    )
