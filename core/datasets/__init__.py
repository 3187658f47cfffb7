"""A folder of class folders: what is in it, every change to it, and who is in which part."""
