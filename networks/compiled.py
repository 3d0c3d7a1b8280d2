"""Functions compiled to machine code at their first call; the code is kept on disk for the next process."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from numba import config, njit
from numba.misc.appdirs import AppDirs

P = ParamSpec("P")
T = TypeVar("T")

_OPTIONS = {"nogil": True, "error_model": "numpy"}


def compiled(function: Callable[P, T]) -> Callable[P, T]:
    """Return the function compiled, free of the interpreter's lock, divisions by zero giving inf or NaN.

    The machine code is stored beside the source or, where that cannot be written, in the user's cache folder; where
    neither can be written, every process compiles for itself. Numba compiles called functions into the caller and
    looks only at the caller's file for changes, so the folder's name stands for all the sources that went in.
    """
    usual = config.CACHE_DIR
    config.CACHE_DIR = str(_cache(Path(function.__code__.co_filename).parent) / f"compiled-{_digest(function)}")
    try:
        return njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:  # numba found no folder that it can write to
        return njit(**_OPTIONS)(function)
    finally:
        config.CACHE_DIR = usual


def inlined(function: Callable[P, T]) -> Callable[P, T]:
    """Return the function compiled into every compiled function that calls it: for small steps of hot loops."""
    return njit(forceinline=True, **_OPTIONS)(function)


def _cache(folder: Path) -> Path:
    """Return where to keep the machine code of sources in a folder."""
    if os.access(folder, os.W_OK):
        return folder / "__pycache__"
    return Path(AppDirs("numba", appauthor=False).user_cache_dir)


def _digest(function: Any) -> str:
    """Return a name for the present text of a function's file and of the files whose compiled functions it can call."""
    files: set[str] = set()
    functions = [function]
    while functions:
        one = functions.pop()
        if one.__code__.co_filename not in files:
            files.add(one.__code__.co_filename)
            functions += [value.py_func for value in one.__globals__.values() if hasattr(value, "py_func")]
    return hashlib.sha256(b"".join(Path(file).read_bytes() for file in sorted(files))).hexdigest()[:16]
