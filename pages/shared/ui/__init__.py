"""What pages are made of: the frame, charts, forms, words, thumbnails."""
