"""What the pages have in common. A sub-folder of pages/ is never taken for a page."""
