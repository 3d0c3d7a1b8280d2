"""What varies from run to run: grids, listed points, seeded samples and single changes, and their combinations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple, TypeAlias, TypeGuard

import numpy as np

from bestresponse.errors import DataError
from experiments.case_problems import listed, nearest, shown
from experiments.routes import METHODS
from experiments.sweeps.keys import changed, pattern_of, places, value_at
from experiments.sweeps.labels import FACTOR
from experiments.sweeps.study import VALUES, OneAtATime, Random, Study

RUN_KEYS = ("scenario", "v2g", "method", "tolerance", "max_sweeps")  # of a run rather than of its case
UNCHANGED = "nothing"


@dataclass(frozen=True)
class Setting:
    """One key of a run: set to a value, or multiplied by it."""

    pattern: str  # a case key, an option of the run, or nothing for what only the table shows
    value: Any
    times: bool = False
    shown_as: Mapping[str, Any] | None = None  # its columns in the table; None for one, named after the key

    @property
    def columns(self) -> Mapping[str, Any]:
        """What the table shows of it."""
        if self.shown_as is not None:
            return self.shown_as
        return {f"{FACTOR}{self.pattern}" if self.times else self.pattern: self.value}

    def applied(self, tables: Mapping[str, Any]) -> Any:
        """Return a case's tables with the setting in them. Raises DataError where nothing is there to multiply."""
        result = tables
        if not self.pattern or self.pattern in RUN_KEYS:
            return result
        for where in places(self.pattern, tables):
            value = self.value
            if self.times:
                present = value_at(tables, where)
                if isinstance(present, bool) or not isinstance(present, int | float):
                    raise DataError(f"{pattern_of(where)}: given {shown(present)}, must be a number to be multiplied")
                value = present * value
            result = changed(result, where, value)
        return result


Point: TypeAlias = tuple[Setting, ...]


class _Distribution(NamedTuple):
    parameters: tuple[str, ...]
    draw: Callable[..., float]


DISTRIBUTIONS: Mapping[str, _Distribution] = {
    "uniform": _Distribution(("low", "high"), lambda rng, low, high: rng.uniform(low, high)),
    "normal": _Distribution(("mean", "standard deviation"), lambda rng, mean, spread: rng.normal(mean, spread)),
    "triangular": _Distribution(("low", "mode", "high"), lambda rng, low, mode, high: rng.triangular(low, mode, high)),
    "beta": _Distribution(("a", "b"), lambda rng, a, b: rng.beta(a, b)),
    "bernoulli": _Distribution(("probability of 1",), lambda rng, p: float(rng.binomial(1, p))),
}


def points(study: Study) -> list[Point]:
    """Return the settings of every run of a study, siting left out, in the order of its table.

    Raises DataError, naming the place in the study, for keys that do not exist and for values that are none.
    """
    tables = study.base_case.model_dump()
    axes = [_axis(study, tables, name, spec) for name, spec in study.grid.items()]
    if study.points:
        axes.append([_listed_point(study, tables, k, each) for k, each in enumerate(study.points, start=1)])
    if study.random:
        axes.append(_samples(study, tables, study.random))
    if study.one_at_a_time:
        axes.append(_single_changes(study, tables, study.one_at_a_time))
    found = [tuple(setting for part in parts for setting in part) for parts in product(*axes)]
    _check_options(study, found)
    return found


def _check_options(study: Study, designs: Sequence[Point]) -> None:
    """Raise DataError for a scenario, a method or another option of a run that does not exist."""
    options = {name: [getattr(study, name)] for name in RUN_KEYS}
    for setting in (setting for design in designs for setting in design):
        if setting.pattern in RUN_KEYS:
            if setting.times:
                raise DataError(f"{study.file}: {setting.pattern}: an option of the run is given values, not factors")
            options[setting.pattern].append(setting.value)
    allowed: Mapping[str, tuple[Callable[[Any], bool], str]] = {
        "scenario": (lambda value: value in list(study.base_case.scenarios), listed(study.base_case.scenarios)),
        "v2g": (lambda value: isinstance(value, bool), "true or false"),
        "method": (lambda value: value in METHODS, ", ".join(METHODS)),
        "tolerance": (lambda value: _is_number(value) and 0 < value < 1, "a number between 0 and 1"),
        "max_sweeps": (lambda value: isinstance(value, int) and value >= 1, "a whole number ≥ 1"),
    }
    for name, (fits, words) in allowed.items():
        for value in options[name]:
            if not fits(value):
                hint = nearest(value, words.split(", ")).removesuffix(".")
                raise DataError(f"{study.file}: {name}: given {shown(value)}, must be one of {words}{hint}")


def _axis(study: Study, tables: Mapping[str, Any], pattern: str, spec: Any) -> list[Point]:
    where = f"{study.file}: grid.{pattern}"
    _check_key(where, pattern, tables)
    times = isinstance(spec, Mapping) and "times" in spec
    values = _values(where, spec["times"] if times else spec)
    return [(Setting(pattern, value, times),) for value in values]


def _values(where: str, spec: Any) -> list[Any]:
    """The values that a list, or a table with from, to and steps, stands for."""
    if isinstance(spec, list | tuple):
        if not spec:
            raise DataError(f"{where}: given an empty list, must hold at least one value")
        return list(spec)
    if not isinstance(spec, Mapping):
        raise DataError(f"{where}: given {shown(spec)}, must be a list of values or {{ from, to, steps }}")
    _check_words(where, spec, VALUES)
    start, end, steps = spec.get("from"), spec.get("to"), spec.get("steps")
    if not (_is_number(start) and _is_number(end) and isinstance(steps, int) and steps >= 1):
        raise DataError(f"{where}: given {shown(dict(spec))}, must be {{ from = number, to = number, steps ≥ 1 }}")
    scale = spec.get("scale", "linear")
    if scale not in ("linear", "log") or (scale == "log" and not (start > 0 and end > 0)):
        raise DataError(f'{where}: given scale {shown(scale)}, must be "linear", or "log" between numbers > 0')
    spread = np.linspace if scale == "linear" else np.geomspace
    found = [float(f"{value:.12g}") for value in spread(start, end, steps)]
    whole = isinstance(start, int) and isinstance(end, int) and all(value == int(value) for value in found)
    return [int(value) for value in found] if whole else found


def _listed_point(study: Study, tables: Mapping[str, Any], number: int, given: Mapping[str, Any]) -> Point:
    if not given:
        raise DataError(f"{study.file}: points[{number}]: given no key, must hold at least one")
    for pattern in given:
        _check_key(f"{study.file}: points[{number}]", pattern, tables)
    return tuple(Setting(pattern, value) for pattern, value in given.items())


def _samples(study: Study, tables: Mapping[str, Any], random: Random) -> list[Point]:
    if not random.draw:
        raise DataError(f"{study.file}: random.draw: given no key, must hold at least one with its distribution")
    for pattern, spec in random.draw.items():
        _check_draw(f"{study.file}: random.draw.{pattern}", pattern, spec, tables)
    return [_sample(study, tables, random, number) for number in range(1, random.samples + 1)]


def _sample(study: Study, tables: Mapping[str, Any], random: Random, number: int) -> Point:
    """One draw of every key; a generator of its own for every sample, so that more samples change none."""
    rng = np.random.default_rng([random.seed, number])
    found = [Setting("", number, shown_as={"sample": number})]
    for pattern, spec in random.draw.items():
        kind = next(name for name in DISTRIBUTIONS if name in spec)
        names = [pattern] if spec.get("together") else [pattern_of(where) for where in places(pattern, tables)]
        for name in names:
            try:
                value = DISTRIBUTIONS[kind].draw(rng, *spec[kind])
            except (ValueError, TypeError) as error:
                raise DataError(f"{study.file}: random.draw.{pattern}: given {shown(dict(spec))}: {error}") from None
            found.append(Setting(name, float(value), bool(spec.get("times"))))
    return tuple(found)


def _check_draw(where: str, pattern: str, spec: Any, tables: Mapping[str, Any]) -> None:
    _check_key(where, pattern, tables)
    kinds = [name for name in DISTRIBUTIONS if isinstance(spec, Mapping) and name in spec]
    if len(kinds) != 1:
        allowed = ", ".join(f"{name} = [{', '.join(each.parameters)}]" for name, each in DISTRIBUTIONS.items())
        raise DataError(f"{where}: given {shown(spec)}, must be a table with one of {allowed}")
    _check_words(where, spec, (*DISTRIBUTIONS, "times", "together"))
    numbers, names = spec[kinds[0]], DISTRIBUTIONS[kinds[0]].parameters
    if not isinstance(numbers, list | tuple) or len(numbers) != len(names) or not all(map(_is_number, numbers)):
        raise DataError(f"{where}.{kinds[0]}: given {shown(numbers)}, must be [{', '.join(names)}]")


def _single_changes(study: Study, tables: Mapping[str, Any], given: OneAtATime) -> list[Point]:
    for pattern in given.keys:
        _check_key(f"{study.file}: one_at_a_time.keys", pattern, tables)
    as_it_is = Setting("", 1.0, shown_as={"changed": UNCHANGED, "factor": 1.0})
    return [
        (as_it_is,),
        *(
            (Setting(pattern, factor, times=True, shown_as={"changed": pattern, "factor": factor}),)
            for pattern in given.keys
            for factor in given.times
        ),
    ]


def _check_key(where: str, pattern: str, tables: Mapping[str, Any]) -> None:
    if pattern in RUN_KEYS:
        return
    try:
        found = places(pattern, tables)
    except DataError as error:
        raise DataError(f"{where}: {error}") from None
    if not found:
        raise DataError(f"{where}: there is no entry that {shown(pattern)} stands for")


def _check_words(where: str, spec: Iterable[str], words: Iterable[str]) -> None:
    for name in spec:
        if name not in words:
            raise DataError(
                f"{where}: unknown key {shown(name)}{nearest(name, words)} Allowed: {listed(sorted(words))}"
            )


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
