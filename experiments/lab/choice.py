"""What a reader of the lab has chosen, and the experiment that it stands for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import tomli_w

from bestresponse.errors import DataError
from bestresponse.market import Market
from bestresponse.schemes.protocol import Scheme
from experiments.build import Model, build
from experiments.case import Case, case_from, case_tables
from experiments.grid import Settings, chosen, setting


@dataclass(frozen=True)
class Choice:
    """The fields of the page as they were typed; an empty one leaves the value to the case or to the scheme."""

    case: str = "teaching"
    scenario: str = "base"
    scheme: str = "sharing"
    sigma: str = "1"
    newton: str = ""
    relaxation: str = ""
    anderson: str = ""
    v2g: bool = True
    v2g_share: str = ""
    load_factor: str = ""

    def tables(self) -> tuple[dict[str, Any], str]:
        """Return the case with the reader's changes as the tables of a TOML file, and what messages call it.

        Raises DataError for a case or scenario that does not exist, and for a field that is no number.
        """
        tables, file = case_tables(self.case)
        case_from(tables, file).scenario(self.scenario)
        if self.v2g_share.strip():
            vehicles = tables["vehicles"]
            vehicles["v2g_share"] = _number("V2G share", self.v2g_share)
            for each in vehicles.get("classes", ()):
                each.pop("v2g_share", None)  # what is chosen here holds for all
        if self.load_factor.strip():
            scenarios = tables.setdefault("scenarios", {self.scenario: {}})
            scenarios[self.scenario]["load_factor"] = _number("load factor", self.load_factor)
        return tables, file

    def toml(self) -> str:
        """Return the case with the reader's changes as a TOML file. Raises DataError as `tables` does."""
        return tomli_w.dumps(self.tables()[0])

    def settings(self) -> Settings:
        """Return the scheme's settings. Raises DataError that says what was given and what is allowed."""
        texts = {key: getattr(self, key).strip() for key in ("sigma", "newton", "relaxation", "anderson")}
        given: dict[str, Any] = {key: setting(key, text) for key, text in texts.items() if text}
        return Settings(**given)

    def experiment(self) -> Experiment:
        """Return what is to be run. Raises DataError, naming every problem, for choices that do not fit."""
        settings = self.settings()
        (scheme,) = chosen(self.scheme)
        case = case_from(*self.tables())
        return Experiment(case, self.scenario, self.v2g, scheme, settings)


@dataclass(frozen=True)
class Experiment:
    """One scenario of a case, the scheme that is to solve it, and the scheme's settings."""

    case: Case
    scenario: str
    v2g: bool
    scheme: Scheme
    settings: Settings

    @cached_property
    def model(self) -> Model:
        """The model that the run asks."""
        return build(self.case, self.scenario, self.v2g)

    @cached_property
    def mirror(self) -> Market:
        """The same market with players of its own: to measure on, so that the run is the same as without it."""
        return build(self.case, self.scenario, self.v2g).market

    @property
    def headline(self) -> str:
        """What is run, in one line."""
        vehicles, label = "with" if self.v2g else "without", self.settings.label(self.scheme, self.model.market)
        return f"{self.case.name} / {self.scenario} / {vehicles} V2G: {label}"


def _number(what: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise DataError(f"{what}: given {text!r}, must be a number") from None
