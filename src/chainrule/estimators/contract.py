"""What scikit-learn asks of every estimator, kept without importing it: parameters, repr, tags, routing, exceptions.

scikit-learn is looked for only when it asks (tags, routing) or when its own exception classes are to be met by
`except` and `warnings`: a user who names them has imported it.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping
from types import MethodType
from typing import Any, TypeVar

from chainrule.errors import ChainruleWarning, NotFittedError, unknown_name

Self = TypeVar("Self", bound="Estimator")

_REQUESTED = {"fit": ("sample_weight",), "partial_fit": ("sample_weight", "classes"), "score": ("sample_weight",)}
"""What a method may be handed besides X and y; a regressor's has no classes."""

UNCHANGED = "$UNCHANGED$"  # scikit-learn's own mark for what a request does not speak of


class ConvergenceWarning(ChainruleWarning):
    """Training ended before it converged. Also scikit-learn's own warning where scikit-learn is loaded."""


class DataConversionWarning(ChainruleWarning):
    """Data were brought to another shape. Also scikit-learn's own warning where scikit-learn is loaded."""


def both(ours: type[Any]) -> type[Any]:
    """Our exception class, joined with scikit-learn's of the same name when scikit-learn is loaded."""
    exceptions = sys.modules.get("sklearn.exceptions")
    theirs = getattr(exceptions, ours.__name__, None)
    if theirs is None:
        return ours
    if ours not in _joined:

        def reduce(self: Any) -> tuple[Any, ...]:  # a class made here has no name that pickle could look up
            return _again, (ours, self.to_dict() if hasattr(self, "to_dict") else self.args)

        facts = {"__doc__": ours.__doc__, "__module__": ours.__module__, "__reduce__": reduce}
        _joined[ours] = type(ours.__name__, (ours, theirs), facts)
    return _joined[ours]


def _again(ours: type[Any], parts: Any) -> Any:
    return both(ours)(**parts) if isinstance(parts, dict) else both(ours)(*parts)


_joined: dict[type[Any], type[Any]] = {}


class Estimator:
    """Parameters are the arguments of `__init__`, attributes that end in `_` are what `fit` found."""

    _estimator_type: str

    @classmethod
    def _parameters(cls) -> dict[str, inspect.Parameter]:
        found = dict(inspect.signature(cls.__init__).parameters)
        found.pop("self")
        return found

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name. `deep` is accepted for scikit-learn's sake: no parameter is an estimator."""
        return {name: getattr(self, name) for name in self._parameters()}

    def set_params(self: Self, **params: Any) -> Self:
        """Change parameters by name; they are checked by the next `fit`."""
        known = self._parameters()
        for name in params:
            if name not in known:
                raise unknown_name(f"parameter of {type(self).__name__}", name, known)
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        changed = (
            f"{name}={_shown(getattr(self, name))}"
            for name, parameter in self._parameters().items()
            if not _same(getattr(self, name), parameter.default)
        )
        return f"{type(self).__name__}({', '.join(changed)})"

    def _repr_html_(self) -> str:
        if sys.modules.get("sklearn") is None:
            from html import escape

            return f"<pre>{escape(repr(self))}</pre>"
        from sklearn.utils import estimator_html_repr

        return str(estimator_html_repr(self))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_features_in_")

    def _check_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            raise both(NotFittedError)(
                "CR602", f"This {type(self).__name__} instance is not fitted yet", hint="call fit(X, y) first"
            )

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, RegressorTags, Tags, TargetTags

        classifier = self._estimator_type == "classifier"
        return Tags(
            estimator_type=self._estimator_type,
            target_tags=TargetTags(required=True, multi_output=not classifier),
            transformer_tags=None,
            classifier_tags=ClassifierTags(multi_label=True) if classifier else None,
            regressor_tags=None if classifier else RegressorTags(),
            input_tags=InputTags(sparse=True),
        )

    def _more_tags(self) -> dict[str, Any]:
        """The tags in the form of scikit-learn before 1.6."""
        classifier = self._estimator_type == "classifier"
        return {"requires_y": True, "multilabel": classifier, "multioutput": not classifier}

    def get_metadata_routing(self) -> Any:
        """Which metadata the methods ask for (scikit-learn's metadata routing)."""
        from copy import deepcopy

        from sklearn.utils.metadata_routing import MetadataRequest

        if hasattr(self, "_metadata_request"):
            return deepcopy(self._metadata_request)
        requests = MetadataRequest(owner=type(self).__name__)
        for method, names in _REQUESTED.items():
            for name in names:
                if name in inspect.signature(getattr(type(self), method)).parameters:
                    getattr(requests, method).add_request(param=name, alias=None)
        return requests

    def set_fit_request(self: Self, *, sample_weight: bool | str | None = UNCHANGED) -> Self:
        """Ask a meta-estimator to pass `sample_weight` to `fit`: True, False, or the name it has there."""
        return self._request("fit", sample_weight=sample_weight)

    def set_score_request(self: Self, *, sample_weight: bool | str | None = UNCHANGED) -> Self:
        """The same for `score`."""
        return self._request("score", sample_weight=sample_weight)

    def _request(self: Self, method: str, **aliases: bool | str | None) -> Self:
        requests = self.get_metadata_routing()
        for name, alias in aliases.items():
            if alias != UNCHANGED:
                getattr(requests, method).add_request(param=name, alias=alias)
        self._metadata_request = requests
        return self


class StochasticOnly:
    """A method that only exists for a solver that takes steps: `hasattr(estimator, "partial_fit")` tells."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self.method = method
        functools.update_wrapper(self, method)  # type: ignore[arg-type]

    def __get__(self, estimator: Any, owner: type[Any] | None = None) -> Any:
        if estimator is None:
            return self.method
        if estimator.solver == "lbfgs":
            raise AttributeError("partial_fit is only available for the solvers 'sgd' and 'adam', not for 'lbfgs'")
        return MethodType(self.method, estimator)


def keep(estimator: Estimator, arguments: Mapping[str, Any]) -> None:
    """Store the arguments of `__init__` untouched, as `clone` requires."""
    for name, value in arguments.items():
        if name != "self":
            setattr(estimator, name, value)


def _shown(value: Any) -> str:
    """A record of a catalog by its name and constants, everything else as it shows itself."""
    if hasattr(value, "name") and hasattr(value, "constants"):
        rest = "".join(f", {name}={constant!r}" for name, constant in value.constants.items())
        return f"{type(value).__name__}({value.name!r}{rest})"
    return repr(value)


def _same(value: Any, default: Any) -> bool:
    if value is default:
        return True
    return type(value) is type(default) and isinstance(value, (bool, int, float, str, tuple)) and value == default
