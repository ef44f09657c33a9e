from __future__ import annotations

import os
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="session")
def real_sets() -> Path:
    """The folder with the real question sets, which is not part of the checkout."""
    told = os.environ.get("KGQA_BENCHMARKS")
    place = Path(told) if told else CHECKOUT.parent / "shared" / "benchmarks"
    if not (place / "README.md").is_file():
        pytest.skip(f"the question sets are not at {place}; name their folder in KGQA_BENCHMARKS")
    return place
