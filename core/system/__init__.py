"""Files, processes, threads, network, text safety: knows no picture."""
