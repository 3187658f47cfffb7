"""The tests, in the rooms of what they test."""

import os

# Two tests run at once, and threads that wait for each other on a busy core take several times as long. Before NumPy is loaded.
for number_of_threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(number_of_threads, "1")
