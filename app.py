"""Where it begins: the first page, and, for the web server that imports this file, its own answers besides the pages."""

import streamlit as st

if __name__ == "__main__":
    from pages.shared.home import home

    home.show()
else:
    from pages.shared.http import routes
    from pages.shared.ui import page

    app = st.App(__file__, routes=routes.ROUTES, middleware=routes.MIDDLEWARE, on_script_error=page.say)
