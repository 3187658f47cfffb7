"""What a tab remembers, by key: notes of the pages, and the values of their widgets. Nothing else reads or writes the state of
a session, and when the tab turns to another project all of it is forgotten, so that nothing of one shows in another."""

from __future__ import annotations

from typing import Any

import streamlit as st


def get(key: str, default: Any = None) -> Any:
    """What is remembered, or the default."""
    return st.session_state.get(key, default)


def has(key: str) -> bool:
    """Whether something is remembered."""
    return key in st.session_state


def put(key: str, value: Any) -> None:
    """Remembers a value. For the key of a widget only before that is drawn, or in a callback."""
    st.session_state[key] = value


def first(key: str, value: Any) -> Any:
    """What is remembered; the value from now on if nothing is."""
    return st.session_state.setdefault(key, value)


def take(key: str, default: Any = None) -> Any:
    """What is remembered, or the default; it is forgotten then."""
    return st.session_state.pop(key, default)


def count(key: str) -> None:
    """Adds one to a number: a widget whose key holds it begins anew."""
    put(key, get(key, 0) + 1)


def turn_to(project: str) -> None:
    """Makes a project, by its root, the one that the tab looks at; forgets all that was of another."""
    before = get("project")
    if before and before != project:
        for key in list(st.session_state):
            take(str(key))
    put("project", project)
