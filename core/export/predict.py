"""Says what is on pictures:  python predict.py [--threads N] PICTURE-OR-FOLDER...     ("-": names from standard input)

Prints one JSON object a line. What is no picture is named on standard error, and the exit status is 1 at the end.
Needs numpy and pillow, and what README.txt says for this kind of model.
"""

import argparse
import io
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms

HERE = Path(__file__).resolve().parent
SPEC: dict[str, Any] = json.loads((HERE / "fieldguide.json").read_text(encoding="utf-8"))
PIXELS: int = SPEC["input"]["pixels"]
FRAMING: dict[str, Any] = SPEC["input"]["framing"]
BORDER = (124, 116, 104)
FORMATS = (
    "JPEG",
    "PNG",
    "WEBP",
    "GIF",
    "BMP",
    "TIFF",
    "AVIF",
    "HEIF",
)  # as in training; no other decoder is ever started
SAMPLE_FORMAT, SIGNED = 339, 2  # TIFF's tag of what kind its numbers are, and what it says of whole ones with a sign
SPACES = {"RGB": "RGB ", "CMYK": "CMYK", "L": "GRAY"}  # Pillow's modes -> what a colour profile calls them
TURNS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # EXIF orientation -> Image.Transpose
with suppress(ImportError):  # photos of iPhones, where pillow-heif is installed
    import pillow_heif

    pillow_heif.register_heif_opener()


def place(width: int, height: int) -> tuple[tuple[int, int, int, int], tuple[int, int]]:
    """What is taken out of an upright picture (left, top, right, bottom), and the width and height it is scaled to."""
    (left, right), (top, bottom) = edges(width, *FRAMING["region"][::2]), edges(height, *FRAMING["region"][1::2])
    across, down = right - left, bottom - top
    if FRAMING["fit"] == "crop":
        side = min(across, down)
        left, top = left + (across - side) // 2, top + (down - side) // 2
        return (left, top, left + side, top + side), (PIXELS, PIXELS)
    wide = high = PIXELS
    if FRAMING["fit"] == "letterbox":
        longer = max(across, down)
        wide, high = (max(1, (2 * length * PIXELS + longer) // (2 * longer)) for length in (across, down))
    return (left, top, right, bottom), (wide, high)


def edges(length: int, low: float, high: float) -> tuple[int, int]:
    """Shares of a side in whole pixels, with at least one between them."""
    first = min(int(length * low + 0.5), length - 1)
    return first, max(first + 1, int(length * high + 0.5))


def in_8_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 or 32 bits, or of real numbers (0 to 1, or as many as there are), of which one may stand for transparent.
    Whole numbers of 32 bits are as those of 16 where they need as many, and else as real numbers."""
    values, clear, wide = np.asarray(image), image.info.get("transparency"), image.mode == "F"
    if image.mode == "I" and hasattr(image, "tag_v2"):  # older Pillow has this mode for 16 bits that are no TIFF, too
        if SIGNED not in image.tag_v2.get(SAMPLE_FORMAT, ()):
            values = values.view(np.uint32)  # Pillow takes the largest for negative ones
        wide = values.min() < 0 or not 255 < values.max() <= 65_535
    if wide:
        most = np.nanmax(values, initial=0, where=np.isfinite(values))
        factor = np.float32(255 / most if most > 255 else 255 if most <= 1 else 1)
        grey: np.ndarray = np.nan_to_num(values * factor, posinf=255)
    else:
        grey = values.astype(np.uint32) // 257
    made = Image.fromarray(grey.clip(0, 255).astype(np.uint8))
    if isinstance(clear, int):
        made.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
    return made


def in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Colours as a browser shows them: a picture with a colour profile is brought to sRGB, unless it is as good as there."""
    with suppress(Exception):  # a damaged profile is as good as none
        known = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if known.profile.xcolor_space == SPACES[image.mode]:
            target = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
            change = ImageCms.ImageCmsTransform(known, target, image.mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC)
            steps = np.linspace(0, 255, 9).round().astype(np.uint8)
            colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
            if (
                image.mode != "RGB"
                or np.abs(np.asarray(change.apply(Image.fromarray(colours)), int) - colours).max() > 2
            ):
                return change.apply(image)
    return image


def square_of(image: Image.Image) -> np.ndarray:
    """What the model sees of a picture, upright, RGB on white: uint8 (PIXELS, PIXELS, 3)."""
    image.load()
    profile = image.info.get("icc_profile", b"")
    with suppress(Exception):  # damaged EXIF data is as good as none
        image = image.transpose(Image.Transpose(TURNS[image.getexif()[0x0112]]))
    if image.mode.startswith("I") or image.mode == "F":
        image = in_8_bits(image)
    if image.has_transparency_data:
        layers = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
        image = layers.convert("RGB")
    image = in_srgb(image, profile)
    box, size = place(*image.size)
    scaled = image.convert("RGB").resize(size, Image.Resampling.BILINEAR, box=box)
    seen = Image.new("RGB", (PIXELS, PIXELS), BORDER)
    seen.paste(scaled, ((PIXELS - size[0]) // 2, (PIXELS - size[1]) // 2))
    return np.asarray(seen)


def read(path: str) -> np.ndarray:
    """A picture file as the model sees it."""
    with Image.open(path, formats=FORMATS) as image:
        left, top, right, bottom = FRAMING["region"]
        least = 2 * math.ceil(PIXELS / min(right - left, bottom - top))
        image.draft(None, (least, least))  # a large JPEG is decoded at a reduced size, as in training
        return square_of(image)


def numbers(square: np.ndarray) -> np.ndarray:
    """What goes into the model: the bytes (uint8), the bytes less 128 (int8), or the bytes within the model's range."""
    kind, (low, high) = SPEC["input"]["dtype"], SPEC["input"]["range"]
    if kind == "uint8":
        return square[None]
    if kind == "int8":
        return (square[None].astype(np.int16) - 128).astype(np.int8)
    return square[None].astype(np.float32) * np.float32((high - low) / 255) + np.float32(low)


def load(threads: int) -> Callable[[np.ndarray], np.ndarray]:
    """The model: `numbers` in, one probability for each class out."""
    name, path = SPEC["model"], str(HERE / SPEC["model"])
    if name.endswith(".onnx"):
        import onnxruntime  # type: ignore[import-not-found,import-untyped,unused-ignore]

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(path, options)
        entry = session.get_inputs()[0].name
        return lambda picture: session.run(None, {entry: picture})[0][0]
    if not name.endswith(".tflite"):
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        import tensorflow

        tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
        if name.endswith((".keras", ".h5", ".json")):
            import keras

            whole = rebuilt(keras) if name.endswith(".json") else keras.models.load_model(path, compile=False)
            model = tensorflow.function(whole)
        else:
            whole = tensorflow.saved_model.load(path)  # must be kept: its variables go with it
            model = whole.serve

        def ask(picture: np.ndarray, _: Any = whole) -> np.ndarray:
            return model(tensorflow.constant(picture))[0].numpy()

        return ask

    from ai_edge_litert.interpreter import Interpreter

    # Not by its path, which LiteRT reads in the code page of Windows.
    interpreter = Interpreter(model_content=Path(path).read_bytes(), num_threads=threads)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    scale, zero = target["quantization"]

    def run(picture: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(source["index"], picture)
        interpreter.invoke()
        return (interpreter.get_tensor(target["index"])[0] - np.float32(zero)) * np.float32(scale or 1)

    return run


def rebuilt(keras: Any) -> Any:
    """TensorFlow.js' layers format as a Keras model: each layer by its description, each weight by its name."""
    told = json.loads((HERE / SPEC["model"]).read_text(encoding="utf-8"))
    weights, graph = {}, told["modelTopology"]["config"]
    for group in told["weightsManifest"]:
        content, start = b"".join((HERE / name).read_bytes() for name in group["paths"]), 0
        for one in group["weights"]:
            array = np.frombuffer(content, "<f4", math.prod(one["shape"]), start).reshape(one["shape"])
            weights[one["name"]], start = array, start + array.nbytes
    made: dict[str, Any] = {}
    tensors, calls = {}, []  # by the name of a layer, and which of its calls it is
    for step in graph["layers"]:
        name, config = step["name"], step["config"]
        if step["class_name"] == "InputLayer":
            tensors[name, 0] = keras.Input(config["batch_input_shape"][1:])
        else:
            made[name] = getattr(keras.layers, step["class_name"]).from_config(config)
            calls += [((name, number), sources) for number, sources in enumerate(step["inbound_nodes"])]
    source = next(iter(tensors.values()))
    while calls:  # a layer that is called again may stand before those that it is then called with
        call, sources = calls.pop(0)
        given = [tensors.get((one[0], one[1])) for one in sources]
        if any(one is None for one in given):
            calls.append((call, sources))
        else:
            tensors[call] = made[call[0]](given[0] if len(given) == 1 else given)
    for name, layer in made.items():
        own = [one.name.rpartition("/")[2].partition(":")[0] for one in layer.weights]  # in Keras 2 it has more in it
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            own[0] = "depthwise_kernel"
        layer.set_weights([weights.pop(f"{name}/{one}") for one in own])
    if weights:
        raise ValueError(f"weights of no layer: {', '.join(weights)}")
    return keras.Model(source, tensors[tuple(graph["output_layers"][0][:2])])


def answer(model: Callable[[np.ndarray], np.ndarray], square: np.ndarray) -> dict[str, Any]:
    """What the model says of a square picture; `sure`: whether that is enough to count as an answer."""
    began = time.perf_counter()
    row = model(numbers(square))
    spent = (time.perf_counter() - began) * 1000
    return {
        "label": SPEC["classes"][row.argmax()],
        "probability": float(row.max()),
        "sure": bool(row.max() >= SPEC["not_sure_below"]),
        "probabilities": row.tolist(),
        "milliseconds": round(spent, 3),
    }


def names(given: list[str]) -> Iterator[str]:
    """The pictures meant: files as they are, those in folders but for hidden ones, and with "-" what standard input lists
    by line or NUL."""
    for name in given:
        if name == "-":
            listed = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
            lines = (line.removesuffix("\r") for line in listed.split("\n"))  # as Windows ends them
            yield from filter(None, listed.split("\0") if "\0" in listed else lines)
        elif Path(name).is_dir():
            shown = (p for p in Path(name).rglob("*") if not any(part[0] == "." for part in p.relative_to(name).parts))
            yield from sorted(str(path) for path in shown if path.is_file())
        else:
            yield name


def main() -> int:
    """The program; returns its exit status."""
    parser = argparse.ArgumentParser(description="Says what is on pictures.")
    parser.add_argument("pictures", nargs="+", metavar="PICTURE-OR-FOLDER")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    asked, status = parser.parse_args(), 0
    try:
        model = load(asked.threads)
    except Exception as error:  # noqa: BLE001 - a missing library, a damaged file
        print(f"{SPEC['model']} cannot be opened: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    for name in names(asked.pictures):
        try:
            square = read(name)
        except Exception as error:  # noqa: BLE001 - which one damaged content raises depends on the decoder
            why = "there is no such file" if isinstance(error, FileNotFoundError) else "not a picture, or damaged"
            print(f"{name}: {why}", file=sys.stderr)
            status = 1
            continue
        print(json.dumps({"file": name} | answer(model, square)), flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
