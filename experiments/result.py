"""A solved scenario as plain data: what tables, figures and later comparisons read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bestresponse.errors import DataError
from bestresponse.files import replacing
from experiments.result_tables import LAYOUTS, columns

if TYPE_CHECKING:
    import pandas as pd

    from bestresponse.certificate import Certificate


@dataclass(frozen=True)
class Result:
    """One scenario, solved or not: every field is plain data and goes into the JSON file as it is."""

    case: str
    scenario: str
    v2g: bool
    method: str
    status: str  # sentences
    stop: str  # a StopReason in lower case, e.g. converged, sweep_limit or interrupted
    solved: bool  # every route taken converged and is certified
    quantities: Mapping[str, Any]
    certificate: Mapping[str, Any]
    cross_check: Mapping[str, Any]
    sweeps: int | None  # of the coordinator; None if it did not run
    seconds: Mapping[str, float]  # by phase and player
    provenance: Mapping[str, Any]
    routes_agree: bool | None = None  # None for one route, or where several answers may be right
    monolith: Mapping[str, Any] = field(default_factory=dict)  # factorisations, natural residual, status
    trace: tuple[Mapping[str, Any], ...] = ()  # one row per sweep
    ranges: Mapping[str, Any] = field(default_factory=dict)  # lowest and highest over all equilibria, if asked for

    def table(self, name: str) -> pd.DataFrame:
        """Return one of the tables in `tables`, as a data frame with units in the column names.

        Raises DataError for a name that is no table.
        """
        import pandas as pd

        if name not in self.tables:
            raise DataError(f"there is no table {name!r}; there are {', '.join(self.tables)}")
        if name not in ("trace", "cross_check") and not self.quantities:
            raise DataError(f"there is no table {name!r}: the run holds no quantities. {self.status}")
        if name == "paths" and name not in self.quantities:
            raise DataError("there is no table 'paths': the model of traffic does not tell them")
        if name == "dlmp":
            return self.table("buses")[["dlmp_usd_per_kwh"]]
        if name == "paths":
            return pd.DataFrame(self.quantities["paths"])
        if name == "trace":
            return pd.DataFrame(list(self.trace))
        if name == "summary":
            scalars = {k: v for k, v in self.quantities.items() if isinstance(v, int | float)}
            return pd.DataFrame({"value": scalars}).rename_axis("quantity")
        if name == "cross_check":
            return pd.DataFrame.from_dict(dict(self.cross_check), orient="index").rename_axis("quantity")
        found = columns(self.quantities, name)
        index = LAYOUTS[name].index
        values = {column: value for column, value in found.items() if column != index}
        return pd.DataFrame(values, index=pd.Index(found[index], name=index), dtype=float)

    @property
    def tables(self) -> tuple[str, ...]:
        """The names that `table` knows."""
        return ("dlmp", *LAYOUTS, "paths", "trace", "summary", "cross_check")

    def save(self, path: str | Path) -> None:
        """Write the result as JSON; the file appears complete or not at all."""
        with replacing(path) as file:
            json.dump(asdict(self), file, indent=1)


def certificate_data(certificate: Certificate | None) -> dict[str, Any]:
    """Return a certificate as plain data; nothing for none."""
    if certificate is None:
        return {}
    return {
        "holds": certificate.holds,
        "sentence": str(certificate),
        "imbalance": dict(certificate.imbalance),
        "price_disagreement": certificate.price_disagreement,
        "gain": {name: asdict(gain) for name, gain in certificate.gains.items()},
        "natural_residual": certificate.natural_residual,
    }


def load_result(path: str | Path) -> Result:
    """Return the result saved in a JSON file. Raises DataError if the file is no result."""
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error
    except json.JSONDecodeError as error:
        raise DataError(f"{path}: line {error.lineno}, column {error.colno}: no JSON ({error.msg})") from error
    known = {item.name for item in fields(Result)}
    needed = {item.name for item in fields(Result) if item.default is MISSING and item.default_factory is MISSING}
    if not isinstance(data, dict) or not needed <= data.keys() <= known:
        raise DataError(f"{path}: no result of `bestresponse solve --json`")
    return Result(**(data | {"trace": tuple(data.get("trace", ()))}))
