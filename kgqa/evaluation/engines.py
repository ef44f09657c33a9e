"""Where questions are answered: in this process, in several, or on a Ray cluster. Results come in the questions' order.

An engine takes a `Maker`, which is pickled, travels to each worker and is called once there, so that each has a model
of its own; what it returns is then called with each item. Items are handed out in chunks, a few a worker ahead, so that
a million questions are never in flight at once.
"""

from __future__ import annotations

import importlib
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Literal, TypeVar

from kgqa.errors import SettingsError

Item = TypeVar("Item")
Out = TypeVar("Out")
Maker = Callable[[], Callable[[Item], Out]]
Engine = Literal["local", "ray"]
ENGINES: tuple[Engine, ...] = ("local", "ray")
CHUNK = 16
AHEAD = 3  # chunks in flight for each worker: one at work, the others waiting


def run(
    make: Maker[Item, Out],
    items: Iterable[Item],
    *,
    engine: Engine = "local",
    n_workers: int = 1,
    address: str | None = None,
    chunk: int = CHUNK,
) -> Iterator[Out]:
    """Yield the result of each item, in order.

    `local` with one worker runs in this process, with more in that many processes. `ray` runs on the cluster at
    `address`, or where that is None on one started here. An item that raises ends the run with that error. Raises
    SettingsError for an engine that is not installed.
    """
    if n_workers < 1:
        raise SettingsError(f"{n_workers} workers cannot do anything; expected at least 1")
    if engine == "ray":
        return _run_ray(make, items, n_workers, address, chunk)
    if n_workers == 1:
        return _run_here(make, items)
    return _run_processes(make, items, n_workers, chunk)


def _run_here(make: Maker[Item, Out], items: Iterable[Item]) -> Iterator[Out]:
    work = make()
    for item in items:
        yield work(item)


# -- processes


_work: Callable[[Any], Any] | None = None  # of a worker process, set once when it starts


def _start(make: Maker[Any, Any]) -> None:
    global _work
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the parent's to handle
    _work = make()


def _work_on(items: Sequence[Any]) -> list[Any]:
    assert _work is not None
    return [_work(item) for item in items]


def _run_processes(make: Maker[Item, Out], items: Iterable[Item], n_workers: int, chunk: int) -> Iterator[Out]:
    from concurrent.futures import Future, ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    # "spawn": a fork would copy the threads' locks of the libraries that this process has loaded
    pool = ProcessPoolExecutor(n_workers, get_context("spawn"), _start, (make,))
    waiting: deque[Future[list[Out]]] = deque()
    chunks = _chunks(items, chunk)
    try:
        for first in islice(chunks, AHEAD * n_workers):
            waiting.append(pool.submit(_work_on, first))
        while waiting:
            done = waiting.popleft().result()
            for following in islice(chunks, 1):
                waiting.append(pool.submit(_work_on, following))
            yield from done
    except BrokenProcessPool as error:
        raise SettingsError(
            "a worker process died or could not start; one process shows why, and fewer need less memory"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


# -- Ray


class _Worker:
    """A Ray actor: one model, many questions."""

    def __init__(self, make: Maker[Any, Any]) -> None:
        self.work = make()

    def work_on(self, items: Sequence[Any]) -> list[Any]:
        return [self.work(item) for item in items]


def _run_ray(
    make: Maker[Item, Out], items: Iterable[Item], n_workers: int, address: str | None, chunk: int
) -> Iterator[Out]:
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError as error:
        raise SettingsError("the Ray engine needs Ray; install the extra: pip install 'kgqa[ray]'") from error
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing leaves this machine unasked
    started = not ray.is_initialized()
    if started:
        here = {"num_cpus": n_workers, "include_dashboard": False} if address is None else {"address": address}
        ray.init(**here, log_to_driver=False, configure_logging=False)
    workers: list[Any] = [ray.remote(num_cpus=1)(_Worker).remote(make) for _ in range(n_workers)]
    waiting: deque[tuple[Any, Any]] = deque()
    chunks = _chunks(items, chunk)
    try:
        for place, first in enumerate(islice(chunks, AHEAD * n_workers)):
            worker = workers[place % n_workers]
            waiting.append((worker, worker.work_on.remote(first)))
        while waiting:
            worker, promised = waiting.popleft()
            done: list[Out] = ray.get(promised)
            for following in islice(chunks, 1):
                waiting.append((worker, worker.work_on.remote(following)))
            yield from done
    finally:
        for worker in workers:
            ray.kill(worker)
        if started:
            ray.shutdown()


def _chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
