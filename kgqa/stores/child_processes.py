"""What the child processes have in common that read and query what users bring. Standard library only."""

from __future__ import annotations

import os
import sys


def child_environment() -> dict[str, str]:
    """Return the environment of a child with a limit on its address space: this process's, with what it can import.

    The C library reserves 64 MiB of address space and more for each thread that allocates, which the limit would
    count; two shared arenas and one thread keep that small whatever the number of cores.
    """
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(part or os.getcwd() for part in sys.path),
        "PYTHONSAFEPATH": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
    }
