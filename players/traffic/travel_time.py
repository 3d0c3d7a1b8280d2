"""Time lost on links and at stations: value, integral and derivative, vectorised over links or stations.

Link times are the BPR function, eq. (4a); station waiting is the queue of eq. (4b), smoothed as in eq. (7).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from bestresponse.errors import DataError
from bestresponse.typing import BoolVector, Vector
from networks.road import RoadNetwork

# How much smoother the queue is made for an interior point that still is far away (a continuation in μ).
SMOOTHING_PER_ROOT_MU = 300.0  # [veh]
LARGEST_SMOOTHING = 100.0  # [veh]


@dataclass(frozen=True)
class LinkTime:
    """t(v) = free_flow (1 + coefficient (v / capacity)^power) on every link, eq. (4a).

    Raises DataError on values out of range. A power is 0 (a constant time) or at least 1, since between them the
    derivative is infinite on an empty link.
    """

    free_flow_h: Vector  # (n_links,) [h]
    capacity: Vector  # (n_links,) [veh/h]
    coefficient: Vector  # (n_links,) [1]
    power: Vector  # (n_links,) [1]

    def __post_init__(self) -> None:
        _check_lengths("link time", self.free_flow_h, self.capacity, self.coefficient, self.power)
        _refuse("free-flow time", self.free_flow_h, self.free_flow_h >= 0, "at least 0 h")
        _refuse("capacity", self.capacity, self.capacity > 0, "positive")
        _refuse("BPR coefficient", self.coefficient, self.coefficient >= 0, "at least 0")
        _refuse("BPR power", self.power, (self.power == 0) | (self.power >= 1), "0 or at least 1")

    @classmethod
    def of(cls, road: RoadNetwork) -> LinkTime:
        """Return the travel times of a road network's links."""
        return cls(road.free_flow_h, road.capacity_veh_per_h, road.bpr_coefficient, road.bpr_power)

    def value(self, flow: Vector) -> Vector:
        """Return (n_links,) [h] the travel times at the link flows [veh/h]."""
        return self.free_flow_h * (1.0 + self.coefficient * self._raised(flow, self.power))

    def integral(self, flow: Vector) -> Vector:
        """Return (n_links,) [h·veh/h] ∫₀^flow t, the links' terms of the Beckmann function."""
        mean = self.coefficient / (self.power + 1.0) * self._raised(flow, self.power)
        return self.free_flow_h * flow * (1.0 + mean)

    def derivative(self, flow: Vector) -> Vector:
        """Return (n_links,) [h per veh/h] dt/dv."""
        return self._slope_at_capacity * self._raised(flow, self._power_less_one)

    def _raised(self, flow: Vector, power: Vector) -> Vector:
        ratio = flow / self.capacity
        if self._fourth_powers:  # the usual case, and multiplications are much cheaper than powers
            square = ratio * ratio
            return square * (square if power is self.power else ratio)
        return np.power(ratio, power)

    @cached_property
    def _fourth_powers(self) -> bool:
        return bool(np.all(self.power == 4.0))

    @cached_property
    def _power_less_one(self) -> Vector:
        return np.maximum(self.power - 1.0, 0.0)

    @cached_property
    def _slope_at_capacity(self) -> Vector:
        return self.free_flow_h * self.coefficient * self.power / self.capacity


@dataclass(frozen=True)
class Waiting:
    """w(x) = base + slope φ(period · x − capacity) at every station, with the smoothed hinge φ of eq. (7).

    φ(s) = 0 for s ≤ 0, s²/(2ε) for 0 ≤ s ≤ ε, s − ε/2 for s ≥ ε. `marginal` puts w + x w′ in place of w.
    Raises DataError on values out of range.
    """

    base_h: Vector  # (n_stations,) [h] waiting time without a queue
    slope_h_per_veh: Vector  # (n_stations,) [h/veh]
    capacity_veh: Vector  # (n_stations,) [veh] vehicles per period served without a queue
    smoothing_veh: Vector  # (n_stations,) [veh] ε > 0
    period_h: Vector  # (n_stations,) [h] the study period T > 0
    external: float = field(default=0.0, kw_only=True)  # [1] by which share x w′, the time caused to others, counts

    def __post_init__(self) -> None:
        _check_lengths(
            "waiting", self.base_h, self.slope_h_per_veh, self.capacity_veh, self.smoothing_veh, self.period_h
        )
        _refuse("waiting base_h", self.base_h, self.base_h >= 0, "at least 0 h")
        _refuse("waiting slope_h_per_veh", self.slope_h_per_veh, self.slope_h_per_veh >= 0, "at least 0")
        _refuse("waiting capacity_veh", self.capacity_veh, self.capacity_veh >= 0, "at least 0")
        _refuse("waiting smoothing_veh", self.smoothing_veh, self.smoothing_veh > 0, "positive")
        _refuse("waiting period_h", self.period_h, self.period_h > 0, "positive")

    def marginal(self) -> Waiting:
        """Return w + x w′, what one more vehicle costs all vehicles at a station; its integral is x w."""
        return replace(self, external=1.0)

    def value(self, visits: Vector, mu: float = 0.0) -> Vector:
        """Return (n_stations,) [h] the waiting times at the visits [veh/h], smoothed further for mu > 0."""
        queue, smoothing = self._queue(visits, mu)
        inner = np.clip(queue, 0.0, smoothing)
        own = inner * inner / (2.0 * smoothing) + np.maximum(queue - inner, 0.0)
        return self.base_h + self.slope_h_per_veh * (own + self.external * self.period_h * visits * inner / smoothing)

    def integral(self, visits: Vector) -> Vector:
        """Return (n_stations,) [h·veh/h] ∫₀^visits w."""
        queue, smoothing = self._queue(visits, 0.0)
        inner, beyond = np.clip(queue, 0.0, smoothing), np.maximum(queue - smoothing, 0.0)
        hinge = inner**3 / (6.0 * smoothing) + beyond * (beyond + smoothing) / 2.0
        own = self.base_h * visits + self.slope_h_per_veh / self.period_h * hinge
        return own + self.external * (visits * replace(self, external=0.0).value(visits) - own)

    def derivative(self, visits: Vector, mu: float = 0.0) -> Vector:
        """Return (n_stations,) [h per veh/h] dw/dx, smoothed further for mu > 0."""
        queue, smoothing = self._queue(visits, mu)
        steepening = np.where((queue > 0.0) & (queue < smoothing), self.period_h * visits / smoothing, 0.0)
        rise = np.clip(queue / smoothing, 0.0, 1.0)
        return self._slope_in_flow * ((1.0 + self.external) * rise + self.external * steepening)

    def _queue(self, visits: Vector, mu: float) -> tuple[Vector, Vector]:
        queue = self.period_h * visits - self.capacity_veh
        if mu <= 0.0:
            return queue, self.smoothing_veh
        wide = np.maximum(self.smoothing_veh, min(LARGEST_SMOOTHING, SMOOTHING_PER_ROOT_MU * mu**0.5))
        return queue + (wide - self.smoothing_veh) / 2.0, wide  # the shift keeps both hinges equal far from the kink

    @cached_property
    def _slope_in_flow(self) -> Vector:
        return self.slope_h_per_veh * self.period_h


def _check_lengths(what: str, *arrays: Vector) -> None:
    shapes = [np.shape(array) for array in arrays]
    if len(set(shapes)) != 1 or len(shapes[0]) != 1:
        raise DataError(f"{what}: arrays of shapes {shapes}; all must be vectors of one length")


def _refuse(what: str, values: Vector, allowed: BoolVector, rule: str) -> None:
    good = allowed & np.isfinite(values)
    if not good.all():
        entry = int(np.argmin(good))
        raise DataError(f"{what}: entry {entry} is {values[entry]}; it must be {rule} and finite")
