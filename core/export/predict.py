"""Classifies pictures: python predict.py PICTURE...    Needs: python -m pip install ai-edge-litert numpy pillow"""

import json
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

SPEC = json.loads(Path(__file__).with_name("fieldguide.json").read_text(encoding="utf-8"))
PIXELS = SPEC["input"]["pixels"]


def read(path: str) -> np.ndarray:
    """The centre square of a picture, upright, RGB on white: uint8 (PIXELS, PIXELS, 3)."""
    image: Image.Image = Image.open(path)
    image.draft(None, (2 * PIXELS, 2 * PIXELS))  # a large JPEG is decoded at a reduced size, as in training
    with suppress(Exception):  # EXIF orientation; damaged EXIF data is as good as none
        image = image.transpose(Image.Transpose({2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}[image.getexif()[0x0112]]))
    if image.mode.startswith("I"):  # 16-bit grey
        image = Image.fromarray((np.asarray(image, np.uint32) // 257).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    left, top = ((length - min(image.size)) // 2 for length in image.size)
    box = (left, top, left + min(image.size), top + min(image.size))
    return np.asarray(image.convert("RGB").resize((PIXELS, PIXELS), Image.Resampling.BILINEAR, box=box))


model = Interpreter(str(Path(__file__).with_name(SPEC["model"])))
model.allocate_tensors()
source, target = model.get_input_details()[0], model.get_output_details()[0]
for path in sys.argv[1:]:
    model.set_tensor(source["index"], read(path)[None].astype(source["dtype"]))
    model.invoke()
    scale, zero = target["quantization"]
    row = (model.get_tensor(target["index"])[0] - np.float32(zero)) * (scale or 1)
    sure = bool(row.max() >= SPEC["not_sure_below"])
    label = SPEC["classes"][row.argmax()]
    print(json.dumps({"file": path, "label": label, "sure": sure, "probabilities": row.tolist()}))
