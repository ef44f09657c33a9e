"""Graph folders that are read while others replace them. Standard library only."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path

IN_USE_FILE = "in-use.lock"


class FolderHandle:
    """Keeps hold of a graph folder: `path` leads into it even after it was renamed, until the handle is forgotten.

    pyoxigraph opens some files of a large store only when they are first read; by the folder's own name it would then
    find those of its replacement. As long as the handle lives, `remove_unused` leaves the folder. Raises OSError where
    there is none.
    """

    def __init__(self, folder: Path) -> None:
        self._open: list[int] = []
        self.path = folder
        if sys.platform == "win32":
            return
        self._open.append(os.open(folder, os.O_RDONLY | os.O_DIRECTORY))
        by_number = Path(f"/proc/self/fd/{self._open[0]}")
        if by_number.is_dir():
            self.path = by_number
        with suppress(FileNotFoundError):
            import fcntl

            self._open.append(os.open(self.path / IN_USE_FILE, os.O_RDONLY))
            fcntl.flock(self._open[-1], fcntl.LOCK_SH | fcntl.LOCK_NB)

    def __del__(self) -> None:
        """Let go of the folder."""
        for number in self._open:
            os.close(number)


def remove_unused(folder: Path) -> bool:
    """Remove a folder that is no longer anyone's, and return whether nobody was still reading it."""
    if sys.platform != "win32":
        import fcntl

        try:
            number = os.open(folder / IN_USE_FILE, os.O_RDONLY)
        except OSError:
            number = -1
        if number >= 0:
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            finally:
                os.close(number)
    shutil.rmtree(folder, ignore_errors=True)
    return True
