"""Labels that were mixed up."""

from __future__ import annotations

import numpy as np

from chainrule.diagnostics.evidence import Evidence
from chainrule.diagnostics.finding import Finding, Remedy, diagnostic
from chainrule.diagnostics.judge import judged
from chainrule.diagnostics.reference import skill
from chainrule.shapes import Array, Ints

NEEDED = 150  # rows for shares known to about ±4 % in a quarter of them
WRONG = 0.05  # share of other labels where the judge is surest: clean classes have less than 0.02 there
MIXED = 0.08  # from here on an illness, where the judge doubts too
DOUBT = 0.04  # 1 − its largest probability, where it is surest: mixed-up labels let nobody be sure, while tables whose columns
# do not tell all (who survives) have rows that look certain
UNSURE = 0.75  # of the errors of always saying one class: beyond, a weak signal cannot be told from mixed-up labels
LEARNABLE = 0.08  # skill: below, there is no border to be far from
FLAT = 0.35  # of the errors of the middling rows that remain among the surest: 0.2 or less where classes only overlap


@diagnostic("data", needs=("own", "codes", "reference"), causes=("overfitting", "linear_as_good"))
def label_noise(e: Evidence) -> Finding | None:
    """Do labels differ where the classes are far apart?"""
    assert e.codes is not None and e.reference is not None
    count = len(e.reference.outputs)
    codes = e.codes[:count]
    if e.failure is not None or count < NEEDED or _errors(e.reference.outputs, codes)[0] < WRONG:
        return None  # where even a plain method is right when it is sure, there is no need of a judge
    said = judged(e.sample.x[:count], codes)
    top, middle, overall = _errors(said, codes)
    doubt = float(np.sort(1.0 - said.max(axis=1))[: count // 4].mean())
    most = 1.0 - float(np.bincount(codes).max()) / count
    if (
        top < max(WRONG, FLAT * middle)
        or overall > UNSURE * most
        or skill(np.eye(said.shape[1])[codes], said) < LEARNABLE
    ):
        return None
    return Finding(
        "the labels",
        {"wrong_where_surest": top, "wrong_in_the_middle": middle, "wrong": overall, "doubt_where_surest": doubt,
         "rows": count},
        f"less than {WRONG:.0%} of other labels where the classes are farthest apart",
        "near a border labels differ because the classes overlap; far from it they should not. That so many differ "
        "there says that labels were mixed up, or that something decides which no column tells",
        Remedy("check the labels of the rows that the model is surest about and gets wrong; a stronger penalty and early "
               "stopping keep the network from learning them by heart", {"l2": 0.01, "validation": 0.2, "patience": 20}),
        is_ill=top >= MIXED and doubt >= DOUBT,
        said=f"{top:.0%} of the labels differ from what a small network says of the quarter of rows that it is surest of, "
        f"{middle:.0%} in the middle (it had not seen the rows that it was asked about)",
    )  # fmt: skip


def _errors(said: Array, codes: Ints) -> tuple[float, float, float]:
    """The share of rows whose label is not the one said: among the surest quarter, the middling half, and all."""
    if said.shape[1] == 1:
        chosen, margin = (said[:, 0] >= 0.5).astype(np.int64), np.abs(said[:, 0] - 0.5)
    else:
        ordered = np.sort(said, axis=1)
        chosen, margin = said.argmax(axis=1), ordered[:, -1] - ordered[:, -2]
    wrong = chosen != codes
    order = np.argsort(-margin, kind="stable")
    quarter = len(order) // 4
    return float(wrong[order[:quarter]].mean()), float(wrong[order[quarter : 3 * quarter]].mean()), float(wrong.mean())
