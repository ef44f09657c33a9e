from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("numpy", "onnxruntime", "pyoxigraph", "rdflib", "rich", "spacy", "streamlit", "torch", "transformers")

# What each part may import of kgqa. Parts that are not listed together never meet but in pipeline.
_VALUES = {"datatypes", "errors", "protocols"}
_STAGES = {"stores", "index", "linking", "retrieval", "reasoning"}
_BELOW_CONFIG = _VALUES | _STAGES | {"analysis", "pipeline", "remote", "datasets", "evaluation", "training"}
MAY_IMPORT: dict[str, set[str]] = {
    "__init__": {"datatypes", "pipeline"},
    "datatypes": set(),
    "errors": set(),
    "protocols": {"datatypes", "errors"},
    "index": _VALUES,
    "stores": _VALUES | {"index"},
    "linking": _VALUES | {"index"},
    "retrieval": _VALUES | {"index"},
    "reasoning": _VALUES | {"index", "linking", "retrieval"},  # reads the words and paths that these hand on
    "analysis": _VALUES | _STAGES,
    "pipeline": _VALUES | _STAGES | {"analysis", "remote"},  # `Pipeline.load` imports `remote` to open an endpoint
    "remote": _VALUES | _STAGES | {"analysis", "pipeline"},
    "datasets": _VALUES | _STAGES | {"pipeline"},
    "evaluation": _VALUES | _STAGES | {"analysis", "pipeline", "datasets"},
    "training": _BELOW_CONFIG,
    "config": {"errors"},
    "terminal": _BELOW_CONFIG | {"config"},
    "sparql_cli": _BELOW_CONFIG | {"config", "terminal"},
    "cli": _BELOW_CONFIG | {"config", "terminal", "sparql_cli", "kgqa"},
    "__main__": {"cli"},
}
HOMES = {
    "rdflib": {"stores"},
    "pyoxigraph": {"stores", "training"},
    "torch": {"reasoning", "training"},
    "transformers": {"reasoning", "training"},
    "streamlit": set[str](),
    "typer": {"cli", "sparql_cli"},
    "spacy": {"linking"},
}


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            yield node.module or ""


def _part(path: Path) -> str:
    """The first name of a path below kgqa/; the commands of a part are of the command line."""
    return "cli" if path.name == "cli.py" else path.relative_to(ROOT / "kgqa").with_suffix("").parts[0]


MODULES = sorted(
    path for path in (ROOT / "kgqa").rglob("*.py") if not any(part.startswith("_") for part in path.parent.parts)
)


@pytest.mark.parametrize("path", MODULES, ids=[str(path.relative_to(ROOT)) for path in MODULES])
def test_imports_point_one_way(path: Path) -> None:
    part = _part(path)
    assert part in MAY_IMPORT, f"{part} is new: say here what it may import"
    for name in _imports(path):
        if name == "kgqa" or name.startswith("kgqa."):
            other = name.split(".")[1] if "." in name else "kgqa"
            assert other == part or other in MAY_IMPORT[part], f"{part} may not import {name}"


@pytest.mark.parametrize("path", MODULES, ids=[str(path.relative_to(ROOT)) for path in MODULES])
def test_each_heavy_library_has_one_home(path: Path) -> None:
    for name in _imports(path):
        home = HOMES.get(name.split(".")[0])
        assert home is None or _part(path) in home, f"{name} may be imported in {sorted(home)} only"


@pytest.mark.parametrize(
    "statement",
    [
        "import kgqa",
        "import kgqa; kgqa.Question('?'); kgqa.Prediction",
        "import kgqa.cli",
        "import kgqa.datatypes, kgqa.errors, kgqa.protocols",
        "import kgqa.config",
    ],
)
def test_a_light_import_loads_nothing_heavy(statement: str) -> None:
    code = f"{statement}\nimport sys\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.strip() == "[]"


def test_the_pipeline_loads_neither_torch_nor_transformers() -> None:
    code = "import kgqa; kgqa.Pipeline\nimport sys\nprint([n for n in ('torch', 'transformers') if n in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.strip() == "[]"


def test_an_unknown_name_of_the_package_is_an_attribute_error() -> None:
    import kgqa

    with pytest.raises(AttributeError, match="no attribute 'Pipelin'"):
        _ = kgqa.Pipelin
    assert {"Pipeline", "Question", "Prediction", "__version__"} <= set(dir(kgqa))
