"""The target: a rare class that is overlooked, and outliers that rule the loss."""

from __future__ import annotations

import numpy as np

from chainrule.calculus.loss import Loss
from chainrule.diagnostics.evidence import Evidence
from chainrule.diagnostics.finding import Finding, Remedy, diagnostic

RARE = 0.12  # the share of a class below which it is called rare (of two classes; 0.24 / classes of more)
MISSED = 0.5  # recall of a rare class
FAR = 8.0  # spreads of the middle half (interquartile range / 1.349): a normal distribution has none beyond 5
SHARE = 0.5  # of the whole loss, held by one row in fifty


@diagnostic("data", causes=("plateau", "underfitting"))
def class_imbalance(e: Evidence) -> Finding | None:
    """Is a rare class overlooked?"""
    codes = e.codes
    if codes is None or e.failure is not None:
        return None
    count = max(2, e.y.shape[1])
    shares = np.bincount(codes, minlength=count) / len(codes)
    rare = int(np.argmin(np.where(shares > 0, shares, np.inf)))
    if shares[rare] > RARE * 2.0 / count or shares[rare] * len(codes) < 5:
        return None
    said = e.probable(e.trace.prediction)
    chosen = (said[:, 0] >= 0.5).astype(np.int64) if said.shape[1] == 1 else said.argmax(axis=1)
    recall = float((chosen[codes == rare] == rare).mean())
    label = str(e.classes[rare]) if len(e.classes) > rare else str(rare)
    is_weighted = e.training is not None and e.training.is_weighted
    is_ill = recall < MISSED and not is_weighted
    return Finding(
        f"class {label}",
        {"share": float(shares[rare]), "recall": recall, "weighted": is_weighted},
        f"a recall above {MISSED:g} for the rare class, or weights that make up for its rarity",
        "every row counts the same in the loss, so that the few rows of this class hardly move the weights: saying "
        "\"the other one\" is right most of the time" if is_ill else "the class is rare, and is found all the same",
        Remedy("weigh the classes by their rarity", {"class_weight": "balanced"}),
        is_ill=is_ill,
        said=f"{shares[rare]:.1%} of the rows are {label}; {recall:.0%} of them are found",
        explain="loss",
    )  # fmt: skip


@diagnostic(
    "data", causes=("overfitting", "underfitting", "linear_as_good", "learning_rate_too_large", "exploding_gradients")
)
def outliers(e: Evidence) -> Finding | None:
    """Do a few extreme targets rule a squared loss?"""
    if e.task != "regression" or not isinstance(e.network.loss, Loss) or e.network.loss.growth != 2:
        return None
    center = np.median(e.y, axis=0)
    low, high = np.quantile(e.y, [0.25, 0.75], axis=0)
    spread = (high - low) / 1.349
    if (spread <= 0).any() or len(e.y) < 50:
        return None
    far = (np.abs(e.y - center) / spread).max(axis=1)
    count = int((far > FAR).sum())
    errors = ((e.y - center) ** 2).sum(axis=1)
    top = np.sort(errors)[::-1][: max(1, len(errors) // 50)].sum() / max(float(errors.sum()), 1e-300)
    if not count or count > 0.1 * len(far) or (top < SHARE and count < 3):
        return None
    row = int(far.argmax())
    return Finding(
        "the target",
        {"rows": count, "farthest": float(far.max()), "share_of_squares": float(top), "row": row},
        f"no target farther than {FAR:g} spreads from the middle under a squared loss",
        f"a squared loss counts an error ten times as large a hundred times: the farthest fiftieth of the rows holds "
        f"{top:.0%} of all squares, and the network bends towards them",
        Remedy("check these rows, or use the huber loss, which counts large errors once", {"loss": "huber"}),
        is_ill=bool(top >= SHARE),
        said=f"{count} of {len(far)} targets lie more than {FAR:g} spreads from the middle, the farthest {far.max():.0f}",
        explain="loss",
    )  # fmt: skip
