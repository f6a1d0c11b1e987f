"""The page on tuning says what is so: its examples run."""

import re
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/tuning.md").read_text("utf-8")


def test_the_examples_of_the_page_run(tmp_path, monkeypatch, capsys):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    assert len(blocks) == 4
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for block in blocks:
            exec(compile(block, "docs/tuning.md", "exec"), {})
    assert "no trial was trained or compared on" in capsys.readouterr().out
