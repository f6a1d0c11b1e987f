"""Arrays for the estimators: what is accepted is exact, what is refused is named by its code and place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from chainrule.data.arrays import check_inputs, check_same_index, check_sample_weight
from chainrule.errors import DataError

X = np.arange(12.0).reshape(4, 3)


def put(value: Any, row: int = 2, column: int = 1) -> np.ndarray[Any, Any]:
    changed = X.copy()
    changed[row, column] = value
    return changed


masked = np.ma.array(X, mask=X == 7.0)
missing_frame = pd.DataFrame({"a": pd.array([1, None], "Int64"), "b": [1.0, 2.0]})

# number in the collection of bad inputs, inputs, code, words
BAD_INPUTS: list[tuple[int, Any, str, list[str]]] = [
    (1, put(np.nan), "CR101", ["1 missing value in X", "x1 (1)", "row 2"]),
    (2, put(np.inf), "CR102", ["1 x +inf", "0 x -inf", "largest finite value 10", "row 2"]),
    (3, put(-np.inf), "CR102", ["1 x -inf"]),
    (7, X[:1], "CR105", ["at least 2", "got 1"]),
    (8, np.empty((4, 0)), "CR105", ["no columns"]),
    (9, np.empty((0, 3)), "CR105", ["at least 2", "got 0"]),
    (10, np.ones((2, 3, 4)), "CR103", ["3 dimensions", "reshape(len(X), -1)"]),
    (12, np.ones(4), "CR103", ["reshape(-1, 1)", "reshape(1, -1)"]),
    (16, put(1e200), "CR107", ["'x1'", "row 2", "1e+200", "float32", "float64"]),
    (20, np.array([["1", "2"], ["3", "4"]]), "CR106", ["astype(float)"]),
    (21, np.array([[b"1"], [b"2"]]), "CR106", ["astype(float)"]),
    (22, np.array([["a", 1.0], [2.0, 3.0]], dtype=object), "CR106", ["row 0 column 0", "'a'"]),
    (25, np.array([[2**53 + 1, 1], [2, 3]]), "CR107", ["identifiers"]),
    (28, np.ones((4, 2), complex), "CR106", ["complex", "X.real"]),
    (29, np.full((4, 2), "2024-01-01", "datetime64[D]"), "CR106", ["dates"]),
    (30, np.ones((4, 2), "timedelta64[s]"), "CR106", ["durations"]),
    (31, missing_frame, "CR101", ["a (1)", "row 1"]),
    (33, masked, "CR101", ["x1 (1)", "row 2"]),
    (34, [[1, 2, 3, 4]] * 63 + [[1, 2]], "CR109", ["row 63", "2 values", "rows 0-62 have 4"]),
    (35, scipy.sparse.random(1000, 1000, density=0.01), "CR110", ["7.6 MiB", "X.toarray()"]),
    (36, [[1, None], [2, 3]], "CR101", ["x1 (1)"]),
]


@pytest.mark.parametrize(("number", "inputs", "code", "words"), BAD_INPUTS, ids=[f"A{row[0]}" for row in BAD_INPUTS])
def test_bad_inputs_are_refused_with_code_and_place(number: int, inputs: Any, code: str, words: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        check_inputs(inputs, dtype=np.float32, min_rows=2)
    assert caught.value.code == code
    for word in words:
        assert word in str(caught.value)


GOOD_INPUTS: dict[str, Any] = {
    "a list of lists": X.tolist(),
    "a tuple of tuples": tuple(map(tuple, X.tolist())),
    "a frame": pd.DataFrame(X),
    "a nullable frame": pd.DataFrame(X).convert_dtypes(),
    "objects that are numbers": X.astype(object),
    "Fortran order": np.asfortranarray(X),
    "a strided view": np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
    "a reversed view": X[::-1, ::-1].copy()[::-1, ::-1],
    "big-endian": X.astype(">f8"),
    "float16": X.astype(np.float16),
    "uint8": X.astype(np.uint8),
    "int64": X.astype(np.int64),
    "a masked array without masked cells": np.ma.array(X),
    "read-only": pd.DataFrame(X).to_numpy(),
}


@pytest.mark.parametrize("name", GOOD_INPUTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_good_inputs_give_the_same_bits_as_the_plain_array(name: str, dtype: Any) -> None:
    found = check_inputs(GOOD_INPUTS[name], dtype=dtype)
    assert found.dtype == dtype
    assert found.dtype.isnative
    assert found.flags.c_contiguous
    assert found.tobytes() == X.astype(dtype).tobytes()


def test_truth_values_are_zero_and_one() -> None:
    assert check_inputs([[True, False]]).tolist() == [[1.0, 0.0]]


def test_no_rows_are_fine_at_prediction() -> None:
    assert check_inputs(np.empty((0, 3)), dtype=np.float32).shape == (0, 3)


@pytest.mark.parametrize(
    ("weights", "code", "words"),
    [
        ([1, -1, 1, -2], "CR112", ["2 negative weights", "rows 1, 3"]),
        ([1, np.nan, 1, 1], "CR112", ["missing", "row 1"]),
        ([1, np.inf, 1, 1], "CR112", ["infinite", "row 1"]),
        ([1, 1, 1], "CR104", ["expected 4", "got 3"]),
        (np.ones((4, 1)), "CR112", ["one dimension"]),
        ([0, 0, 0, 0], "CR112", ["all weights"]),
        (["a", "b", "c", "d"], "CR106", []),
    ],
)
def test_bad_weights_name_their_rows(weights: Any, code: str, words: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        check_sample_weight(weights, 4)
    assert caught.value.code == code
    for word in words:
        assert word in str(caught.value)


def test_good_weights_are_float64() -> None:
    assert check_sample_weight(None, 4) is None
    weights = check_sample_weight([1, 0, 2, 3], 4)
    assert weights is not None
    assert weights.dtype == np.float64


def test_row_labels_in_another_order_are_refused() -> None:
    frame = pd.DataFrame(X, index=[3, 1, 2, 0])
    target = pd.Series([1, 2, 3, 4], index=[0, 1, 2, 3])
    with pytest.raises(DataError, match=r"CR111.*y.loc\[X.index\]"):
        check_same_index(frame, target)
    check_same_index(frame, target.loc[frame.index])
    check_same_index(frame, target.to_numpy())
    check_same_index(frame.reset_index(drop=True), target)
    check_same_index(X, [1, 2, 3, 4])


@given(arrays.arrays(np.float64, (3, 2), elements=st.floats(width=64)))
def test_an_array_comes_out_finite_and_equal_or_not_at_all(values: np.ndarray[Any, Any]) -> None:
    if np.isfinite(values).all():
        np.testing.assert_array_equal(check_inputs(values), values)
        return
    with pytest.raises(DataError, match=r"CR10[12]"):
        check_inputs(values)
