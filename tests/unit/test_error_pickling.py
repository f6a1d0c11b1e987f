"""Errors cross process borders whole."""

import pickle

from chainrule.errors import DataError


def test_an_error_comes_back_from_a_pickle_as_it_was():
    error = DataError("CR101", "values are missing", where="column 'age'", got="3", hint="fill them")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is DataError
    assert again.to_dict() == error.to_dict()
    assert str(again) == str(error)
