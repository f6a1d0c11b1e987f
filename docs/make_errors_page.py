"""Print the page `docs/errors.md`: python docs/make_errors_page.py > docs/errors.md"""

from __future__ import annotations

import sys

from chainrule.errors import CODES, FAMILIES, ChainruleError, unknown_name

_START = """# Errors

<!-- made by docs/make_errors_page.py from src/chainrule/errors.py: change it there -->

Every error that chainrule raises on purpose is a `chainrule.errors.ChainruleError` (a `ValueError`) with a code. A
code never changes its meaning. A message says what is wrong, where, what was expected, what was got, and what to do:

```
{message}
```

The parts are attributes of the error, and `error.to_dict()` gives them by name:

```
{parts}
```

## Classes and exit codes

The command line ends with the exit code of the error's class.

| class | exit code | meaning |
|---|---|---|
{classes}

## Codes
"""


def page() -> str:
    """The page as Markdown, from the records in `chainrule.errors` alone."""
    example = unknown_name("activation", "Relu6", ["relu", "selu", "tanh"])
    parts = "\n".join(f"{name}: {value}" for name, value in example.to_dict().items())
    kinds = [kind for kind in ChainruleError.__subclasses__() if kind.__module__ == ChainruleError.__module__]
    classes = "\n".join(f"| `{kind.__name__}` | {kind.exit_code} | {_first_line(kind)} |" for kind in kinds)
    tables = [
        f"\n### {family}xx: {subject}\n\n| code | meaning |\n|---|---|\n"
        + "".join(f"| {code} | {meaning} |\n" for code, meaning in sorted(CODES.items()) if code.startswith(family))
        for family, subject in FAMILIES.items()
    ]
    return _START.format(message=example, parts=parts, classes=classes) + "".join(tables)


def _first_line(kind: type) -> str:
    return (kind.__doc__ or "").partition("\n")[0].partition(" (exit code")[0].rstrip(".")


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    print(page(), end="")
