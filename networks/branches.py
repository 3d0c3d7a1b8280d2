"""Branches between named buses, however they are written, as the tree of a radial feeder."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from networks.errors import NetworkDataError
from networks.radial_feeder import Feeder
from networks.tree import Search, search_from
from networks.typing import Vector


@dataclass(frozen=True)
class Branch:
    """A line, transformer or closed switch; voltages are in per unit of the nominal voltage at each end."""

    element: str  # what messages call it
    start: str  # bus
    end: str
    r_pu: float
    x_pu: float
    rate_kva: float = np.inf
    tap_ratio: float = 1.0  # multiplies the voltage at the start; the impedance is at the end


@dataclass(frozen=True)
class Load:
    """What stands at a bus."""

    p_kw: float = 0.0
    q_kvar: float = 0.0
    cap_kvar: float = 0.0

    def __add__(self, other: Load) -> Load:
        """Return both together."""
        return Load(self.p_kw + other.p_kw, self.q_kvar + other.q_kvar, self.cap_kvar + other.cap_kvar)


def radial_feeder(
    name: str,
    root: str,
    base: tuple[float, float],
    loads: Mapping[str, Load],
    branches: Sequence[Branch],
    xy: Vector | None = None,
) -> Feeder:
    """Return the feeder of some branches, each pointed away from the root; `base` is in kV and kVA.

    `loads` has an entry for every bus. In names of buses '-', which joins line names, becomes '_'. A branch that is
    written towards the root is turned: its tap ratio is inverted, its impedance referred to the other side. Raises
    NetworkDataError, with `name` for the file, for equal names, no branch at all, loops, and buses without a connection
    to the root.
    """
    buses = tuple(bus.replace("-", "_") for bus in loads)
    position = {bus: n for n, bus in enumerate(loads)}
    if not branches:
        raise NetworkDataError(f"{name}: there is no line")
    start = np.array([position[branch.start] for branch in branches])
    end = np.array([position[branch.end] for branch in branches])
    search = search_from(position[root], len(buses), start, end)
    check_tree(name, [branch.element for branch in branches], tuple(loads), root, search)
    ratio = np.array([branch.tap_ratio for branch in branches])
    turned = np.where(search.reversed, ratio**-2, 1.0)
    return Feeder(
        name=name,
        buses=buses,
        root=position[root],
        base_kv=base[0],
        base_kva=base[1],
        p_kw=np.array([load.p_kw for load in loads.values()]),
        q_kvar=np.array([load.q_kvar for load in loads.values()]),
        cap_kvar=np.array([load.cap_kvar for load in loads.values()]),
        line_names=tuple(f"{buses[i]}-{buses[j]}" for i, j in zip(start, end, strict=True)),
        line_from=np.where(search.reversed, end, start),
        line_to=np.where(search.reversed, start, end),
        r_pu=np.array([branch.r_pu for branch in branches]) * turned,
        x_pu=np.array([branch.x_pu for branch in branches]) * turned,
        rate_kva=np.array([branch.rate_kva for branch in branches]),
        tap_ratio=np.where(search.reversed, 1.0 / ratio, ratio),
        xy=xy,
    )


def check_tree(where: str, lines: Sequence[str], buses: Sequence[str], root: str, search: Search) -> None:
    """Raise NetworkDataError if a search from the root found a loop or did not reach every bus."""
    if search.loop:
        named = ", ".join(lines[k] for k in search.loop)
        raise NetworkDataError(f"{where}: the feeder has a loop of the lines {named}; leave one of them out")
    if not np.all(search.reached):
        cut_off = [bus for bus, reached in zip(buses, search.reached.tolist(), strict=True) if not reached]
        raise NetworkDataError(
            f"{where}: {len(cut_off)} of {len(buses)} buses have no connection to the root {root}: {_some(cut_off)}"
        )


def _some(names: Collection[str], most: int = 10) -> str:
    return ", ".join(list(names)[:most]) + (", ..." if len(names) > most else "")
