"""The layers of a network that learns from scratch: what may be chosen, what that is in numbers, and how a search varies it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from core.system.errors import ConfigError
from core.system.settings import Percent, Settings

MOST_BLOCKS = 8
MOST_DENSE = 4
MOST_FILTERS = 512
_Units = Annotated[int, Field(ge=1, le=4096)]


class Block(Settings):
    """One block of convolution: the convolution, batch norm, ReLU, pooling and dropout, in this order."""

    filters: int = Field(
        32,
        ge=1,
        le=MOST_FILTERS,
        title="Patterns (filters)",
        description="How many patterns it looks for, at most 512.",
    )
    kernel: int = Field(3, ge=1, le=11, title="Side of each (kernel)", description="In pixels, 1 to 11.")
    pooling: bool = Field(
        True, title="Halve the picture (pooling)", description="Of 2 x 2 values only the largest goes on (max pooling)."
    )
    batch_norm: bool = Field(
        False,
        title="Even out (batch norm)",
        description="Each filter's values get mean 0 and deviation 1 in each step: deeper networks learn sooner.",
    )
    dropout: Percent = Field(
        0.0, ge=0, le=0.9, title="Forgetting (dropout)", description="Share of the block's values hidden at each step."
    )


class NetworkConfig(Settings):
    """A network's layers, from the picture to the answer; dropout before the dense layers is TrainConfig's."""

    blocks: tuple[Block, ...] = Field(
        min_length=1, max_length=MOST_BLOCKS, title="Blocks", description="Convolutions, one after the other, 1 to 8."
    )
    padding: Literal["same", "valid"] = Field(
        "same",
        title="At the edges (padding)",
        description="same: filters look beyond the edges, too, and no pixels are lost; valid: only where all of a filter is "
        "inside, so that each block takes away kernel - 1 pixels.",
    )
    dense: tuple[_Units, ...] = Field(
        (128,),
        max_length=MOST_DENSE,
        title="Dense layers",
        description="Units of each layer between the blocks and the answer, up to 4096; none: the answer comes at once.",
    )

    @property
    def words(self) -> str:
        """All layers but the last, as the field writes them: "conv 16 (3 x 3), pool, dense 128"."""
        edges = ", unpadded" if self.padding == "valid" else ""
        steps = []
        for block in self.blocks:
            steps.append(f"conv {block.filters} ({block.kernel} x {block.kernel}{edges})")
            steps += ["batch norm"] * block.batch_norm + ["pool"] * block.pooling
            steps += [f"dropout {block.dropout:.0%}"] * bool(block.dropout)
        return ", ".join([*steps, *(f"dense {units}" for units in self.dense)])


NETWORKS: dict[str, NetworkConfig] = {
    "tutorial-cnn": NetworkConfig(blocks=(Block(filters=16), Block(filters=32), Block(filters=64))),
    "small-cnn": NetworkConfig(blocks=(Block(filters=32), Block(filters=64)), padding="valid"),
}
"""The layers of each backbone that learns from scratch. Their sources: TensorFlow Core tutorial "Image classification"; the
usual first CNN for CIFAR-10, two blocks of unpadded convolution and pooling, one hidden layer."""


@dataclass(frozen=True)
class NetworkSize:
    """What a network is in numbers. `sides`: pixels of the maps after each block; `parameters`: weights, those of batch norm
    that are not learned among them; `activations`: numbers that one picture leaves behind its layers; `operations`:
    multiplications for one picture."""

    sides: tuple[int, ...]
    parameters: int
    activations: int
    operations: int


def measure(network: NetworkConfig, pixels: int, classes: int) -> NetworkSize:
    """A network's size on pictures of `pixels` x `pixels`, in RGB. Raises ConfigError where nothing would be left of them."""
    side, channels, sides = pixels, 3, []
    parameters = operations = 0
    activations = 2 * 3 * side**2  # the picture, and its scaled copy
    for number, block in enumerate(network.blocks, 1):
        side -= block.kernel - 1 if network.padding == "valid" else 0
        weights = block.kernel**2 * channels * block.filters
        parameters += weights + block.filters * (5 if block.batch_norm else 1)
        operations += max(side, 0) ** 2 * weights
        activations += max(side, 0) ** 2 * block.filters * (3 if block.batch_norm else 1)
        channels = block.filters
        side = side // 2 if block.pooling else side
        if side < 1:
            edges = ", or pad the edges (padding)" if network.padding == "valid" else ""
            raise ConfigError(
                f"Pictures of {pixels} x {pixels} pixels are too small for this network: after block {number} nothing is left.",
                f"Use fewer blocks, let some of them not halve the picture (pooling), use larger pictures (pixels){edges}.",
            )
        activations += side**2 * channels * (bool(block.pooling) + bool(block.dropout))
        sides.append(side)
    units = side**2 * channels
    for following in (*network.dense, classes):
        parameters += (units + 1) * following
        operations += units * following
        activations += following
        units = following
    return NetworkSize(tuple(sides), parameters, activations, operations)


class Variation(Settings):
    """What a search changes of a network; None: nothing.

    `blocks` and `filters` make the blocks anew: so many, each with twice the filters of the one before it, at most 512; in all
    else each is as the block that stood there, or as the last.
    """

    blocks: int | None = Field(
        None,
        ge=1,
        le=MOST_BLOCKS,
        title="Number of blocks (blocks)",
        description="Each block has twice the filters of the one before it, at most 512.",
    )
    filters: int | None = Field(
        None,
        ge=1,
        le=MOST_FILTERS,
        title="Patterns of the first block (first filters)",
        description="Each further block has twice as many as the one before it, at most 512.",
    )
    kernel: int | None = Field(
        None, ge=1, le=11, title="Side of the filters (filter side)", description="In pixels, the same in all blocks."
    )
    dense: int | None = Field(
        None,
        ge=0,
        le=4096,
        title="Units before the answer (dense units)",
        description="One dense layer of so many units; 0: none.",
    )

    def of(self, network: NetworkConfig) -> NetworkConfig:
        """The network with these changes."""
        blocks = network.blocks
        if self.blocks or self.filters:
            first, count = self.filters or blocks[0].filters, self.blocks or len(blocks)
            there = [blocks[min(at, len(blocks) - 1)] for at in range(count)]
            blocks = tuple(
                block.model_copy(update={"filters": min(first * 2**at, MOST_FILTERS)}) for at, block in enumerate(there)
            )
        if self.kernel:
            blocks = tuple(block.model_copy(update={"kernel": self.kernel}) for block in blocks)
        changes = {} if self.dense is None else {"dense": (self.dense,) if self.dense else ()}
        return network.model_copy(update={"blocks": blocks, **changes})
