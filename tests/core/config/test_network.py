"""The layers of a network from scratch as settings: their bounds, their size, and how a search varies them."""

from __future__ import annotations

from dataclasses import dataclass

import psutil
import pytest

from core.config.changes import with_changes, with_values
from core.config.estimate import require_room, seconds, size_of
from core.config.network import NETWORKS, Block, NetworkConfig, Variation, measure
from core.config.recipes import get_recipe
from core.config.training import TrainConfig, make_config
from core.runs.history import differences
from core.system.errors import ConfigError

TUTORIAL, TINY = get_recipe("tutorial-cnn").config, get_recipe("small-cnn").config


def test_every_layer_setting_has_a_title_and_help() -> None:
    for kind in (Block, NetworkConfig, Variation):
        for name, info in kind.model_fields.items():
            assert info.title, name
            assert info.description, name


def test_the_networks_of_before_are_what_they_were() -> None:
    assert measure(NETWORKS["tutorial-cnn"], 180, 5).parameters == 3_989_285
    assert measure(NETWORKS["tutorial-cnn"], 180, 5).sides == (90, 45, 22)
    assert measure(NETWORKS["small-cnn"], 32, 3).parameters == 314_819
    assert measure(NETWORKS["small-cnn"], 32, 3).sides == (15, 6)


def test_settings_of_older_versions_mean_the_same() -> None:
    older = {name: value for name, value in TUTORIAL.model_dump().items() if name != "network"}
    assert make_config(older) == TUTORIAL
    assert make_config(older).architecture == NETWORKS["tutorial-cnn"]
    usual = NETWORKS["tutorial-cnn"].model_dump()
    assert make_config(older | {"network": usual}) == TUTORIAL  # the same in other words
    assert make_config(older | {"network": usual | {"dense": [64]}}).architecture.dense == (64,)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("network.blocks=[]", ["network.blocks", "at least 1"]),
        ("network.blocks.0.filters=0", ["network.blocks.0.filters", "greater than or equal to 1"]),
        ("network.blocks.0.kernel=12", ["network.blocks.0.kernel", "less than or equal to 11"]),
        ("network.blocks.7.filters=8", ["no setting called 'network.blocks.7.filters'", "network.padding"]),
        ("network.dense=[0]", ["network.dense.0", "greater than or equal to 1"]),
        ("network.dense=[1,1,1,1,1]", ["network.dense", "at most 4"]),
        ("network.padding=none", ["network.padding", "same"]),
        ("network.depth=3", ["no setting called 'network.depth'"]),
        ("backbone=efficientnet-lite0", ["network", "only a model that learns from scratch"]),
    ],
)
def test_a_wrong_layer_is_named_with_what_is_allowed(change: str, words: list[str]) -> None:
    own = TUTORIAL.model_copy(update={"network": NETWORKS["small-cnn"]})
    with pytest.raises(ConfigError) as error:
        with_changes(own, [change])
    assert all(word in str(error.value) for word in words)


def test_layers_are_changed_by_text_and_by_a_file() -> None:
    config = with_changes(TUTORIAL, ["network.blocks.2.filters=48", "network.dense=[]"])
    assert [block.filters for block in config.architecture.blocks] == [16, 32, 48]
    assert config.architecture.dense == ()
    late = with_changes(TrainConfig(), ["network.padding=same", "backbone=small-cnn"])
    assert late.architecture == NETWORKS["small-cnn"].model_copy(update={"padding": "same"})
    assert with_values(TINY, {"network": {"dense": [9]}}).architecture.blocks == NETWORKS["small-cnn"].blocks
    for change in ({"network": {"dense": [9]}}, {"network": {"dense": [9]}, "backbone": 3}):
        with pytest.raises(ConfigError, match="learns from scratch"):
            with_values(TrainConfig(), change)
    with pytest.raises(ConfigError, match="learns from scratch"):
        with_changes(TrainConfig(), ["network.dense=[9]"])


def test_what_cannot_be_built_is_said_with_what_to_change() -> None:
    deep = TINY.model_copy(update={"network": Variation(blocks=4).of(TINY.architecture)})
    with pytest.raises(
        ConfigError, match="32 x 32 pixels are too small for this network: after block 4 nothing"
    ) as error:
        require_room(deep, 3)
    assert "pad the edges" in error.value.hint
    require_room(deep.model_copy(update={"pixels": 64}), 3)
    padded = deep.architecture.model_copy(update={"padding": "same"})
    require_room(deep.model_copy(update={"network": padded}), 3)
    require_room(TrainConfig(), 3)  # not its business


def test_what_has_no_room_in_memory_is_said_with_what_to_change(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True)
    class Memory:
        total: float

    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(4e9))
    for config in (TUTORIAL, TINY, get_recipe("tutorial-cnn-improved").config):
        require_room(config, 1000)
    wide = Variation(blocks=1, filters=64, dense=1024).of(TUTORIAL.architecture)
    with pytest.raises(ConfigError, match="531 million weights, too many for a model file"):
        require_room(TUTORIAL.model_copy(update={"network": wide}), 5)
    with pytest.raises(ConfigError, match="265 million weights, too many for the memory") as error:
        require_room(TUTORIAL.model_copy(update={"network": Variation(dense=512).of(wide)}), 5)
    assert "one more block" in error.value.hint
    large = TUTORIAL.model_copy(update={"batch_size": 512})
    with pytest.raises(ConfigError, match=r"5\.4 GB of memory, and this computer has 4\.0 GB") as error:
        require_room(large, 5)
    assert "batch size" in error.value.hint


def test_the_estimate_grows_with_the_network() -> None:
    def told(**changes: int) -> float:
        network = Variation(**changes).of(TUTORIAL.architecture)
        return seconds(TUTORIAL.model_copy(update={"network": network}), 2000)

    assert seconds(TUTORIAL, 2000) == told() < told(kernel=5) < told(kernel=5, filters=32)
    assert told(filters=8) < told()
    assert seconds(TUTORIAL.model_copy(update={"pixels": 64}), 2000) < told()
    assert seconds(TINY.model_copy(update={"network": Variation(blocks=8).of(TINY.architecture)}), 2000) < 20


@pytest.mark.parametrize("config", [TrainConfig(), TrainConfig(fine_tune="last"), TUTORIAL])
def test_the_estimate_counts_what_is_learned_from(config: TrainConfig) -> None:
    usual = round(2000 * config.split.training)
    assert seconds(config, 2000, usual) == pytest.approx(seconds(config, 2000))
    assert seconds(config, 2000, usual // 4) < seconds(config, 2000)


def test_a_variation_changes_what_it_names_and_nothing_else() -> None:
    start = NetworkConfig(
        blocks=(Block(filters=10, kernel=5, batch_norm=True), Block(filters=11, pooling=False)), padding="valid", dense=(7, 8)
    )  # fmt: skip
    assert Variation().of(start) == start
    deeper = Variation(blocks=4).of(start)
    assert [block.filters for block in deeper.blocks] == [10, 20, 40, 80]
    assert [block.pooling for block in deeper.blocks] == [True, False, False, False]
    assert [block.batch_norm for block in deeper.blocks] == [True, False, False, False]
    assert (deeper.padding, deeper.dense) == ("valid", (7, 8))
    wide = Variation(blocks=3, filters=200, kernel=7, dense=0).of(start)
    assert [(block.filters, block.kernel) for block in wide.blocks] == [(200, 7), (400, 7), (512, 7)]
    assert wide.dense == ()
    kernel = Variation(kernel=1).of(start)
    assert [(block.filters, block.kernel) for block in kernel.blocks] == [(10, 1), (11, 1)]
    assert Variation(blocks=3, filters=16).of(NETWORKS["tutorial-cnn"]) == NETWORKS["tutorial-cnn"]


def test_layers_are_told_in_one_line() -> None:
    assert (
        NETWORKS["tutorial-cnn"].words
        == "conv 16 (3 x 3), pool, conv 32 (3 x 3), pool, conv 64 (3 x 3), pool, dense 128"
    )
    other = NetworkConfig(
        blocks=(Block(filters=8, pooling=False, batch_norm=True, dropout=0.25),), padding="valid", dense=()
    )
    assert other.words == "conv 8 (3 x 3, unpadded), batch norm, dropout 25%"
    changed = TUTORIAL.model_copy(update={"network": other})
    told = {each.key: (each.before, each.after) for each in differences(TUTORIAL, changed)}
    assert told == {"network": (TUTORIAL.architecture.words, other.words)}
    assert "network" in {each.key for each in differences(TrainConfig(), changed)}
    assert size_of(changed, 2).parameters == 3 * 3 * 3 * 8 + 5 * 8 + (178 * 178 * 8 + 1) * 2
