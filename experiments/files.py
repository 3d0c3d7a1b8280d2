"""Places to write to, checked before anything is computed."""

from __future__ import annotations

import os
from pathlib import Path

from bestresponse.errors import DataError


def writable(path: Path, folder: bool = False) -> None:
    """Make the folder of a file (or the folder itself). Raises DataError if nothing can be written there."""
    place = path if folder else path.parent
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{path}: the folder {place} cannot be made ({error.strerror})") from error
    if not folder and path.is_dir():
        raise DataError(f"{path}: is a folder; name a file")
    if not folder and (path.is_symlink() or (path.exists() and not path.is_file())):
        raise DataError(f"{path}: is no ordinary file and would be replaced by one; name a file")
    if not os.access(place, os.W_OK):
        raise DataError(f"{path}: the folder {place} cannot be written to")
