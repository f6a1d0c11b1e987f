"""The page of errors says what the code says."""

import runpy
from pathlib import Path

from chainrule.errors import CODES, FAMILIES

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_errors_is_up_to_date():
    page = runpy.run_path(str(DOCS / "make_errors_page.py"))["page"]()
    kept = (DOCS / "errors.md").read_text(encoding="utf-8")
    assert kept == page, "run: python docs/make_errors_page.py > docs/errors.md"


def test_every_code_belongs_to_a_family_and_is_on_the_page_once():
    lines = (DOCS / "errors.md").read_text(encoding="utf-8").splitlines()
    for code, meaning in CODES.items():
        assert code[:3] in FAMILIES
        assert lines.count(f"| {code} | {meaning} |") == 1
