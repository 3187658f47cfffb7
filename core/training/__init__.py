"""From a plan to a model. Only worker processes load TensorFlow here."""
