"""What the web server answers besides the pages, and whom it answers."""
