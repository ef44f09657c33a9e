from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

import pytest

from kgqa.errors import SettingsError
from kgqa.evaluation import engines
from kgqa.evaluation.engines import run

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed: kgqa[ray]")


@dataclass(frozen=True)
class Squarer:
    """Makes a function that squares, and says in `log` each time it is made."""

    log: Path | None = None

    def __call__(self) -> Callable[[int], tuple[int, int]]:
        if self.log is not None:
            with self.log.open("a") as file:
                file.write(f"{os.getpid()}\n")

        def square(number: int) -> tuple[int, int]:
            if number < 0:
                raise ValueError(f"{number} is negative")
            return number * number, os.getpid()

        return square


def test_one_worker_runs_in_this_process() -> None:
    assert list(run(Squarer(), range(5))) == [(n * n, os.getpid()) for n in range(5)]


def test_processes_give_the_results_in_the_order_of_the_items(tmp_path: Path) -> None:
    log = tmp_path / "log"
    found = list(run(Squarer(log), range(40), n_workers=2, chunk=3))
    assert [square for square, _ in found] == [n * n for n in range(40)]
    makers = log.read_text().split()
    assert len(makers) == len(set(makers)) <= 2  # each worker was set up once
    assert {str(process) for _, process in found} <= set(makers)
    assert os.getpid() not in {process for _, process in found}


def test_items_are_taken_only_a_few_chunks_ahead() -> None:
    taken = 0

    def endless() -> Iterator[int]:
        nonlocal taken
        for number in count():
            taken += 1
            yield number

    results = run(Squarer(), endless(), n_workers=2, chunk=2)
    assert [square for square, _ in islice(results, 10)] == [n * n for n in range(10)]
    results.close()  # type: ignore[attr-defined]
    assert taken <= 10 + 2 * 2 * (engines.AHEAD + 1)


def test_an_item_that_fails_ends_the_run_with_its_error() -> None:
    with pytest.raises(ValueError, match="-1 is negative"):
        list(run(Squarer(), [1, -1, 2], n_workers=2, chunk=1))


def test_no_workers_are_refused() -> None:
    with pytest.raises(SettingsError, match="at least 1"):
        run(Squarer(), [], n_workers=0)


def test_ray_that_is_not_installed_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(SettingsError, match=r"pip install 'kgqa\[ray\]'"):
        list(run(Squarer(), [1], engine="ray"))


@needs_ray
@pytest.mark.filterwarnings("ignore")
def test_a_local_ray_cluster_gives_the_same_results_in_order() -> None:
    found = list(run(Squarer(), range(30), engine="ray", n_workers=2, chunk=4))
    assert [square for square, _ in found] == [n * n for n in range(30)]
    assert os.getpid() not in {process for _, process in found}
