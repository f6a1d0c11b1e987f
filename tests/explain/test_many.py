"""A sample of what `python tests/explain/many.py 1000 --latex` does."""

import shutil

import pytest
from many import check, compiles

from chainrule.explain import Explanation
from chainrule.explain.lines import Line


@pytest.mark.parametrize("seed", range(0, 2000, 37))
def test_the_chain_is_the_gradient_to_1e_12_of_the_sum_of_its_paths(seed: int) -> None:
    assert check(seed).lines > 3


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX here")
def test_what_is_written_compiles(tmp_path) -> None:
    assert compiles([text for seed in (3, 500, 1500) for text in check(seed).latex], tmp_path) >= 1


def test_a_line_that_is_off_in_the_twelfth_digit_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Explanation._line_dict

    def wrong(self: Explanation, line: Line) -> dict[str, object]:
        found = plain(self, line)
        return {**found, "value": line.value * (1 + 1e-9) + 1e-300} if line.role == "factor" else found

    monkeypatch.setattr(Explanation, "_line_dict", wrong)
    with pytest.raises(AssertionError):
        [check(seed) for seed in range(5)]
