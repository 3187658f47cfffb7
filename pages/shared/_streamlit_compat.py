"""What is taken of Streamlit that it does not promise to keep; a test fails when it changes."""

from __future__ import annotations

from streamlit.runtime import get_instance
from streamlit.runtime.stats import CacheStat

UPLOADS = "/_stcore/upload_file/"
"""Where the browser sends files to."""


def uploaded_bytes() -> int:
    """How many bytes of uploaded files all sessions hold."""
    stats = get_instance().uploaded_file_mgr.get_stats()
    return sum(each.byte_length for every in stats.values() for each in every if isinstance(each, CacheStat))
