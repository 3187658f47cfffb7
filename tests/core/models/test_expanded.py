"""Features from inside of blocks: which they are, and that the others stay what they were."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.config.backbones import BACKBONES, get_backbone

PICTURES = np.random.default_rng(0).uniform(0, 255, (2, 64, 64, 3)).astype(np.float32)


@pytest.mark.slow
def test_the_second_block_of_each_late_stage_of_efficientnet_lite_is_seen() -> None:
    import keras

    from core.models.feature_extractor import ExtractorSpec, build_extractor

    lite0 = get_backbone("efficientnet-lite0")
    plain, more = (build_extractor(ExtractorSpec(lite0, 64, True, expanded=expanded)) for expanded in (False, True))
    inside = [plain.get_layer(f"block{number}_depthwise_relu6").output for number in (6, 9, 12)]
    seen = [np.asarray(each).mean(axis=(1, 2)) for each in keras.Model(plain.input, inside)(PICTURES)]
    expected = np.concatenate([np.asarray(plain(PICTURES)), *seen], axis=1)
    assert expected.shape[1] == 2024 + 480 + 672 + 1152
    np.testing.assert_allclose(np.asarray(more(PICTURES)), expected, rtol=1e-4, atol=1e-5)


def network(*convolutions: int) -> Any:
    """Depthwise convolutions with so many channels each, of which the first halves the picture to 4 x 4 pixels."""
    import keras

    picture = keras.Input((64, 64, 3))
    x = keras.layers.AveragePooling2D(8)(picture)
    for number, channels in enumerate(convolutions):
        x = keras.layers.Conv2D(channels, 1, activation="relu")(x)
        x = keras.layers.DepthwiseConv2D(3, strides=2 if number == 0 else 1, padding="same", activation="relu")(x)
    return keras.Model(picture, keras.layers.GlobalAveragePooling2D()(x), name="network")


@pytest.mark.parametrize(("convolutions", "more"), [((8, 12, 12, 12, 20, 20), 12 + 20), ((8, 12, 20), 0), ((), 0)])
def test_only_what_has_its_like_is_taken(convolutions: tuple[int, ...], more: int) -> None:
    from core.models.expanded import with_expanded

    plain = network(*convolutions)
    assert with_expanded(plain).output_shape[1] == plain.output_shape[1] + more
    if not more:
        assert with_expanded(plain) is plain


@pytest.mark.slow
def test_networks_of_keras_applications_have_them_where_they_have_depthwise_convolutions() -> None:
    from core.models.applications import features, network
    from core.models.expanded import with_expanded

    def gained(name: str) -> int:
        plain = features(network(BACKBONES[name], 64), "network", multi_level=True)
        return int(with_expanded(plain).output_shape[1] - plain.output_shape[1])

    assert gained("mobilenet-v3-small") > 0
    assert gained("resnet50") == 0
