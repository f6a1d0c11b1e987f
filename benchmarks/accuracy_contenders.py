"""Who takes part in `accuracy.py`: one record each, all with the defaults of their library.

The same help for everyone: who cannot read a table with holes and categories gets medians with an indicator, and one-hot
codes (unknown ones all zero); who needs standardised inputs gets them. Targets are given as they are.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from accuracy_tables import Drawn

Predict = Callable[[pd.DataFrame], np.ndarray]
"""Test inputs to targets (rows,) or (rows, outputs), or to the probabilities (rows, classes) of the classes 0, 1, …"""


def threads() -> int:
    """How many each contender may use; `accuracy.py --threads` sets it, for libraries that read the variable as well."""
    return int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)


@dataclass(frozen=True)
class Contender:
    """`train(training rows, seed)` gives what predicts; `package` is whose version stands in the report."""

    package: str
    train: Callable[[Drawn, int], Predict]
    present: Callable[[], bool] = lambda: True

    def version(self) -> str | None:
        """None where it is not installed."""
        if self.package == "chainrule":
            return _own_version() if find_spec("chainrule") and self.present() else None
        try:
            return version(self.package)
        except PackageNotFoundError:
            return None


def _own_version() -> str:
    """The version and a fingerprint of the sources, which change while the version does not."""
    import chainrule

    home = Path(chainrule.__file__).parent
    digest = hashlib.sha256()
    for path in sorted([*home.rglob("*.py"), *home.rglob("*.so")]):
        digest.update(path.read_bytes())
    return f"{chainrule.__version__}+{digest.hexdigest()[:8]}"


def _presets() -> bool:
    from chainrule import fit

    return "preset" in inspect.signature(fit).parameters


def chainrule(preset: str, drawn: Drawn, seed: int, **settings: Any) -> Predict:
    from chainrule import fit

    table = drawn.x.reset_index(drop=True)
    if drawn.y.ndim == 1:
        targets = ["target"]
        table["target"] = [f"class {k}" for k in drawn.y] if drawn.task == "classification" else drawn.y
    else:
        targets = [f"target{k}" for k in range(drawn.y.shape[1])]
        table[targets] = drawn.y
    if _presets():
        settings = {"preset": preset, **settings}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = fit(table, targets, test=0, seed=seed, n_jobs=threads(), **settings)

    def predict(x: pd.DataFrame) -> np.ndarray:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a category or a hole that training had not seen
            told = np.asarray(model.predict(x) if drawn.task == "regression" else model.predict_proba(x), float)
        if drawn.task == "regression":
            return told
        proba = np.zeros((len(x), int(drawn.y.max()) + 1))
        for column, name in enumerate(model.classes):
            proba[:, int(str(name).removeprefix("class "))] = told[:, column]
        return proba

    return predict


def _prepared(estimator: Any, drawn: Drawn, *, scaled: bool = True) -> Any:
    """The estimator behind imputation, one-hot codes and standardised numbers."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers, categories = _kinds(drawn.x)
    many = sum(drawn.x[name].nunique() for name in categories) > 400  # ten thousand columns of zeros are kept as a list
    steps = [SimpleImputer(strategy="median", add_indicator=True), *([StandardScaler()] if scaled else [])]
    return make_pipeline(
        make_column_transformer(
            (make_pipeline(*steps), numbers),
            (OneHotEncoder(handle_unknown="ignore"), categories),
            sparse_threshold=0.3 if many else 0,
        ),
        estimator,
    )


def _kinds(x: pd.DataFrame) -> tuple[list[str], list[str]]:
    categories = list(x.select_dtypes("category").columns)
    return [name for name in x.columns if name not in categories], categories


def _fitted(estimator: Any, drawn: Drawn, x: pd.DataFrame | None = None) -> Predict:
    """One estimator, or one for each target where it takes only one (`MultiOutputRegressor`)."""
    return _teller(estimator.fit(drawn.x if x is None else x, drawn.y), drawn)


def _teller(trained: Any, drawn: Drawn) -> Predict:
    def predict(x: pd.DataFrame) -> np.ndarray:
        if drawn.task == "regression":
            return np.asarray(trained.predict(x), float)
        told = np.asarray(trained.predict_proba(x), float)
        proba = np.zeros((len(x), int(drawn.y.max()) + 1))
        proba[:, np.asarray(trained.classes_, int)] = told
        return proba

    return predict


def _constant(drawn: Drawn, seed: int) -> Predict:
    from sklearn.dummy import DummyClassifier, DummyRegressor

    return _fitted(DummyRegressor() if drawn.task == "regression" else DummyClassifier(), drawn)


def _linear(drawn: Drawn, seed: int) -> Predict:
    from sklearn.linear_model import LogisticRegression, Ridge

    model = Ridge() if drawn.task == "regression" else LogisticRegression(max_iter=1000)
    return _fitted(_prepared(model, drawn), drawn)


def _sklearn_mlp(drawn: Drawn, seed: int) -> Predict:
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    kind = MLPRegressor if drawn.task == "regression" else MLPClassifier
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 200 epochs are not always enough; that is its default
        return _fitted(_prepared(kind(random_state=seed), drawn), drawn)


def _each_target(estimator: Any, drawn: Drawn) -> Any:
    from sklearn.multioutput import MultiOutputRegressor

    return MultiOutputRegressor(estimator) if drawn.y.ndim == 2 else estimator


def _common_levels(x: pd.DataFrame, reference: pd.DataFrame, limit: int) -> pd.DataFrame:
    """Levels of the training rows only, the `limit` most frequent ones; others are missing, which trees can read."""
    x = x.copy()
    for name in _kinds(x)[1]:
        kept = reference[name].value_counts()
        x[name] = x[name].cat.set_categories(list(kept[kept > 0].index[:limit]))
    return x


def _histogram_trees(drawn: Drawn, seed: int) -> Predict:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingRegressor if drawn.task == "regression" else HistGradientBoostingClassifier
    model = _each_target(kind(categorical_features="from_dtype", random_state=seed), drawn)
    told = _fitted(model, drawn, _common_levels(drawn.x, drawn.x, 254))
    return lambda x: told(_common_levels(x, drawn.x, 254))


def _lightgbm(drawn: Drawn, seed: int) -> Predict:
    from lightgbm import LGBMClassifier, LGBMRegressor

    kind = LGBMRegressor if drawn.task == "regression" else LGBMClassifier
    every = len(drawn.x)
    model = _each_target(kind(random_state=seed, verbosity=-1, n_jobs=threads()), drawn)
    told = _fitted(model, drawn, _common_levels(drawn.x, drawn.x, every))
    return lambda x: told(_common_levels(x, drawn.x, every))


def _texts(x: pd.DataFrame) -> pd.DataFrame:
    x = x.copy()
    for name in _kinds(x)[1]:
        x[name] = x[name].astype(object).fillna("missing").astype(str)
    return x


def _catboost(drawn: Drawn, seed: int) -> Predict:
    from catboost import CatBoostClassifier, CatBoostRegressor

    kind = CatBoostRegressor if drawn.task == "regression" else CatBoostClassifier
    wide = {"loss_function": "MultiRMSE"} if drawn.y.ndim == 2 else {}
    model = kind(
        random_seed=seed, verbose=False, allow_writing_files=False, thread_count=threads(),
        cat_features=_kinds(drawn.x)[1], **wide,
    )  # fmt: skip
    told = _fitted(model, drawn, _texts(drawn.x))
    return lambda x: told(_texts(x))


def _whole(drawn: Drawn) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Holes filled (median and indicator), a missing category as a level: what pytabkit's networks can read."""
    numbers, categories = _kinds(drawn.x)
    medians = drawn.x[numbers].median()
    holes = [name for name in numbers if drawn.x[name].isna().any()]

    def fill(x: pd.DataFrame) -> pd.DataFrame:
        filled = x[numbers].fillna(medians)
        for name in holes:
            filled[f"{name} is missing"] = x[name].isna().astype(float)
        for name in categories:
            filled[name] = pd.Categorical(x[name].astype(object).fillna("missing").astype(str))
        return filled.reset_index(drop=True)

    return fill


def _pytabkit(stem: str, drawn: Drawn, seed: int) -> Predict:
    from pytabkit.models.sklearn import sklearn_interfaces

    ending = "Regressor" if drawn.task == "regression" else "Classifier"
    fill = _whole(drawn)
    kind = getattr(sklearn_interfaces, f"{stem}_{ending}")
    model = kind(device="cpu", random_state=seed, verbosity=0, n_threads=threads())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        told = _fitted(_each_target(model, drawn), drawn, fill(drawn.x))
    return lambda x: told(fill(x))


CONTENDERS = {
    "constant": Contender("scikit-learn", _constant),
    "linear": Contender("scikit-learn", _linear),
    "sklearn-mlp": Contender("scikit-learn", _sklearn_mlp),
    "hist-gradient-boosting": Contender("scikit-learn", _histogram_trees),
    "lightgbm": Contender("lightgbm", _lightgbm),
    "catboost": Contender("catboost", _catboost),
    "realmlp-td-s": Contender("pytabkit", partial(_pytabkit, "RealMLP_TD_S")),
    "realmlp-td": Contender("pytabkit", partial(_pytabkit, "RealMLP_TD")),
    "tabm": Contender("pytabkit", partial(_pytabkit, "TabM_D")),
    "chainrule-fast": Contender("chainrule", partial(chainrule, "fast"), _presets),
    "chainrule-default": Contender("chainrule", partial(chainrule, "default")),
    "chainrule-best": Contender("chainrule", partial(chainrule, "best"), _presets),
}
"""chainrule-default is plain `fit` where this version has no presets yet."""

REFERENCE = ("linear", "hist-gradient-boosting")
"""A normalised score of 1 is the smaller mean error of these two, of 0 the constant's; all three always take part."""
