"""Places to write to, checked before anything is computed, and plain data as JSON."""

from __future__ import annotations

import json
import os
from pathlib import Path

from bestresponse.errors import DataError
from bestresponse.files import replacing


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


def write_json(data: object, path: Path) -> None:
    """Write plain data as JSON, null for numbers it does not know; the file appears complete or not at all."""
    with replacing(path) as file:
        json.dump(finite(data), file, indent=1, allow_nan=False)


def finite(value: object) -> object:
    """Return plain data with None in place of numbers that JSON does not know."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not abs(value) < float("inf") else value
