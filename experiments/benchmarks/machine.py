"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("numpy", "scipy", "cvxpy", "clarabel", "piqp", "highspy")
THREADS = "OPENBLAS_NUM_THREADS"


def machine_facts() -> dict[str, str]:
    """Return processor, load, Python, package versions and threads, as words."""
    return {
        "processor": f"{os.cpu_count()} × {_processor()}",
        "load": f"{os.getloadavg()[0]:.2f} processes wanted a processor in the last minute",
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        "linear algebra": f"{os.environ.get(THREADS, 'any number of')} thread(s)",
    }


def fact_list() -> str:
    """Return the machine's facts as a Markdown list."""
    return "\n".join(f"- {key}: {value}" for key, value in machine_facts().items())


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
