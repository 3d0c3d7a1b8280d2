"""Packages that come with an extra and are imported only when somebody asks for them."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from networks.errors import NetworkDataError


def optional(module: str, package: str, extra: str) -> ModuleType:
    """Return a module of an optional package. Raises NetworkDataError that says how to install it if it is missing."""
    try:
        return import_module(module)
    except ImportError:
        raise NetworkDataError(
            f"{package} is not installed; install it by: pip install 'bestresponse[{extra}]'"
        ) from None
