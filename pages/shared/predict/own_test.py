"""A test set of one's own: where tested pictures lie in folders that are called as the classes, how many answers are right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from core.inference.own_test import judged, labels_of
from core.system.statistics import if_few
from pages.shared.components.matrix import matrix
from pages.shared.predict.model import Tested
from pages.shared.predict.pictures import Looked
from pages.shared.ui import results
from pages.shared.ui.text import literal, percent


def show(tested: Tested, looked: Looked, key: str) -> Looked:
    """Draws it, nothing where no picture says what it is; returns the pictures behind the cell of the matrix that is chosen,
    all where none is."""
    plan = tested.run.plan if tested.run else None
    known = {picture.id for part in ("train", "val") for picture in plan.part(part)} if plan else set()
    names = [looked.truth(look) for look in looked.good]
    rows = np.stack([look.row for look in looked.good])
    found = judged(tested.classifier.classes, names, rows, [not look.ids.isdisjoint(known) for look in looked.good])
    if found is None:
        return looked
    evaluation = found.evaluation
    chance = if_few(evaluation.right, evaluation.total)
    st.header(evaluation.in_words, anchor=False)
    st.markdown(f"{percent(evaluation.accuracy)} of your own test set, by the names of its folders (accuracy).{chance}")
    for remark in found.remarks:
        st.caption(literal(remark))
    left, right = st.columns(2, gap="medium")
    with left:
        cell = matrix.show(evaluation, f"matrix of {key}")
    with right:
        results.by_class(evaluation)
    if cell == matrix.Cell():
        return looked
    classes = tested.classifier.classes
    labels = labels_of(names, classes)
    behind = [
        look
        for look, label, said in zip(looked.good, labels, rows.argmax(axis=1), strict=True)
        if label is not None and cell.holds(classes[label], classes[said])
    ]
    st.markdown(f"**{literal(cell.words)}** · {len(behind):,}")
    return replace(looked, good=behind)
