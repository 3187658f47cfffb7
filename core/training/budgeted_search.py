"""The search behind the recipe `best`: what is tried next, by what it promises for its time, until the time is over.

Each attempt is estimated before it is begun (core.training.budget), and broken off where it outlasts the time all the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from core.config.backbones import get_backbone
from core.inference.calibration import softmax
from core.models.weights_store import fetch
from core.system import storage
from core.system.tasks.job import Stopped, load_in_background
from core.training.attempts import Scale, named
from core.training.candidates import networks_here, worth_fetching
from core.training.job import Job, Trained
from core.training.search_log import OF_ALL
from core.training.tuned_attempts import Search, tuning

_ENOUGH = 4
"""Epochs of fine-tuning that make a network worth more than a smaller one that has time for more of them."""
_TUNINGS = 4
"""So many times is fine-tuned, at most."""
_JOINED = 3
"""So many frozen networks look together, at most."""
_SHARE = 0.3
"""Of the time that is left, for one attempt with frozen networks: fine-tuning needs most of it."""
_PROBING = 0.15
"""Of the time that is left, to tell what one more network promises."""
_BYTES = 8
"""Of a weight, in both files."""
_LARGER = 300
"""Pixels: the side of the larger squares, at which networks for 224 see more (Touvron et al. 2019: the train-test resolution
discrepancy)."""
_PRICE_OF_SIZE = 0.005
"""Of accuracy, that larger squares must promise: all that follows takes nearly twice as long with them."""
_DIFFERENT = 1.2
"""Less than so many times as large is no other size."""
_PRICE = 0.02
"""Of accuracy, that networks must promise for all of the time that is left."""


def search(job: Job, clock: Callable[[], float] = time.monotonic) -> Trained:
    """Tries what fits into `config.minutes`, and gives the best by the validation part; a stop gives the best so far.

    Raises Stopped if nothing was finished by then, RunError where the disk has no room for what would be kept.
    """
    found = Search(job, clock)
    storage.require_disk(job.records.folder, most_bytes(networks_here(job.config)), "What a search may have to keep")
    loading = load_in_background("core.training.fine_tuning")
    job.quiet = True
    job.due = lambda: found.best is not None and found.budget.left < 0
    try:
        job.until_loaded(loading)
        from core.models.devices import cards
        from core.training import fit

        found.budget.card = bool(cards())
        fit.seed_everything(job.config.seed)
        try_all(found)
    except Stopped:
        if found.best is None:
            raise
        found.log.stopped = job.stop_asked()
        if not found.log.stopped:  # the time ended between two attempts
            found.log.too_long.append("more")
    finally:
        job.quiet = False
    best = found.best
    assert best is not None  # the first attempt is made whatever it takes
    pixels = best.pixels if best.pixels != job.config.input_pixels else 0
    told = {"chosen": best.what, "pixels": pixels, "why_stopped": found.log.why}
    return Trained(
        lambda part: softmax(best.logits[part]),
        best.epoch,
        found.log.stopped,
        best.parameters,
        best.model,
        {**told, "left_out": list(found.log.left_out.values())},
    )


def most_bytes(names: Sequence[str]) -> int:
    """About what a model of several of these networks takes on the disk, at most: of the largest, some frozen and one of them
    fine-tuned, too, in float32, in each of its two files."""
    sizes = sorted((get_backbone(name).parameters for name in names), reverse=True)[:_JOINED]
    return _BYTES * (sum(sizes) + max(sizes, default=0))


def try_all(found: Search) -> None:
    """Tries what fits into the time, by an estimate before each attempt; the first is made in any case. Raises Stopped."""
    names = networks_here(found.config)
    if not begin(found, names):
        found.look_quickly()
        return
    steps: tuple[Callable[[], None], ...] = (
        partial(probe_all, found, names, _PROBING),
        partial(fetch_more, found, names),
        partial(join_frozen, found, _SHARE),
        partial(choose_size, found, _SHARE),
        partial(look_mirrored, found, _SHARE),
        partial(tune_best, found),
    )
    for step in steps:
        if found.perfect:
            return
        step()
    if not found.tuned:  # what was kept for fine-tuning is for frozen networks then
        probe_all(found, names, OF_ALL)
        join_frozen(found, OF_ALL)
        look_mirrored(found, OF_ALL)


def begin(found: Search, names: Sequence[str]) -> bool:
    """A head on the quickest network that works; False if there is none, or no time for it."""
    for name in sorted(names, key=lambda name: found.cost([name])):
        if not found.log.fits("more than the recipe Quick", found.cost([name])):
            return False
        if found.log.attempt(named([name]), lambda name=name: found.look([name])):  # type: ignore[misc]
            return True
    return False


def probe_all(found: Search, names: Sequence[str], share: float) -> None:
    """Tells of each network what it promises, those first that know ImageNet best; each within that share of the time."""
    others = [name for name in names if name not in found.networks]
    for name in sorted(others, key=lambda name: -get_backbone(name).imagenet):
        if found.log.fits(named([name]), found.cost_of_probing(name), share):
            found.log.attempt(named([name]), partial(found.probe, name))


def fetch_more(found: Search, names: Sequence[str]) -> None:
    """Fetches what the settings allow, the most promising first, and tells what it promises."""
    room, failures = float(found.config.download_megabytes), 0
    for name in worth_fetching(found.config, names):
        backbone, budget, asked = get_backbone(name), found.budget, name in found.config.backbones
        if not asked and backbone.megabytes > room:
            found.log.left_out[backbone.title] = (
                f"Not fetched: {backbone.title}. It has {backbone.megabytes:,.0f} megabytes, and {room:,.0f} more may be "
                "downloaded."
            )
            continue
        if not found.log.fits(backbone.title, budget.fetch(name) + found.cost_of_probing(name), _SHARE):
            continue
        if found.log.attempt(f"fetching {backbone.title}", partial(download, found, name)):
            room -= 0 if asked else backbone.megabytes
            found.log.attempt(backbone.title, partial(found.probe, name))
        elif failures:
            return  # no network: the others would not come either
        else:
            failures += 1


def download(found: Search, name: str) -> None:
    """Fetches the weights of a network; not for longer than a share of the time. Raises Stopped, DownloadError, ModelError."""
    budget, began = found.budget, found.clock()
    least = (1 - _SHARE) * budget.left
    found.job.phase("download")
    fetch(get_backbone(name), found.job.progress, lambda: found.job.should_stop() or budget.left < least)
    budget.fetched(name, found.clock() - began)


def join_frozen(found: Search, share: float) -> None:
    """Looks through more networks, alone and with those of the best head, each within that share of the time that is left: as
    long as some of the pictures promise more for the time that it takes, or the features are there, or the last one that
    joined gained something."""
    refused = {names for names, mirrored in found.scale.heads if not mirrored}
    gaining = True
    while True:
        now = found.promise_of(found.joined)
        options = [option for option in _options(found) if tuple(sorted(option)) not in refused]
        worth = {
            option: found.promise_of(option) - _PRICE * found.cost(option) / max(1.0, found.budget.left)
            for option in options
        }
        best = max(options, key=worth.__getitem__, default=())
        if not best or worth[best] <= now:
            # All has been seen by these already: trying them costs next to nothing, and tells more than some pictures do.
            best = next((option for option in options if found.scale.looked.issuperset(option)), ())
        if not best and gaining:
            # What one more network gains is less than some pictures can tell.
            best = max((option for option in options if len(option) > 1), key=worth.__getitem__, default=())
        if not best:
            break
        refused.add(tuple(sorted(best)))
        before = found.promise
        if found.log.fits(named(best), found.cost(best), share):
            found.log.attempt(named(best), partial(found.look, best))
        gaining = len(best) == 1 or found.promise > before


def choose_size(found: Search, share: float) -> None:
    """Looks through the networks of the best head at larger squares, too, within that share of the time that is left, if the
    settings leave the size open; goes on with these where they promise enough more."""
    usual, best = found.scale, found.best
    assert best is not None
    other = best.pixels != usual.pixels  # of networks that take squares of one size only
    if found.config.pixels or other or _DIFFERENT * usual.pixels > _LARGER:
        return
    what = f"{named(found.joined)} at {_LARGER} pixels"
    found.at(Scale(_LARGER))
    if found.log.fits(what, found.cost(found.joined), share):
        found.log.attempt(what, partial(found.look, found.joined, what=what, price=_PRICE_OF_SIZE))
    if found.best is best:
        found.at(usual)


def look_mirrored(found: Search, share: float) -> None:
    """Looks through the networks of the best head at mirror images, too, within that share of the time that is left."""
    what, joined = f"{named(found.joined)}, mirrored views", found.joined
    if (tuple(sorted(joined)), True) in found.scale.heads:
        return
    if found.log.fits(what, found.cost(joined, mirrored=True), share):
        found.log.attempt(what, partial(found.look, joined, mirrored=True))


def _options(found: Search) -> list[tuple[str, ...]]:
    """Networks that could look together next: one more than now, of the same size of squares, or another one alone."""
    now, pixels = found.joined, found.networks[found.joined[0]].pixels
    others = [name for name in found.networks if name not in now]
    more = [(*now, name) for name in others if len(now) < _JOINED and found.networks[name].pixels == pixels]
    return [*more, *((name,) for name in others)]


def tune_best(found: Search) -> None:
    """Fine-tunes the most promising network that has time for it, then the next ones, then the first once more with mixing."""
    order = sorted(found.networks, key=lambda name: -found.promise_of([name]))
    rounds = {name: found.rounds_fitting(name) for name in order}
    enough = [name for name in order if rounds[name] >= _ENOUGH]
    first = enough[0] if enough else max(order, key=lambda name: (rounds[name], -found.cost_of_tuning(name, 1)))
    others = [name for name in order if name != first][: _TUNINGS - 2]
    plans = [(first, False), *((name, False) for name in others)]
    plans += [] if found.config.augment.mixes else [(first, True)]
    for number, (name, mixing) in enumerate(plans[:_TUNINGS]):
        what = tuning(name, mixing=mixing)
        if not found.log.fits(what, found.cost_of_tuning(name, _ENOUGH if number else 1, hopeful=True)):
            break
        found.log.attempt(what, partial(found.tune, name, mixing=mixing))
        if what in found.log.too_long:
            break
