"""Training: features, input pipeline, fitting, and the worker process. The only rooms, with export, that load TensorFlow."""
