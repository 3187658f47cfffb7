"""The networks that learn from scratch, as Keras builds them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.config.network import NETWORKS, Block, NetworkConfig, measure
from core.system.errors import ConfigError

pytestmark = pytest.mark.slow

_BLOCKS = st.builds(
    Block,
    filters=st.integers(1, 6),
    kernel=st.integers(1, 6),
    pooling=st.booleans(),
    batch_norm=st.booleans(),
    dropout=st.sampled_from([0.0, 0.25]),
)
_NETWORKS = st.builds(
    NetworkConfig,
    blocks=st.lists(_BLOCKS, min_size=1, max_size=4).map(tuple),
    padding=st.sampled_from(["same", "valid"]),
    dense=st.lists(st.integers(1, 9), max_size=2).map(tuple),
)


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(network=_NETWORKS, pixels=st.integers(32, 40), classes=st.integers(2, 5))
def test_a_network_is_as_large_as_it_is_measured(network: NetworkConfig, pixels: int, classes: int) -> None:
    from core.models.scratch import build_network

    try:
        size = measure(network, pixels, classes)
    except ConfigError:
        with pytest.raises(ValueError, match=r"[Nn]egative|less than|dimension"):
            build_network(network, pixels, classes)
        return
    model = build_network(network, pixels, classes, 0.5)
    assert model.count_params() == size.parameters
    assert model.output_shape == (None, classes)


@pytest.mark.parametrize(
    ("name", "pixels", "parameters", "sums"),
    [
        ("tutorial-cnn", 64, 548_387, [39.962715, 268.728210, 771.373535, 9899.785156, 42.931610]),
        ("small-cnn", 32, 314_819, [59.947319, 764.803955, 7317.795898, 42.852165]),
    ],
)
def test_the_two_of_before_begin_as_they_did(name: str, pixels: int, parameters: int, sums: list[float]) -> None:
    """The sums of the sizes of each layer's weights under a seed were noted when both were functions of their own."""
    from core.models.scratch import build_network
    from core.training import fit

    fit.seed_everything(7)
    model = build_network(NETWORKS[name], pixels, 3, 0.2)
    assert model.count_params() == parameters
    assert [float(np.abs(weights).sum()) for weights in model.get_weights()[::2]] == pytest.approx(sums, rel=1e-5)
    assert build_network(NETWORKS["tutorial-cnn"], 180, 5).count_params() == 3_989_285  # as its source says


def test_all_that_can_be_chosen_becomes_a_file_that_says_where_it_looked() -> None:
    from ai_edge_litert.interpreter import Interpreter

    from core.evaluation.attribution.graph import to_explaining_tflite
    from core.models.litert_conversion import to_tflite
    from core.models.scratch import build_network
    from core.training import fit

    blocks = (Block(filters=4, batch_norm=True, dropout=0.2), Block(filters=6, kernel=4, pooling=False))
    network = fit.with_softmax(build_network(NetworkConfig(blocks=blocks, dense=()), 32, 3, 0.3))
    picture = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3)).astype(np.float32)
    expected = np.asarray(network([picture]))
    for made in (to_tflite(network), to_explaining_tflite(network)):
        interpreter = Interpreter(model_content=made)
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture)
        interpreter.invoke()
        answers = [interpreter.get_tensor(each["index"]) for each in interpreter.get_output_details()]
        assert any(one.shape == expected.shape and np.allclose(one, expected, atol=1e-5) for one in answers)
