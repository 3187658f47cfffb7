"""The part of Configure that chooses a recipe: four cards, the others a click away, and recipes as files."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.config.estimate import seconds
from core.config.recipes import (
    FIRST,
    RECIPES,
    Recipe,
    all_recipes,
    forget_recipe,
    read_recipe,
    recipe_file,
    save_recipe,
)
from core.config.training import TrainConfig
from core.system.errors import ConfigError
from pages.shared.session import tab
from pages.shared.ui import page
from pages.shared.ui.text import duration, literal

_LARGEST_FILE = 100_000


def cards(config: TrainConfig, pictures: int, take: Callable[[str], None]) -> DeltaGenerator:
    """Four recipes side by side, and all others below; `take(name)` is called when one is chosen.

    Returns the place for `files`, which needs the settings of the whole page.
    """
    columns = st.columns(len(FIRST), gap="small")
    for column, name in zip(columns, FIRST, strict=True):
        with column:
            _card(RECIPES[name], config, pictures, take)
    others = {name: recipe for name, recipe in all_recipes().items() if name not in FIRST}
    chosen = others.get(config.recipe)
    with st.expander(
        f"More recipes{f': {literal(chosen.title)} is chosen' if chosen else ''}", icon=":material/menu_book:"
    ):
        for recipe in others.values():
            _line(recipe, config, pictures, take)
        return st.container()


def time_for(config: TrainConfig, pictures: int, learning: int | None = None) -> str:
    """About how long a training on so many pictures takes, which learns from `learning` of them where that is not the split's
    share; of a search, which may end sooner, the most."""
    if config.minutes and config.pretrained:
        return f"at most {config.minutes:g} min with your pictures"
    return f"{duration(seconds(config, pictures, learning))} with your pictures"


def _card(recipe: Recipe, config: TrainConfig, pictures: int, take: Callable[[str], None]) -> None:
    chosen = recipe.name == config.recipe
    with st.container(border=True, height="stretch"):
        with st.container(height="stretch", gap="xsmall"):
            st.markdown(f"{':green[:material/check_circle:] ' if chosen else ''}**{recipe.title}**")
            st.caption(time_for(recipe.config, pictures))
            st.markdown(f":small[{recipe.sentence}]")
        _choose(recipe, take, chosen=chosen)


def _line(recipe: Recipe, config: TrainConfig, pictures: int, take: Callable[[str], None]) -> None:
    own = recipe.name not in RECIPES
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(gap=None):
            st.markdown(f"**{literal(recipe.title)}** :small[{literal(recipe.sentence)}]")
            st.caption(time_for(recipe.config, pictures))
        if own and st.button(
            "Forget it", key=f"forget {recipe.name}", type="tertiary", icon=":material/delete:", width="content"
        ):
            forget_recipe(recipe.name)
            st.rerun()
        _choose(recipe, take, chosen=recipe.name == config.recipe)


def _choose(recipe: Recipe, take: Callable[[str], None], *, chosen: bool) -> None:
    st.button(
        "Chosen" if chosen else "Choose",
        key=f"recipe {recipe.name}",
        icon=":material/check:" if chosen else None,
        disabled=chosen,
        on_click=take,
        args=(recipe.name,),
        width="content",
    )


def save_form(config: TrainConfig, label: str) -> None:
    """Asks for a name, and keeps settings under it."""
    with st.form("save recipe", border=False, clear_on_submit=True):
        title = st.text_input(label, placeholder="Its name", max_chars=60, key="recipe title")
        if st.form_submit_button("Save", icon=":material/bookmark_add:"):
            try:
                saved = save_recipe(title, config)
            except ConfigError as error:
                page.show_error(error)
            else:
                st.toast(f"Saved as {literal(saved.title)}.", icon=":material/bookmark_added:")
                st.rerun()


def files(config: TrainConfig) -> None:
    """The settings on this page as a recipe: kept here, as a file, or from a file."""
    st.divider()
    left, right = st.columns(2, gap="large")
    with left:
        save_form(config, "Save the settings on this page as a recipe")
        st.caption("It appears in the list above, for all projects.")
    with right:
        recipe = all_recipes().get(config.recipe)
        shared = Recipe(recipe.title if recipe else config.recipe, recipe.sentence if recipe else "", config)
        st.download_button(
            "Download these settings",
            recipe_file(shared),
            f"{config.recipe}.recipe.json",
            "application/json",
            icon=":material/download:",
            on_click="ignore",
        )
        version = tab.first("recipe_upload", 0)
        file = st.file_uploader(
            "Load a recipe from a file", type="json", max_upload_size=1, key=f"recipe file {version}"
        )
        if file is not None:
            try:
                if file.size > _LARGEST_FILE:
                    raise ConfigError("This file is too large for a recipe.", "Choose a JSON file saved as a recipe.")
                loaded = read_recipe(file.getvalue())
                save_recipe(loaded.title if loaded.name not in RECIPES else f"{loaded.title}, loaded", loaded.config)
            except ConfigError as error:
                page.show_error(error)
            else:
                tab.count("recipe_upload")
                st.toast(f"{literal(loaded.title)} is in the list now.", icon=":material/bookmark_added:")
                st.rerun()
