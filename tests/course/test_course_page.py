"""Every line of the teacher's index runs and shows what it says."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest

from chainrule.cli.main import main
from chainrule.errors import ChainruleError

PAGE = (Path(__file__).resolve().parents[2] / "docs/course.md").read_text("utf-8")
PREAMBLE = re.search(r"```python\n(.*?)```", PAGE, re.S)[1]
ROWS = [
    [cell.strip() for cell in line.strip().strip("|").split("|")]
    for line in PAGE.splitlines()
    if re.match(r"\| \d+\.\d+ \|", line)
]
COUNTS = {1: 18, 2: 12, 3: 6, 4: 17, 5: 15, 6: 11, 7: 12, 8: 9, 9: 6, 10: 6}
SHOWN = {}


def output_of(shown):
    """What a line prints; the same line is run once."""
    if shown not in SHOWN:
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()):
            if shown.startswith("chainrule "):
                with pytest.raises(SystemExit) as left:
                    main(shlex.split(shown)[1:])
                assert not left.value.code, shown
            else:
                names = {}
                exec(PREAMBLE, names)
                try:
                    exec(shown, names)
                except ChainruleError as refusal:
                    print(refusal)
        SHOWN[shown] = said.getvalue()
    return SHOWN[shown]


def test_every_item_of_the_lectures_has_its_line():
    assert len(ROWS) == 112
    for section, count in COUNTS.items():
        assert [row[0] for row in ROWS if row[0].startswith(f"{section}.")] == [
            f"{section}.{i + 1}" for i in range(count)
        ]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_line_of_the_index_shows_what_it_says(row, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, item, shown, see = row
    assert item
    if shown == "text only":
        return
    code = re.fullmatch(r"`(.+)`", shown)[1]
    assert code.startswith("chainrule ") or len(code.split("; ")) <= 5
    printed = output_of(code)
    expected = [text for text in re.findall(r"`(.+?)`", see) if not text.startswith(("chainrule ", "--"))]
    assert expected, "the line says nothing to look for"
    for text in expected:
        assert text in printed, f"{text!r} is not in\n{printed[:3000]}"
