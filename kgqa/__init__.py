"""Ask any RDF graph a question in plain English, and get the exact answer with its proof.

    from kgqa import Pipeline

    qa = Pipeline.load("world")
    prediction = qa("Which countries border Laos?")

The names below are imported when they are first used: `import kgqa` itself loads nothing heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kgqa.datatypes import Prediction, Question
    from kgqa.pipeline import Pipeline

__version__ = "0.1.0"
__all__ = ["Pipeline", "Question", "Prediction", "__version__"]

_HOMES = {"Pipeline": "kgqa.pipeline", "Question": "kgqa.datatypes", "Prediction": "kgqa.datatypes"}


def __getattr__(name: str) -> object:
    """Import a public name on first use (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'kgqa' has no attribute {name!r}")
    import importlib

    value: object = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
