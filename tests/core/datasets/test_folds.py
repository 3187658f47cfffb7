"""As many pictures of each class as the smallest has: who they are."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.datasets.folds import GroupedFolds

pictures = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=60)
"""(label, group) of each."""


def dealt(found: list[tuple[int, int]], seed: int = 0) -> GroupedFolds:
    labels, groups = np.array(found).T
    return GroupedFolds(tuple(f"picture {row}" for row in range(len(found))), labels, groups, seed)


@given(pictures)
def test_all_classes_have_as_many_as_the_smallest_had(found: list[tuple[int, int]]) -> None:
    deal = dealt(found)
    rows = np.arange(len(found))
    chosen = deal.balanced(rows)
    sizes = Counter(deal.labels.tolist())
    assert Counter(deal.labels[chosen].tolist()) == dict.fromkeys(sizes, min(sizes.values()))
    assert chosen.tolist() == sorted(set(chosen.tolist()))
    assert deal.balanced(chosen).tolist() == chosen.tolist()  # nothing is left to leave out


@given(pictures)
def test_the_groups_of_a_class_give_alike(found: list[tuple[int, int]]) -> None:
    deal = dealt(found)
    chosen = set(deal.balanced(np.arange(len(found))).tolist())
    for label in set(deal.labels.tolist()):
        taken, left = Counter[int](), Counter[int]()
        for row in np.flatnonzero(deal.labels == label).tolist():
            (taken if row in chosen else left)[int(deal.groups[row])] += 1
        # A group that has some left gave as many as any other, or one fewer.
        assert all(taken[group] >= max(taken.values(), default=0) - 1 for group in left)


@given(pictures, st.randoms(use_true_random=False))
def test_the_pictures_decide_and_not_their_order(found: list[tuple[int, int]], random: object) -> None:
    deal = dealt(found)
    order = np.arange(len(found))
    random.shuffle(order)  # type: ignore[attr-defined]
    turned = GroupedFolds(tuple(deal.ids[row] for row in order), deal.labels[order], deal.groups[order], 0)
    assert sorted(order[turned.balanced(np.arange(len(found)))]) == deal.balanced(np.arange(len(found))).tolist()


def test_another_seed_leaves_others_out() -> None:
    found = [(0, row) for row in range(40)] + [(1, 100 + row) for row in range(10)]
    assert (dealt(found, 0).balanced(np.arange(50)) != dealt(found, 1).balanced(np.arange(50))).any()
    assert not len(dealt(found).balanced(np.arange(0)))
