"""The house stands: imports go down the levels and never round in circles, and importing chainrule is light."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import chainrule
from chainrule.layers import OPS

ROOT = Path(chainrule.__file__).parent

LEVELS = {
    0: {"errors", "shapes", "catalog", "constraints", "rng", "plain", "version"},
    1: {"calculus", "optim", "initializers", "metrics"},
    2: {"plan", "layers", "objective", "expression", "network"},
    3: {"engines", "steps"},
    4: {
        "data",
        "training",
        "archive",
        "model",
        "card",
        "request",
        "scoring",
        "prepare",
        "run",
        "provenance",
        "presets",
        "duration",
        "members",
        "member_trials",
        "trained",
    },
    5: {
        "explain",
        "diagnostics",
        "threshold",
        "laws",
        "register",
        "check",
        "plots",
        "exchange",
        "fit",
        "tuning",
        "influence",
        "report",
    },
    6: {"course", "estimators", "cli"},
    7: {"__init__", "__main__"},
}
LEVEL = {name: level for level, names in LEVELS.items() for name in names}

OPTIONAL = {
    "pyarrow",
    "narwhals",
    "safetensors",
    "click",
    "rich",
    "pandas",
    "polars",
    "sklearn",
    "scipy",
    "cffi",
    "matplotlib",
    "mpl_toolkits",
}
"""Imported inside the functions that need them, so that `import chainrule` stays light."""


def module_name(path):
    parts = ["chainrule", *path.relative_to(ROOT).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(ROOT.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}


def imports(tree):
    """(module, the names taken from it, inside a function) for every import; those for type checkers are left out."""
    found = []

    def visit(node, inside):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if isinstance(node, ast.Import):
            found.extend((alias.name, (), inside) for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found.append((node.module, tuple(alias.name for alias in node.names), inside))
        for child in ast.iter_child_nodes(node):
            visit(child, inside or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)))

    visit(tree, False)
    return found


def own_imports(name):
    """The modules of chainrule that a module imports, and whether inside a function."""
    for source, taken, inside in imports(TREES[name]):
        if source.split(".")[0] == "chainrule":
            submodules = [f"{source}.{one}" for one in taken if f"{source}.{one}" in MODULES]
            for module in submodules or [source]:
                yield module, inside


def part(name):
    return name.split(".")[1] if "." in name else "__init__"


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_only_from_its_level_and_below(name):
    assert part(name) in LEVEL, f"{part(name)} has no level; say in LEVELS where it belongs"
    for module, _ in own_imports(name):
        lazy_shell = part(name) == "__init__" or module == "chainrule"
        assert lazy_shell or LEVEL[part(module)] <= LEVEL[part(name)], f"{name} imports {module}"


@pytest.mark.parametrize("name", [name for name in MODULES if part(name) != "__init__" and part(name) != "cli"])
def test_nothing_inside_imports_from_the_shell(name):
    assert "chainrule" not in {module for module, _ in own_imports(name)}


def test_no_module_imports_itself_in_a_circle():
    graph = {name: {module for module, _ in own_imports(name) if module != name} for name in MODULES}
    assert list(TopologicalSorter(graph).static_order())  # raises CycleError with the circle


@pytest.mark.parametrize("name", MODULES)
def test_only_optional_packages_are_imported_late_below_the_shells(name):
    if LEVEL[part(name)] >= 6:  # a shell loads what is used, to start quickly; circles are looked for there too
        return
    own = [module for module, inside in own_imports(name) if inside]
    assert own == [], "an import inside a function hides a circle"


@pytest.mark.parametrize("name", [name for name in MODULES if part(name) not in ("cli", "__main__")])
def test_optional_packages_are_not_imported_at_the_top(name):
    allowed = {"chainrule", "numpy", "__future__", *sys.stdlib_module_names}
    top = {source.split(".")[0] for source, _, inside in imports(TREES[name]) if not inside}
    assert top <= allowed
    late = {source.split(".")[0] for source, _, inside in imports(TREES[name]) if inside}
    assert late <= allowed | OPTIONAL


def test_importing_every_public_name_loads_numpy_and_nothing_else():
    code = (
        "import sys; before = set(sys.modules); from chainrule import *\n"
        "tops = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "print(*sorted(tops - set(sys.stdlib_module_names) - {'chainrule', 'numpy'}))"
    )
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def is_explained_elsewhere(function):
    """A family of a catalog makes a record that holds the explanation; the parts of an operation are explained in `Op`."""
    decorators = [ast.unparse(decorator) for decorator in function.decorator_list]
    return any("family" in decorator for decorator in decorators) or function.name in OPERATIONS


OPERATIONS = {part.__name__ for op in OPS.values() for part in (op.forward, op.local, op.gradients)}


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_every_module_and_every_public_function_and_class_says_what_it_is(name):
    assert ast.get_docstring(TREES[name]), f"{name} has no sentence of purpose"
    public = [
        node for node in TREES[name].body if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name[0] != "_"
    ]
    silent = [node.name for node in public if not ast.get_docstring(node) and not is_explained_elsewhere(node)]
    assert silent == []


def test_everything_public_exists_and_says_what_it_is():
    for name in chainrule.__all__:
        thing = getattr(chainrule, name)
        assert inspect.getdoc(thing), name
    assert len(set(chainrule.__all__)) == len(chainrule.__all__)
