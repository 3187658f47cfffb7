"""Ready-made sets of pictures, for who is online."""

import streamlit as st


def offer() -> None:
    """The sets, with size and licence."""
    st.info("Coming.")
