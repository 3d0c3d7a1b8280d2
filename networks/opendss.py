"""OpenDSS through OpenDSSDirect.py: an engine of its own for every use, which opens no window and changes no folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from networks.errors import NetworkDataError
from networks.extras import optional

_COMMENTS = re.compile(r"/\*.*?\*/|(?:!|//)[^\n]*", re.DOTALL)
_INCLUDES = re.compile(r"\s*(?:redirect|compile|buscoords|latloncoords)\s+(?:file\s*=\s*)?(.+)", re.IGNORECASE)


def opendss_engine() -> Any:
    """Return a fresh OpenDSS, without a circuit. Raises NetworkDataError if OpenDSSDirect.py is not installed."""
    first = optional("opendssdirect", "OpenDSSDirect.py", "opendss").dss
    first.Basic.AllowChangeDir(False)  # of the whole process, and a new engine would return to where it started
    engine = first.NewContext()
    engine.Basic.AllowForms(False)
    engine.Basic.AllowEditor(False)
    return engine


def opendss_circuit(path: Path) -> Any:
    """Return an OpenDSS that has run a master file, with the impedances of its elements.

    Raises NetworkDataError for what OpenDSS refuses, such as a file without a circuit or a line without impedance.
    """
    engine = opendss_engine()
    refused: type[Exception] = optional("dss", "OpenDSSDirect.py", "opendss").DSSException
    try:
        engine.Text.Command(f'Compile "{path.resolve()}"')
        engine.Solution.BuildYMatrix(1, 1)
    except refused as error:
        raise NetworkDataError(f"{path}: OpenDSS refuses it: {' '.join(str(error).split())}") from None
    return engine


def opendss_files(master: Path) -> list[Path]:
    """Return an OpenDSS file and the files that it includes, and they in turn; OSError if one cannot be read."""
    found, left = [], [master.resolve()]
    while left:
        path = left.pop(0)
        found.append(path)
        for line in _COMMENTS.sub("", path.read_text(encoding="utf-8", errors="replace")).splitlines():
            if include := _INCLUDES.match(line):
                name = include[1].strip().strip("\"'()[]{}").replace("\\", "/")
                left += {(path.parent / name).resolve()} - {*found, *left}
    return found
