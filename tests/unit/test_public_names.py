"""`import chainrule` is quick, and still hands out every public name."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import chainrule

PACKAGE = Path(chainrule.__file__)


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_importing_the_package_imports_neither_numpy_nor_any_part_of_it() -> None:
    loaded = run(
        "import sys, chainrule; print(*sorted(m for m in sys.modules if m.startswith(('chainrule', 'numpy'))))"
    )
    assert loaded == "chainrule chainrule.version"


@pytest.mark.parametrize("name", chainrule.__all__)
def test_a_public_name_is_found_in_its_home(name: str) -> None:
    assert getattr(chainrule, name) is getattr(import_module(f"chainrule.{chainrule._HOMES[name]}"), name)
    assert name in dir(chainrule)


def test_type_checkers_see_the_same_names_in_the_same_homes() -> None:
    typed = {}
    for node in ast.walk(ast.parse(PACKAGE.read_text())):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            for line in node.body:
                assert isinstance(line, ast.ImportFrom) and line.module
                typed.update({name.name: line.module.removeprefix("chainrule.") for name in line.names})
    assert typed == chainrule._HOMES


def test_a_submodule_never_hides_the_function_of_the_same_name() -> None:
    code = "import chainrule, chainrule.check, chainrule.explain.text; from chainrule.fit import fit"
    assert (
        run(f"{code}; print(chainrule.fit is fit, callable(chainrule.check), callable(chainrule.explain))")
        == "True True True"
    )


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        chainrule.fitt  # noqa: B018


def test_a_first_fit_loads_nothing_that_only_explaining_saving_or_the_command_line_need() -> None:
    code = (
        "import sys, numpy, chainrule; chainrule.MLPRegressor(hidden_layer_sizes=(4,), max_iter=1, early_stopping=True)"
    )
    code += ".fit(numpy.random.rand(20, 2), numpy.arange(20.0))"
    loaded = run(f"import warnings; warnings.simplefilter('ignore'); {code}; print(*sys.modules)").split()
    heavy = ("chainrule.explain", "chainrule.model", "chainrule.cli", "chainrule.course", "pandas", "pyarrow", "click")
    assert not [name for name in loaded if name.startswith(heavy)]
