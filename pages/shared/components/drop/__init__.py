"""Files and folders that are dropped, on their way to this computer's disk."""
