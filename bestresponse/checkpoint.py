"""All that a run will need to go on from the end of a sweep, in one file that is replaced as a whole.

The file is a NumPy archive of two arrays: `header`, a text in JSON, and `numbers`, every array of the checkpoint one
after another. No pickle.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from bestresponse.errors import DataError
from bestresponse.files import replacing
from bestresponse.typing import Vector

FORMAT = "bestresponse checkpoint 8"

Tree = Mapping[str, Any]  # of Trees and of arrays of numbers, by name


@dataclass(frozen=True)
class Checkpoint:
    """A run at the end of a sweep."""

    sweep: int  # the last one that ended
    of: Mapping[str, str]  # what the run is one of: its scheme, acceleration and market
    arrays: Tree  # what the parts of the run remember

    def save(self, path: str | Path, about: Mapping[str, Any] | None = None) -> None:
        """Replace the file `path` by this checkpoint; `about`, plain data for the reader, is stored with it."""
        leaves = list(_leaves(self.arrays))
        header = {
            "format": FORMAT,
            "sweep": self.sweep,
            "of": dict(self.of),
            "about": dict(about or {}),
            "arrays": [[list(names), list(np.shape(values))] for names, values in leaves],
        }
        numbers = np.concatenate([np.ravel(values).astype(float) for _, values in leaves] or [np.zeros(0)])
        with replacing(path, binary=True) as file:
            np.savez(file, header=np.array(json.dumps(header)), numbers=numbers)


def load_checkpoint(path: str | Path) -> tuple[Checkpoint, dict[str, Any]]:
    """Return the checkpoint in a file, and what was stored about it. Raises DataError if the file holds none."""
    try:
        with np.load(path, allow_pickle=False) as file:
            header, numbers = json.loads(str(file["header"])), file["numbers"]
        if header["format"] == FORMAT:
            arrays = _tree(header["arrays"], numbers)
            return Checkpoint(int(header["sweep"]), header["of"], arrays), header["about"]
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file") from error
    except (BadZipFile, EOFError, OSError, KeyError, ValueError, TypeError) as error:
        raise DataError(f"{path}: this is no checkpoint ({type(error).__name__}: {error})") from error
    raise DataError(f"{path}: its format is {header['format']!r}; {FORMAT!r} can be read")


def _tree(shapes: Sequence[tuple[list[str], list[int]]], numbers: Vector) -> Tree:
    tree: dict[str, Any] = {}
    start = 0
    for (*branches, leaf), shape in shapes:
        at = tree
        for branch in branches:
            at = at.setdefault(branch, {})
        at[leaf] = numbers[start : start + math.prod(shape)].reshape(shape)
        start += math.prod(shape)
    return tree


def _leaves(tree: Tree, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Vector]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*above, name))
        else:
            yield (*above, name), value
