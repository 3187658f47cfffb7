"""Where it begins: the first page, and, for the web server that imports this file, its own answers besides the pages."""

import streamlit as st

if __name__ == "__main__":
    from pages.shared import home

    home.show()
else:
    from pages.shared import frame, server

    app = st.App(__file__, routes=server.ROUTES, middleware=server.MIDDLEWARE, on_script_error=frame.say)
