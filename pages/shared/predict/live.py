"""What the model says of the webcam, as it moves. Pictures go straight to the server and answers come back, past
Streamlit's own way of talking, which draws the whole page for each message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.config.framing import Framing
from pages.shared.components._camera import CURTAIN
from pages.shared.components._component import component
from pages.shared.http import routes
from pages.shared.predict.model import Tested
from pages.shared.ui.page import Here
from pages.shared.ui.palette import class_colours

_HTML = f"""
<div class="base camera live">
  <div class="columns">
    <div class="view">
      <video id="video" autoplay muted playsinline aria-hidden="true"></video>
      <canvas id="seen" role="img" aria-label="What the camera sees, as the model gets it"></canvas>
      {CURTAIN}
      <p class="message" id="refusal" role="alert" hidden></p>
    </div>
    <div class="panels" id="panels"></div>
  </div>
  <output class="told" id="told" aria-live="polite"></output>
</div>
"""
_COMPONENT = component("live", _HTML, ("_base", "_camera"))


def show(here: Here, models: Mapping[str, Tested]) -> None:
    """The live view of one model, or of several of the same training side by side. `models`: title -> model."""
    _COMPONENT(key="live", data=data_of(here, models), height="content")


def data_of(here: Here, models: Mapping[str, Tested]) -> dict[str, Any]:
    """What the live view is given; without a model it shows the camera alone."""
    if not models:
        return {"models": [], "framing": None, "shorter": 0, "classes": [], "colours": []}
    classifier = next(iter(models.values())).classifier
    classes, framing = classifier.classes, classifier.framing
    return {
        "models": [
            {
                "title": title if len(models) > 1 else "",
                "url": routes.live_url(tested.classifier, tested.identity),
                "pixels": tested.classifier.pixels,
            }
            for title, tested in models.items()
        ],
        "framing": None if framing == Framing() else framing.model_dump(),
        "shorter": framing.at_least(classifier.pixels),
        "classes": list(classes),
        "colours": class_colours(classes, here.catalogue.colours),
    }
