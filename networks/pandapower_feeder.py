"""Feeders from pandapower networks: files of `pandapower.to_json`, and pandapower's own collection."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from inspect import isfunction, signature
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from networks.branches import Branch, Load, radial_feeder
from networks.errors import NetworkDataError, near_matches
from networks.extras import optional
from networks.radial_feeder import Feeder
from networks.typing import Vector

PREFIX = "pandapower:"
SWITCH_OHM = 1e-4  # of a closed switch between buses, resistance and reactance, as in our own tables
UNLIMITED_KA = 99999.0  # as pandapower writes it
_READ = ("bus", "line", "trafo", "switch", "load", "shunt", "ext_grid")

Frame: TypeAlias = Any  # a table
Row: TypeAlias = Any  # a row of it, its columns as attributes
Names: TypeAlias = dict[int, str]  # index of a bus -> its name


def read_pandapower(source: str | Path) -> Feeder:
    """Return the feeder of a JSON file, or of a network of pandapower's collection as in "pandapower:case33bw".

    - Buses have their names if all differ, else their index.
    - Lines: max_i_ka, derated, is the rating; none where it is missing or 99999. Transformers of two windings: rating,
      short-circuit impedance and tap. Closed switches between buses are lines of 1e-4 ohm; an open switch takes its
      line or transformer out. Several voltage levels: everything is in per unit of the buses' vn_kv.
    - Loads are of constant power; a shunt gives or takes what it does at nominal voltage.
    - ext_grid: exactly one; its bus is the root. Its voltage is the case's business. The capacitance of lines and the
      losses in a transformer's core are left out, and what is out of service.

    Raises NetworkDataError, with source and element, for an unknown or unreadable network, no source or several, other
    elements in service, lines without impedance, loops and buses without connection to the source; and if pandapower
    is not installed.
    """
    net = _network(str(source))
    _refuse_others(net, source)
    buses = _bus_names(net)
    roots = [bus for bus in _in_service(net, "ext_grid").bus.tolist() if bus in buses]
    if len(roots) != 1:
        raise NetworkDataError(f"{source}: {len(roots)} ext_grid in service; allowed: exactly one, the root")
    root = roots[0]
    loads = dict.fromkeys(buses.values(), Load())
    for bus, load in _loads(net, buses):
        loads[bus] += load
    branches = [*_lines(net, buses, source), *_transformers(net, buses, source), *_switches(net, buses)]
    base = float(net.bus.vn_kv[root]), 1000.0 * float(net.sn_mva)
    return radial_feeder(str(source), buses[root], base, loads, branches, _places(net, buses))


def is_shipped_by_pandapower(source: str | Path) -> bool:
    """Return whether this is the name of a network of pandapower's collection, as in "pandapower:case33bw"."""
    return str(source).startswith(PREFIX)


def _network(source: str) -> Any:
    pandapower = optional("pandapower", "pandapower", "pandapower")
    if is_shipped_by_pandapower(source):
        return _shipped(source.removeprefix(PREFIX))()
    try:
        net = pandapower.from_json(source)
    except (OSError, ValueError, KeyError, AttributeError, ImportError, UserWarning) as error:
        raise NetworkDataError(f"{source}: no file of pandapower.to_json: {error}") from None
    if not isinstance(net, pandapower.pandapowerNet):
        raise NetworkDataError(
            f"{source}: a JSON file, but no pandapower network; allowed: files of pandapower.to_json"
        )
    return net


def _shipped(name: str) -> Callable[[], Any]:
    collection = optional("pandapower.networks", "pandapower", "pandapower")
    found = {key: each for key, each in vars(collection).items() if _builds_a_network(each, collection.__name__)}
    if name not in found:
        raise NetworkDataError(f"{PREFIX}{name}: pandapower has no network {name!r}{near_matches(name, found)}")
    shipped: Callable[[], Any] = found[name]
    return shipped


def _builds_a_network(what: Any, collection: str) -> bool:
    """Return whether this is a function of pandapower's collection that needs no argument."""
    if not (isfunction(what) and what.__module__.startswith(collection)):
        return False
    try:
        signature(what).bind()
    except TypeError:
        return False
    return True


def _refuse_others(net: Any, source: str | Path) -> None:
    elements = optional("pandapower.toolbox", "pandapower", "pandapower").pp_elements()
    for table in sorted((elements - set(_READ)) & set(net)):
        rows = _in_service(net, table)
        if len(rows):
            allowed = ", ".join(_READ)
            raise NetworkDataError(
                f"{source}: {table} {rows.index[0]}: elements of this kind are not supported; allowed: {allowed}. "
                "Generation, storage and the like are players of the case; take them out of service"
            )


def _in_service(net: Any, table: str) -> Frame:
    rows = net[table]
    return rows[rows.in_service.astype(bool)] if "in_service" in rows else rows


def _bus_names(net: Any) -> Names:
    rows = _in_service(net, "bus")
    names = [str(name) for name in rows.name]
    distinct = len(set(names)) == len(names) and not rows.name.isna().any() and all(names)
    return dict(zip(rows.index.tolist(), names if distinct else map(str, rows.index), strict=True))


def _loads(net: Any, buses: Names) -> Iterator[tuple[str, Load]]:
    for load in _in_service(net, "load").itertuples():
        if load.bus in buses:
            yield buses[load.bus], Load(1000.0 * load.scaling * load.p_mw, 1000.0 * load.scaling * load.q_mvar)
    for shunt in _in_service(net, "shunt").itertuples():
        if shunt.bus in buses:
            kilo = 1000.0 * shunt.step * (net.bus.vn_kv[shunt.bus] / shunt.vn_kv) ** 2
            yield (
                buses[shunt.bus],
                Load(kilo * shunt.p_mw, kilo * max(shunt.q_mvar, 0.0), kilo * max(-shunt.q_mvar, 0.0)),
            )


def _closed(net: Any, table: str, kind: str, ends: tuple[str, str], buses: Names) -> Iterator[Row]:
    """Yield the rows of lines or transformers in service, between buses in service, that no open switch takes out."""
    switches = net.switch[~net.switch.closed.astype(bool)]
    opened = set(switches.element[switches.et == kind])
    for row in _in_service(net, table).itertuples():
        if row.Index not in opened and all(getattr(row, end) in buses for end in ends):
            yield row


def _lines(net: Any, buses: Names, source: str | Path) -> Iterator[Branch]:
    for line in _closed(net, "line", "l", ("from_bus", "to_bus"), buses):
        kv = float(net.bus.vn_kv[line.from_bus])
        share = line.length_km / line.parallel * net.sn_mva / kv**2
        r_pu, x_pu = share * line.r_ohm_per_km, share * line.x_ohm_per_km
        if not (max(r_pu, x_pu) > 0.0):
            raise NetworkDataError(f"{source}: line {line.Index} has no impedance; state a bus-bus switch instead")
        limited = line.max_i_ka < UNLIMITED_KA
        rate_kva = 1000.0 * np.sqrt(3.0) * kv * line.max_i_ka * line.df * line.parallel if limited else np.inf
        yield Branch(f"line {line.Index}", buses[line.from_bus], buses[line.to_bus], r_pu, x_pu, rate_kva)


def _transformers(net: Any, buses: Names, source: str | Path) -> Iterator[Branch]:
    for trafo in _closed(net, "trafo", "t", ("hv_bus", "lv_bus"), buses):
        moved = _tap(trafo, f"{source}: trafo {trafo.Index}")
        high = trafo.vn_hv_kv * (moved if trafo.tap_side == "hv" else 1.0) / net.bus.vn_kv[trafo.hv_bus]
        low = trafo.vn_lv_kv * (moved if trafo.tap_side == "lv" else 1.0) / net.bus.vn_kv[trafo.lv_bus]
        percent = low**2 * net.sn_mva / trafo.sn_mva / trafo.parallel
        x_percent = np.sqrt(max(trafo.vk_percent**2 - trafo.vkr_percent**2, 0.0))
        yield Branch(
            f"trafo {trafo.Index}",
            buses[trafo.hv_bus],
            buses[trafo.lv_bus],
            percent * trafo.vkr_percent / 100.0,
            percent * x_percent / 100.0,
            1000.0 * trafo.sn_mva * trafo.parallel * trafo.df,
            low / high,
        )


def _tap(trafo: Row, where: str) -> float:
    """Return what the tap makes of the voltage of its winding."""
    if np.nan_to_num(getattr(trafo, "tap2_pos", 0.0) - getattr(trafo, "tap2_neutral", 0.0)) != 0.0:
        raise NetworkDataError(f"{where}: it has a second tap changer, off neutral; allowed: one")
    steps = np.nan_to_num(trafo.tap_pos - trafo.tap_neutral)
    if steps == 0.0:
        return 1.0
    degree, kind = np.nan_to_num(getattr(trafo, "tap_step_degree", 0.0)), getattr(trafo, "tap_changer_type", None)
    if degree != 0.0 or (isinstance(kind, str) and kind != "Ratio"):
        raise NetworkDataError(f"{where}: its tap shifts the phase or follows a table; allowed: taps of the ratio")
    return float(1.0 + steps * np.nan_to_num(trafo.tap_step_percent) / 100.0)


def _switches(net: Any, buses: Names) -> Iterator[Branch]:
    between = net.switch[(net.switch.et == "b") & net.switch.closed.astype(bool)]
    for switch in between.itertuples():
        if switch.bus in buses and switch.element in buses:
            pu = SWITCH_OHM * net.sn_mva / net.bus.vn_kv[switch.bus] ** 2
            yield Branch(f"switch {switch.Index}", buses[switch.bus], buses[switch.element], pu, pu)


def _places(net: Any, buses: Names) -> Vector | None:
    """Return (n_buses, 2) coordinates if every bus has them."""
    written: list[Any] = [net.bus.geo.get(bus) for bus in buses] if "geo" in net.bus else [None]
    if not all(isinstance(text, str) for text in written):
        return None
    return np.array([json.loads(text)["coordinates"][:2] for text in written], dtype=np.float64)
