"""What every model of a distribution operator is given besides its network."""

from __future__ import annotations

from dataclasses import dataclass

from bestresponse.errors import DataError


@dataclass(frozen=True)
class ImportContract:
    """What the transmission system supplies at the root: price and limits."""

    price_usd_per_kwh: float  # c^T
    p_max_kw: float
    q_min_kvar: float
    q_max_kvar: float


@dataclass(frozen=True)
class VoltageLimits:
    """Voltage magnitudes [p.u.]; the root is held at the source voltage."""

    source_pu: float
    min_pu: float
    max_pu: float

    def __post_init__(self) -> None:
        if not 0 < self.min_pu <= self.source_pu <= self.max_pu:
            raise DataError(f"voltages must satisfy 0 < min ≤ source ≤ max, given {self}")
