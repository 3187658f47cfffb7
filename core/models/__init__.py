"""Networks as Keras models and as LiteRT files, and the only conversion between them."""
