"""Several networks of other first weights, whose mean answers: steadier than one, and often better."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import archive
from chainrule.constraints import real, whole
from chainrule.data.table import Table, listing
from chainrule.errors import ModelFileError
from chainrule.fit import model_from, read_examples
from chainrule.model import Model, load, truth_and_prediction
from chainrule.prepare import prepare
from chainrule.scoring import Score, score
from chainrule.shapes import Array
from chainrule.tuning.trial import request_of

ONE = "one network"


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Networks trained on the same rows from other first weights and in other row orders; their mean answers.

    `scores`: the task's metrics on rows that none of them was trained on; among the simple methods beside them stands
    "one network", the mean of what the members reach alone.
    """

    members: tuple[Model, ...]
    scores: tuple[Score, ...]

    def predict(self, data: Any) -> NDArray[Any]:
        """As `Model.predict`, of the mean output."""
        return self.members[0].answers(self.outputs(self.members[0].table(data)[0]))

    def predict_proba(self, data: Any) -> NDArray[np.float64]:
        """The mean probability of every class, shape (rows, classes)."""
        return self.members[0].probabilities(self.outputs(self.members[0].table(data)[0]))

    def outputs(self, table: Table) -> Array:
        """The mean of what the networks give, shape (rows, outputs)."""
        mean: Array = np.mean([member.outputs(table) for member in self.members], axis=0)
        return mean

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write one model file per member into a folder of its own; each is a model that `load` reads, too.

        Raises CR507 where the folder holds something else.
        """
        place = Path(folder)
        archive.make_folder(place)
        other = sorted({path.name for path in place.iterdir()} - {_name(i) for i in range(len(self.members))})
        if other:
            raise ModelFileError(
                "CR507", "this folder holds other files", where=str(place), got=other[0], hint="name an empty folder"
            )
        scores = [{"metric": one.metric, "better": one.greater_is_better, **one.to_dict()} for one in self.scores]
        for number, member in enumerate(self.members):
            note = {"member": number, "of": len(self.members), "scores": scores}
            replace(member, card={**member.card, "ensemble": note}).save(place / _name(number))
        return place


def load_ensemble(folder: str | os.PathLike[str]) -> Ensemble:
    """Read what `Ensemble.save` wrote. Raises `ModelFileError` where a member is missing, or where there is none."""
    if Path(folder).is_dir() and not (Path(folder) / _name(0)).exists():
        models = sorted(path.name for path in Path(folder).glob("*.model"))
        raise ModelFileError(
            "CR301", "this folder holds no ensemble", where=os.fspath(folder),
            expected=f"{_name(0)}, {_name(1)}, … as `Ensemble.save` and `chainrule ensemble` write them",
            got=listing(models) if models else "no model file",
            hint=f"of one network, name its file: {Path(folder) / models[0]}" if models else None,
        )  # fmt: skip
    members = [load(Path(folder) / _name(0))]
    note = members[0].card.get("ensemble")
    if not isinstance(note, Mapping):
        raise ModelFileError("CR503", "this model is no member of an ensemble", where=str(Path(folder) / _name(0)))
    members += [load(Path(folder) / _name(number)) for number in range(1, note["of"])]
    scores = tuple(
        Score(one["metric"], one["value"], one["low"], one["high"], dict(one["baselines"]), one["better"])
        for one in note["scores"]
    )
    return Ensemble(tuple(members), scores)


def fit_ensemble(
    data: Any,
    target: str | Sequence[str] | None = None,
    *,
    members: int = 5,
    test: float = 0.2,
    seed: int = 0,
    sample_weight: Any = None,
    reading: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Ensemble:
    """Train `members` networks with the seeds `seed`, `seed` + 1, … on the same rows, and score their mean.

    test: the share of rows kept away from all of them. settings: those of `fit`.

    Source: Lakshminarayanan, Pritzel, Blundell, Deep ensembles (2017), without their adversarial examples.

    >>> data = {"x": [i / 20 for i in range(40)], "y": [3 * i / 20 + i % 2 / 9 for i in range(40)]}
    >>> ensemble = fit_ensemble(data, "y", members=2, network=(4,), epochs=30, learning_rate=0.05)
    >>> ensemble.predict({"x": [0.5, 1.0]}).shape, sorted(ensemble.scores[0].baselines)
    ((2,), ['a linear model', 'always the mean', 'one network'])
    """
    whole("members", members, low=2)
    real("test", test, above=0.0, below=1.0)
    asked = {**settings, "seed": seed, "test": test}
    request_of((), asked, "fit_ensemble")
    table, targets = read_examples(data, target, reading)
    prepared = prepare(request_of(targets, asked, "fit_ensemble"), table, sample_weight)
    models = tuple(
        model_from(replace(prepared, request=replace(prepared.request, seed=seed + number)), reading)
        for number in range(members)
    )
    part, first = table.take(prepared.parts.test), models[0]
    mean = np.mean([model.outputs(part) for model in models], axis=0)
    truth, predicted = truth_and_prediction(first.encoder, first.network, part, mean)
    scores = score(first.task, truth, predicted, {}, seed)
    return Ensemble(models, tuple(replace(one, baselines=_beside(one.metric, models)) for one in scores))


def _beside(metric: str, models: Sequence[Model]) -> dict[str, float]:
    """What stands beside the ensemble's score: the mean of the members alone, and the simple methods."""
    alone = [model.card["score"]["metrics"][metric] for model in models]
    return {ONE: float(np.mean([found["value"] for found in alone])), **alone[0]["baselines"]}


def _name(number: int) -> str:
    return f"{number}.model"
