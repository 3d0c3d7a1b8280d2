"""Several schemes on one scenario under one budget: how many sweeps and seconds each takes to every accuracy."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from bestresponse.acceleration import Anderson
from bestresponse.balancing import Balancing
from bestresponse.coordinator import PLAIN, UNBALANCED, coordinate
from bestresponse.equilibrium import Equilibrium
from bestresponse.errors import DataError, FormulationError
from bestresponse.schemes.protocol import Scheme
from bestresponse.schemes.registry import SCHEMES
from bestresponse.stopping import Limits, Tolerances
from bestresponse.system import ComplementaritySystem
from bestresponse.trace import SweepRecord
from experiments.build import build
from experiments.case_problems import nearest
from experiments.case_schema import Case

TARGETS = {f"1e-{k}": 10.0**-k for k in range(2, 9)}
LOWEST, HIGHEST = 0.5, 2.0  # factors of the first prices of a seeded run


@dataclass(frozen=True)
class Settings:
    """One point of the grid. None leaves a setting to the scheme's default."""

    sigma: float = 1.0
    anderson: int | None = None  # memory; 0 for none
    relaxation: float | None = None
    balancing: int | None = None  # every so many sweeps; 0 for never
    seed: int = 0  # 0: the usual first prices; else they are multiplied by random factors between 0.5 and 2

    def acceleration(self, scheme: Scheme) -> Anderson:
        """Return the acceleration for a scheme. Raises FormulationError for a value outside its range."""
        usual = Anderson() if scheme.accelerates else PLAIN
        memory = usual.memory if self.anderson is None else self.anderson
        return replace(
            usual, memory=memory, relaxation=usual.relaxation if self.relaxation is None else self.relaxation
        )

    def penalties(self, scheme: Scheme) -> Balancing:
        """Return the balancing for a scheme."""
        usual = Balancing() if scheme.balances else UNBALANCED
        return usual if self.balancing is None else Balancing(every=self.balancing)


@dataclass(frozen=True)
class Entry:
    """What one scheme with one setting did."""

    scheme: str
    settings: Mapping[str, float]
    sweeps_to: Mapping[str, int | None]  # the first sweep with imbalance and price disagreement within the target
    seconds_to: Mapping[str, float | None]
    gain_sweeps_to: Mapping[str, int | None]  # the first sweep at which no measured gain exceeds the target
    stop_reason: str  # in a word
    stop: str  # in a sentence
    final: Mapping[str, float | None]  # imbalance, gain, natural_residual of the best sweep
    records: Sequence[SweepRecord] = field(default=(), repr=False)

    @property
    def label(self) -> str:
        """The scheme and the settings that are not its own defaults."""
        usual = _resolved(SCHEMES[self.scheme], Settings())
        return ", ".join([self.scheme, *(f"{key} {v:g}" for key, v in self.settings.items() if v != usual[key])])

    def data(self) -> dict[str, Any]:
        """Return everything but the records, as plain data."""
        return {key: value for key, value in asdict(replace(self, records=())).items() if key != "records"}


def chosen(names: str) -> list[Scheme]:
    """Return the schemes in a text like "sharing,pdhg". Raises DataError for an unknown one."""
    found = []
    for name in names.split(","):
        if name.strip() not in SCHEMES:
            raise DataError(
                f"schemes: no scheme {name.strip()!r}{nearest(name.strip(), list(SCHEMES))} "
                f"Schemes: {', '.join(SCHEMES)}"
            )
        found.append(SCHEMES[name.strip()])
    return found


def grid(axes: Sequence[str], seeds: int = 1) -> list[Settings]:
    """Return every combination of texts like "sigma=1,3", for every seed. Raises DataError naming what does not fit."""
    values: dict[str, list[Any]] = {}
    for axis in axes:
        key, _, numbers = axis.partition("=")
        if key not in ("sigma", "anderson", "relaxation", "balancing"):
            raise DataError(f"grid: {axis!r} has no known key; allowed: sigma, anderson, relaxation, balancing")
        values[key] = [_number(key, text) for text in numbers.split(",")]
    if not seeds >= 1:
        raise DataError(f"seeds: given {seeds}, must be at least 1")
    points = [Settings()]
    for key, choices in values.items():
        points = [replace(point, **{key: choice}) for point in points for choice in choices]
    return [replace(point, seed=seed) for seed in range(seeds) for point in points]


def _number(key: str, text: str) -> float:
    try:
        value = float(text) if key in ("sigma", "relaxation") else int(text)
    except ValueError:
        raise DataError(f"grid: {key}={text!r} is not a number it can have") from None
    allowed = {"sigma": value > 0, "relaxation": 0 < value < 2, "anderson": value >= 0, "balancing": value >= 0}
    if not (allowed[key] and np.isfinite(value)):
        raise DataError(f"grid: {key}={text} is out of range (sigma > 0, 0 < relaxation < 2, others ≥ 0)")
    return value


def compare(
    case: Case,
    scenario: str,
    v2g: bool,
    schemes: Sequence[Scheme],
    points: Sequence[Settings],
    *,
    max_sweeps: int = 600,
    tolerance: float = 1e-8,
    on_run: Callable[[str], None] | None = None,
) -> Iterator[Entry]:
    """Yield one entry for every scheme and point, as soon as it is there; one that cannot run says why.

    Every run starts from a market built anew, so that no player remembers anything.
    """
    if not max_sweeps >= 1:
        raise DataError(f"max-sweeps: given {max_sweeps}, must be at least 1")
    for scheme, point in itertools.product(schemes, points):
        if on_run is not None:
            on_run(scheme.name)
        model = build(case, scenario, v2g)
        factors = np.random.default_rng(point.seed).uniform(LOWEST, HIGHEST, model.market.n_goods)
        try:
            found = coordinate(
                model.market,
                model.first_price * (factors if point.seed else 1.0),
                scheme=scheme,
                sigma=point.sigma,
                acceleration=point.acceleration(scheme),
                balancing=point.penalties(scheme),
                tolerances=Tolerances.of(tolerance),
                limits=Limits(max_sweeps=max_sweeps),
                natural_residual=ComplementaritySystem(model.market).natural_residual,
            )
        except FormulationError as error:
            never = dict.fromkeys(TARGETS)
            settings = _resolved(scheme, point)
            yield Entry(scheme.name, settings, never, never, never, "refused", str(error), _nothing())
            continue
        yield _entry(scheme, point, found)


def _entry(scheme: Scheme, point: Settings, found: Equilibrium) -> Entry:
    records = found.trace.records
    first = {
        key: next((r for r in records if max(r.imbalance, r.disagreement) <= target), None)
        for key, target in TARGETS.items()
    }
    gains = {
        key: next((r.sweep for r in records if r.gain is not None and r.gain <= target), None)
        for key, target in TARGETS.items()
    }
    final = _nothing()
    if found.certificate is not None:
        certificate = found.certificate
        final = {
            "imbalance": certificate.largest_imbalance,
            "gain": certificate.largest_gain,
            "natural_residual": certificate.natural_residual,
        }
    return Entry(
        scheme=scheme.name,
        settings=_resolved(scheme, point),
        sweeps_to={key: record.sweep if record else None for key, record in first.items()},
        seconds_to={key: record.seconds if record else None for key, record in first.items()},
        gain_sweeps_to=gains,
        stop_reason=found.stop.reason.name.lower(),
        stop=str(found.stop),
        final=final,
        records=records,
    )


def _resolved(scheme: Scheme, point: Settings) -> dict[str, float]:
    """What the run was made with, defaults filled in."""
    accelerated = point.acceleration(scheme)
    return {
        "sigma": point.sigma,
        "anderson": accelerated.memory,
        "relaxation": accelerated.relaxation,
        "balancing": point.penalties(scheme).every,
        "seed": point.seed,
    }


def _nothing() -> dict[str, float | None]:
    return {"imbalance": None, "gain": None, "natural_residual": None}
