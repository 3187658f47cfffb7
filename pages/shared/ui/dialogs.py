"""Dialogs that stay open until they are closed. One of Streamlit's alone closes whenever its page is drawn anew, as it is after
each message of a component, and a press of a button in it is lost then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.shared.session import tab

_OPEN = "open dialog"
"""(page, title, what it is about) of the one that is open."""
_PAGE = "page of dialogs"


@dataclass(frozen=True)
class Dialog:
    """`draw` is given what `show` is given, then what `open` was given."""

    title: str
    draw: Callable[..., None]

    def open(self, *about: Any) -> None:
        """Opens it; it is seen once the page calls `show`, which it does later."""
        tab.put(_OPEN, (tab.get(_PAGE), self.title, about))

    def close(self) -> None:
        """Closes it; seen when the page is drawn anew."""
        tab.take(_OPEN, None)

    def show(self, *of_page: Any) -> None:
        """Draws it if it is open. A page calls it each time that it is drawn."""
        where, title, about = tab.get(_OPEN, ("", "", ()))
        if (where, title) == (tab.get(_PAGE), self.title):
            st.dialog(self.title, width="medium", on_dismiss=self.close)(self.draw)(*of_page, *about)


def dialog(title: str) -> Callable[[Callable[..., None]], Dialog]:
    """Makes a dialog of the function that draws what is in it."""
    return lambda draw: Dialog(title, draw)


def on_page(title: str) -> None:
    """Says which page is drawn: a dialog of another page is closed, and not open on the way back either."""
    if tab.get(_PAGE) != title:
        tab.take(_OPEN, None)
        tab.put(_PAGE, title)
