"""The target: its scale, its classes, its labels and its outliers."""

from __future__ import annotations

import numpy as np

from chainrule.diagnostics.evidence import Evidence
from chainrule.diagnostics.finding import Diagnostic, Finding, Remedy, diagnostics
from chainrule.shapes import Array, Ints

LARGE, SMALL = 10.0, 0.02  # root mean square of a target of numbers as the network learns it
RARE = 0.12  # the share of a class below which it is called rare (of two classes; 0.24 / classes of more)
MISSED = 0.5  # recall of a rare class
NEEDED = 150  # rows for shares known to about ±4 % in a quarter of them
WRONG = 0.07  # share of other labels where two simple methods are surest: clean classes have less than 0.04 there
MIXED = 0.1  # from here on an illness; below, real tables whose columns do not tell all (who survives) look the same
UNSURE = 0.36  # share of errors beyond which a weak signal cannot be told from mixed-up labels
LEARNABLE = 0.08  # skill of the reference: below, there is no border to be far from
FLAT = 0.5  # of the errors of the middling rows that remain among the surest: 0.3 or less where classes only overlap
FAR = 8.0  # spreads of the middle half (interquartile range / 1.349): a normal distribution has none beyond 5
SHARE = 0.5  # of the whole loss, held by one row in fifty
SQUARED = ("mse", "half_squared_error", "squared_error")

Floats = Array


def _unscaled(e: Evidence) -> tuple[Finding, ...]:
    if e.task != "regression" or getattr(e.network.loss, "name", "") not in (*SQUARED, "mae", "huber", "log_cosh"):
        return ()
    rms = float(np.sqrt(np.mean(np.square(e.y))))
    spread = float(e.y.std())
    if SMALL <= rms <= LARGE or spread == 0:
        return ()
    is_ill = e.failure is not None or e.shortfall > 0.03
    return (
        Finding(
            "unscaled_target", "illness" if is_ill else "note", "the target",
            {"rms": rms, "mean": float(e.y.mean()), "spread": spread, "off": float(abs(np.log10(rms)))},
            "a target around 0 with a spread of about 1",
            "the gradient of every weight is proportional to the error, which begins as large as the target: steps that suit "
            "the weights are too small to reach it, and those that reach it are too large for the weights",
            Remedy("standardise the target, as `fit` and preset=\"default\" do", {"preset": "default"}),
            said=f"the target is {e.y.mean():.3g} ± {spread:.2g} as the network learns it",
            explain=f"delta({e.layers[-1].net}[0])" if e.layers else None,
        ),
    )  # fmt: skip


def codes_of(e: Evidence) -> Ints | None:
    """The class of every row of the sample; None for numbers and for several labels a row."""
    if e.task == "regression":
        return None
    if e.y.shape[1] == 1:
        return (e.y[:, 0] >= 0.5).astype(np.int64)
    if not np.allclose(e.y.sum(axis=1), 1.0):
        return None
    codes: Ints = e.y.argmax(axis=1).astype(np.int64)
    return codes


def _imbalance(e: Evidence) -> tuple[Finding, ...]:
    codes = codes_of(e)
    if codes is None or e.failure is not None:
        return ()
    count = max(2, e.y.shape[1])
    shares = np.bincount(codes, minlength=count) / len(codes)
    rare = int(np.argmin(np.where(shares > 0, shares, np.inf)))
    if shares[rare] > RARE * 2.0 / count or shares[rare] * len(codes) < 5:
        return ()
    said = e.probable(e.trace.prediction)
    chosen = (said[:, 0] >= 0.5).astype(np.int64) if said.shape[1] == 1 else said.argmax(axis=1)
    recall = float((chosen[codes == rare] == rare).mean())
    label = str(e.classes[rare]) if len(e.classes) > rare else str(rare)
    is_weighted = e.training is not None and e.training.is_weighted
    is_ill = recall < MISSED and not is_weighted
    return (
        Finding(
            "class_imbalance", "illness" if is_ill else "note", f"class {label}",
            {"share": float(shares[rare]), "recall": recall, "weighted": is_weighted},
            f"a recall above {MISSED:g} for the rare class, or weights that make up for its rarity",
            "every row counts the same in the loss, so that the few rows of this class hardly move the weights: saying "
            "\"the other one\" is right most of the time" if is_ill else "the class is rare, and is found all the same",
            Remedy("weigh the classes by their rarity", {"class_weight": "balanced"}),
            said=f"{shares[rare]:.1%} of the rows are {label}; {recall:.0%} of them are found",
            explain="loss",
        ),
    )  # fmt: skip


def _noise(e: Evidence) -> tuple[Finding, ...]:
    codes = codes_of(e)
    if codes is None or e.reference is None or e.failure is not None or len(e.reference.outputs) < NEEDED:
        return ()
    said = e.reference.outputs
    codes, x = codes[: len(said)], e.sample.x[: len(said)]
    both = [_errors(said, codes), _errors(_neighbours(x, codes), codes)]
    top, middle, overall = (float(np.mean([one[k] for one in both])) for k in range(3))
    if min(one[0] for one in both) < WRONG or overall > UNSURE or top < FLAT * middle or e.reference.skill < LEARNABLE:
        return ()
    return (
        Finding(
            "label_noise", "illness" if top >= MIXED else "note", "the labels",
            {"wrong_where_surest": top, "wrong_in_the_middle": middle, "wrong": overall, "rows": len(said)},
            f"less than {WRONG:.0%} of other labels where the classes are farthest apart",
            "near a border labels differ because the classes overlap; far from it they should not. That nearly as many differ "
            "there says that labels were mixed up, or that something decides which no column tells",
            Remedy("check the labels of the rows that the model is surest about and gets wrong; a stronger penalty and early "
                   "stopping keep the network from learning them by heart", {"l2": 0.03, "validation": 0.2, "patience": 10}),
            said=f"{top:.0%} of the labels differ from what simple methods say of the quarter of rows that they are surest of, "
            f"{middle:.0%} in the middle",
        ),
    )  # fmt: skip


def _errors(said: Floats, codes: Ints) -> tuple[float, float, float]:
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


def _neighbours(x: Floats, codes: Ints, count: int = 15) -> Floats:
    """The shares of the classes among the nearest rows, the row itself left out; shape (rows, classes)."""
    z = (x - x.mean(axis=0)) / np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    squares = (z**2).sum(axis=1)
    apart = squares[:, None] + squares[None, :] - 2.0 * z @ z.T
    np.fill_diagonal(apart, np.inf)
    nearest = np.argpartition(apart, count, axis=1)[:, :count]
    labels = codes[nearest]
    return np.stack([(labels == code).mean(axis=1) for code in range(int(codes.max()) + 1)], axis=1)


def _outliers(e: Evidence) -> tuple[Finding, ...]:
    if e.task != "regression" or getattr(e.network.loss, "name", "") not in SQUARED:
        return ()
    center = np.median(e.y, axis=0)
    low, high = np.quantile(e.y, [0.25, 0.75], axis=0)
    spread = (high - low) / 1.349
    if (spread <= 0).any() or len(e.y) < 50:
        return ()
    far = (np.abs(e.y - center) / spread).max(axis=1)
    count = int((far > FAR).sum())
    errors = ((e.y - center) ** 2).sum(axis=1)
    top = np.sort(errors)[::-1][: max(1, len(errors) // 50)].sum() / max(float(errors.sum()), 1e-300)
    if not count or count > 0.1 * len(far) or (top < SHARE and count < 3):
        return ()
    row = int(far.argmax())
    return (
        Finding(
            "outliers", "illness" if top >= SHARE else "note", "the target",
            {"rows": count, "farthest": float(far.max()), "share_of_squares": float(top), "row": row},
            f"no target farther than {FAR:g} spreads from the middle under a squared loss",
            f"a squared loss counts an error ten times as large a hundred times: the farthest fiftieth of the rows holds "
            f"{top:.0%} of all squares, and the network bends towards them",
            Remedy("check these rows, or use the huber loss, which counts large errors once", {"loss": "huber"}),
            said=f"{count} of {len(far)} targets lie more than {FAR:g} spreads from the middle, the farthest {far.max():.0f}",
            explain="loss",
        ),
    )  # fmt: skip


@diagnostics.family
def unscaled_target() -> Diagnostic:
    return Diagnostic(
        "unscaled_target", "data", "Is the target of a size that the first weights suit?", _unscaled,
        causes=("exploding_gradients", "learning_rate_too_large", "learning_rate_too_small", "diverged", "plateau",
                "underfitting", "stopped_too_early", "update_ratio", "dead_units", "overfitting", "saturated_units",
                "vanishing_gradients"),
    )  # fmt: skip


@diagnostics.family
def class_imbalance() -> Diagnostic:
    return Diagnostic(
        "class_imbalance", "data", "Is a rare class overlooked?", _imbalance, causes=("plateau", "underfitting")
    )


@diagnostics.family
def label_noise() -> Diagnostic:
    return Diagnostic(
        "label_noise", "data", "Do labels differ where the classes are far apart?", _noise, ("own",),
        causes=("overfitting", "linear_as_good"),
    )  # fmt: skip


@diagnostics.family
def outliers() -> Diagnostic:
    return Diagnostic(
        "outliers", "data", "Do a few extreme targets rule a squared loss?", _outliers,
        causes=("overfitting", "underfitting", "linear_as_good", "learning_rate_too_large", "exploding_gradients"),
    )  # fmt: skip
