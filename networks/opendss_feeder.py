"""Feeders from OpenDSS files, as balanced equivalents of one phase."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from networks.branches import Branch, Load, radial_feeder
from networks.errors import NetworkDataError
from networks.opendss import opendss_circuit
from networks.radial_feeder import Feeder
from networks.typing import Vector

BASE_KVA = 10_000.0  # three-phase
N_PHASES = 3
_READ = ("vsource", "line", "transformer", "load", "capacitor")
_WITHOUT_POWER = {"energymeter", "monitor", "fmonitor", "sensor", "fuse", "recloser", "relay", "swtcontrol"}
_WITHOUT_POWER |= {"regcontrol", "capcontrol", "invcontrol", "expcontrol", "storagecontroller", "gendispatcher"}


@dataclass(frozen=True)
class _Element:
    """A line or a transformer on some phases."""

    name: str
    start: str
    end: str
    phases: frozenset[int]
    n_phases: int
    impedance: complex  # of a line: of one phase [ohm]; of a transformer: [p.u.] of its rating, as its end sees it
    amps: float = 0.0  # of a line
    kva: float = 0.0  # of a transformer
    kv: tuple[float, float] = (1.0, 1.0)  # of a transformer: rated voltage, line to line, at start and end
    taps: tuple[float, float] = (1.0, 1.0)


def read_opendss(path: Path) -> Feeder:
    """Return the feeder of an OpenDSS master file, in the state in which the file's commands leave it.

    - Line: n phases with mean self and mutual impedances Zs and Zm count as (3/n) (Zs − (n−1)/2 · Zm), as in
      networks/data/SOURCES.md. Its rating is n · NormAmps · kV / √3; NormAmps = 0 is no limit, and a line that states
      none has the 400 A that OpenDSS takes.
    - Transformer: two windings, with rating (kVA), impedance and taps. Elements on different phases between the same
      two buses count as one. Every voltage is in per unit of the rated one of its level. Taps are data of the feeder
      (`Feeder.tap_ratio`); the market and its AC power flows have every regulator at ratio 1.
    - Load: kW and kvar, as constant power. Capacitor: the steps that are on.
    - Vsource: exactly one; its bus is the root. Its voltage is the case's business, its impedance is left out, as are
      the capacitance of lines and the losses in a transformer's core.

    Open and disabled elements, buses where there is nothing else, meters and controls are passed over. Raises
    NetworkDataError, with file and element, for what OpenDSS refuses, any other element, lines of more than three
    phases, loops and buses without connection to the source; and if OpenDSSDirect.py is not installed.
    """
    engine = opendss_circuit(path)
    names = _by_kind(engine, path)
    if len(names["vsource"]) != 1:
        given = ", ".join(f"Vsource.{name}" for name in names["vsource"]) or "none"
        raise NetworkDataError(f"{path}: voltage sources: {given}; allowed: exactly one, at the root of the feeder")
    engine.Vsources.Name(names["vsource"][0])
    root, source_kv = _bus(engine.CktElement.BusNames()[0]), float(engine.Vsources.BasekV())
    if engine.Vsources.Phases() == 1:
        source_kv *= np.sqrt(3.0)
    elements = [_line(engine, path, name) for name in names["line"]]
    elements += [_transformer(engine, path, name) for name in names["transformer"]]
    standing = list(_loads(engine, path, names))
    used = {root} | {bus for bus, _ in standing} | {bus for element in elements for bus in (element.start, element.end)}
    loads = {bus: Load() for bus in engine.Circuit.AllBusNames() if bus in used}
    for bus, load in standing:
        loads[bus] += load
    nominal = dict.fromkeys(loads, source_kv) | _nominal_kv(root, source_kv, elements)
    branches = [_branch(bank, nominal) for bank in _banks(elements)]
    return radial_feeder(str(path), root, (source_kv, BASE_KVA), loads, branches, _places(engine, loads))


def _by_kind(engine: Any, path: Path) -> dict[str, list[str]]:
    """Return the names of the elements of every class that is read, without those that are disabled or open."""
    names: dict[str, list[str]] = {kind: [] for kind in _READ}
    for full in engine.Circuit.AllElementNames():
        kind, _, name = full.partition(".")
        engine.Circuit.SetActiveElement(full)
        if kind.lower() in _WITHOUT_POWER or not _in_service(engine.CktElement):
            continue
        if kind.lower() not in names:
            allowed = "Vsource, Line, Transformer, Load, Capacitor, meters and controls"
            raise NetworkDataError(
                f"{path}: {full}: elements of class {kind} are not supported; allowed: {allowed}. Generation, storage "
                "and the like are players of the case; say enabled=no"
            )
        names[kind.lower()].append(name)
    return names


def _in_service(element: Any) -> bool:
    """Return whether an element is enabled and closed at all its ends and phases."""
    return element.Enabled() and not any(element.IsOpen(1 + end, 0) for end in range(element.NumTerminals()))


def _line(engine: Any, path: Path, name: str) -> _Element:
    engine.Lines.Name(name)
    n = engine.Lines.Phases()
    if n > N_PHASES:
        raise NetworkDataError(f"{path}: Line.{name} has {n} phases; allowed: 1 to 3, without a neutral of its own")
    ohm = (np.array(engine.Lines.RMatrix()) + 1j * np.array(engine.Lines.XMatrix())) * engine.Lines.Length()
    own, total = np.trace(ohm.reshape(n, n)), ohm.sum()
    mutual = (total - own) / (n * (n - 1)) if n > 1 else 0.0
    start, end = engine.CktElement.BusNames()
    return _Element(
        f"Line.{name}",
        _bus(start),
        _bus(end),
        _phases(start, n),
        n,
        complex(own / n - (n - 1) / 2 * mutual),
        amps=float(engine.Lines.NormAmps()),
    )


def _transformer(engine: Any, path: Path, name: str) -> _Element:
    engine.Transformers.Name(name)
    n, buses = engine.CktElement.NumPhases(), engine.CktElement.BusNames()
    if engine.Transformers.NumWindings() != 2:
        raise NetworkDataError(f"{path}: Transformer.{name} has {len(buses)} windings; allowed: 2")
    kv, taps, resistance = [], [], 0.0
    for winding, bus in enumerate(buses, start=1):
        engine.Transformers.Wdg(winding)
        between_lines = n > 1 or len(_phases(bus, 1 + bus.count("."))) > 1
        kv.append(float(engine.Transformers.kV()) * (1.0 if between_lines else np.sqrt(3.0)))
        taps.append(float(engine.Transformers.Tap()))
        resistance += float(engine.Transformers.R())
    engine.Transformers.Wdg(1)
    return _Element(
        f"Transformer.{name}",
        _bus(buses[0]),
        _bus(buses[1]),
        _phases(buses[0], n),
        n,
        complex(resistance, float(engine.Transformers.Xhl())) / 100.0,
        kva=float(engine.Transformers.kVA()),
        kv=(kv[0], kv[1]),
        taps=(taps[0], taps[1]),
    )


def _loads(engine: Any, path: Path, names: Mapping[str, Sequence[str]]) -> Iterable[tuple[str, Load]]:
    for name in names["load"]:
        engine.Loads.Name(name)
        yield _bus(engine.CktElement.BusNames()[0]), Load(float(engine.Loads.kW()), float(engine.Loads.kvar()))
    for name in names["capacitor"]:
        engine.Capacitors.Name(name)
        start, end = map(_bus, engine.CktElement.BusNames())
        if start != end:
            raise NetworkDataError(f"{path}: Capacitor.{name} stands in series from {start} to {end}; allowed: shunts")
        on = sum(engine.Capacitors.States()) / engine.Capacitors.NumSteps()
        yield start, Load(cap_kvar=on * float(engine.Capacitors.kvar()))


def _bus(terminal: str) -> str:
    return str(terminal.partition(".")[0]).lower()


def _phases(terminal: str, n_phases: int) -> frozenset[int]:
    """Return the phases of a terminal such as "650.1.3"; 1 to n where it names none. Ground is no phase."""
    nodes = [int(node) for node in terminal.split(".")[1 : 1 + n_phases]] or range(1, n_phases + 1)
    return frozenset(node for node in nodes if node > 0)


def _nominal_kv(root: str, source_kv: float, elements: Sequence[_Element]) -> dict[str, float]:
    """Return the nominal voltage [kV], line to line, of every bus that the source reaches, by rated ratios."""
    around: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for element in elements:
        around[element.start].append((element.end, element.kv[1] / element.kv[0]))
        around[element.end].append((element.start, element.kv[0] / element.kv[1]))
    nominal, queue = {root: source_kv}, deque([root])
    while queue:
        bus = queue.popleft()
        for other, ratio in around[bus]:
            if other not in nominal:
                nominal[other] = nominal[bus] * ratio
                queue.append(other)
    return nominal


def _banks(elements: Iterable[_Element]) -> list[list[_Element]]:
    """Return the elements in banks: on different phases between the same two buses, in the same direction."""
    banks: list[list[_Element]] = []
    between: dict[tuple[str, str], list[_Element]] = {}
    for element in elements:
        bank = between.get((element.start, element.end))
        if bank and not any(element.phases & other.phases for other in bank):
            bank.append(element)
        else:
            bank = between[element.start, element.end] = [element]
            banks.append(bank)
    return banks


def _branch(bank: Sequence[_Element], nominal_kv: Mapping[str, float]) -> Branch:
    """Return a bank as one branch: n phases with the impedance (3/n) z_i each, of which the bank has the phase mean."""
    start, end = bank[0].start, bank[0].end
    impedance, ratio, rating = 0j, 0.0, 0.0
    for element in bank:
        part = element.n_phases / sum(each.n_phases for each in bank)
        if element.kva:
            rated_kva, rated_kv = element.kva, element.kv[1] * element.taps[1]
            impedance += part**2 * element.impedance * (rated_kv / nominal_kv[end]) ** 2 * BASE_KVA / rated_kva
        else:
            rated_kva = element.n_phases * (element.amps or np.inf) * nominal_kv[end] / np.sqrt(N_PHASES)
            base_ohm = nominal_kv[end] ** 2 / (BASE_KVA / 1000.0)
            impedance += part**2 * N_PHASES / element.n_phases * element.impedance / base_ohm
        rating += rated_kva
        ratio += part * element.taps[1] / element.taps[0]
    name = " and ".join(element.name for element in bank)
    return Branch(name, start, end, impedance.real, impedance.imag, rating, ratio)


def _places(engine: Any, buses: Iterable[str]) -> Vector | None:
    """Return (n_buses, 2) coordinates if every bus has them."""
    places = []
    for bus in buses:
        engine.Circuit.SetActiveBus(bus)
        if not engine.Bus.Coorddefined():
            return None
        places.append((engine.Bus.X(), engine.Bus.Y()))
    return np.array(places)
