"""The views of Evaluate, each a module with `show(here, run)`."""
