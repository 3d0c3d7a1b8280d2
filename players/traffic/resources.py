"""Traffic in resource form: what a path uses, and what a unit of it costs at the margin.

A path is a sparse row over resources: links, station visits and trades of energy goods. With M the paths'
use of resources and r = Mᵀf the levels, the path costs are

    F(f) = constant + L g(Mᵀ f),

g being the marginal cost of every resource: ω t_a(v), ω w_i(x), price + anchor price of every good. The classes'
rows are divided by their value of time and multiplied by the reference ω (a class's equilibrium does not notice):
all classes then see the same time cost, and L = M unless electric classes differ in their value of time. With
L = M the costs are the gradient of a convex potential.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import sparse

from bestresponse.errors import DataError
from bestresponse.player import Anchor
from bestresponse.typing import IntVector, SparseMatrix, Vector
from players.traffic.classes import Stations, VehicleClass
from players.traffic.travel_time import LinkTime

DENSE_LIMIT = 2_000_000  # entries of M that are also kept as a dense array, whose rows are ten times faster to take


@dataclass(frozen=True)
class ResourceForm:
    """All classes' paths stacked, with their use of resources. Columns: links, stations, goods.

    A group is one OD pair of one class; its paths are contiguous. Energy goods are the trades themselves: charged
    energy counts positive, discharged energy negative.
    """

    classes: tuple[VehicleClass, ...]
    stations: Stations
    link_time: LinkTime
    v2g: bool
    reference: float  # [$/h] ω of the scaling: the least value of time of an electric class
    scale: Vector  # (n_paths,) reference ω / own ω
    use: SparseMatrix  # (n_paths, n_resources) M
    charge: SparseMatrix  # (n_paths, n_resources) L; the same object as `use` where there is a potential
    dwell_h: Vector  # (n_paths,) [h] time at the piles
    wear: Vector  # (n_paths,) [$] battery degradation
    group: IntVector  # (n_paths,) the group of every path
    first: IntVector  # (n_groups,) the first path of every group
    demand: Vector  # (n_groups,) [veh/h]

    @property
    def n_links(self) -> int:
        """The number of links."""
        return len(self.link_time.capacity)

    @property
    def n_stations(self) -> int:
        """The number of stations."""
        return len(self.stations.nodes)

    @property
    def n_goods(self) -> int:
        """The number of goods: charging at every station, then discharging if there is V2G."""
        return (2 if self.v2g else 1) * self.n_stations

    @property
    def n_paths(self) -> int:
        """The number of paths of all classes."""
        return len(self.group)

    @property
    def has_potential(self) -> bool:
        """Whether the scaled path costs are the gradient of a function, also under an anchor."""
        return self.charge is self.use

    @cached_property
    def constant(self) -> Vector:
        """(n_paths,) [$] scaled cost of dwell and degradation, which no flow changes."""
        return self.reference * self.dwell_h + self.scale * self.wear

    @cached_property
    def use_by_resource(self) -> SparseMatrix:
        """(n_resources, n_paths) Mᵀ, stored by row."""
        return sparse.csr_array(self.use.T)

    @cached_property
    def charge_by_resource(self) -> SparseMatrix:
        """(n_resources, n_paths) Lᵀ, stored by row."""
        return self.use_by_resource if self.has_potential else sparse.csr_array(self.charge.T)

    def rows(self, paths: IntVector, slope: Vector) -> tuple[Vector | SparseMatrix, Vector | SparseMatrix]:
        """Return the rows of M and of L diag(slope) for some paths, both (n, n_resources), dense while M is small."""
        if self.n_paths * self.use.shape[1] <= DENSE_LIMIT:
            use, charge = self._dense
            return use[paths], charge[paths] * slope
        return self.use[paths], self.charge[paths] @ sparse.diags_array(slope)

    @cached_property
    def _dense(self) -> tuple[Vector, Vector]:
        use = self.use.toarray()
        return use, use if self.has_potential else self.charge.toarray()

    @cached_property
    def links(self) -> SparseMatrix:
        """(n_paths, n_links) the links of every path."""
        return self.use[:, : self.n_links]

    @cached_property
    def visits(self) -> SparseMatrix:
        """(n_paths, n_stations) the stops of every path."""
        return self.use[:, self.n_links : self.n_links + self.n_stations]

    @cached_property
    def trades(self) -> SparseMatrix:
        """(n_paths, n_goods) [kWh/veh] what a vehicle takes of every good; discharged energy is negative."""
        return self.use[:, self.n_links + self.n_stations :]

    @cached_property
    def class_of_path(self) -> IntVector:
        """(n_paths,) the class of every path."""
        return self.class_of_group[self.group]

    @cached_property
    def class_of_group(self) -> IntVector:
        """(n_groups,) the class of every OD pair of a class."""
        return np.repeat(np.arange(len(self.classes)), [len(each.demand) for each in self.classes])

    @cached_property
    def path_money(self) -> Vector:
        """(n_paths,) scaled $ → the player's $: an electric class faces prices, so its own $ count."""
        return self.group_money[self.group]

    @cached_property
    def group_money(self) -> Vector:
        """(n_groups,) the same for every group."""
        electric = np.array([each.electric for each in self.classes])
        return np.where(electric, 1.0 / self.scale_of_class, 1.0)[self.class_of_group]

    @cached_property
    def scale_of_class(self) -> Vector:
        """(n_classes,) reference ω / own ω."""
        return np.array([self.reference / each.value_of_time for each in self.classes])

    def in_order(self, order: IntVector) -> ResourceForm:
        """Return the same paths in another order, in which those of a group need not stand together any more."""
        use = self.use[order]
        return replace(
            self,
            scale=self.scale[order],
            use=use,
            charge=use if self.has_potential else self.charge[order],
            dwell_h=self.dwell_h[order],
            wear=self.wear[order],
            group=self.group[order],
        )

    def od_pair(self, group: int) -> tuple[int, int]:
        """Return the origin and destination of a group."""
        k = int(self.class_of_group[group])
        return self.classes[k].paths.od_pairs[group - int(np.argmax(self.class_of_group == k))]

    def group_name(self, group: int) -> str:
        """Return a group's name for messages and labels, such as "EV 1-20"."""
        origin, destination = self.od_pair(group)
        return f"{self.classes[int(self.class_of_group[group])].name} {origin}-{destination}"

    def own_cost(self, path_flow: Vector, link_flow: Vector, visits: Vector) -> float:
        """Return [$/h] the player's cost without payments: the potential, or what drivers bear where there is none."""
        if self.has_potential:
            hours = self.link_time.integral(link_flow).sum() + self.stations.waiting.integral(visits).sum()
            return float(self.reference * hours + self.constant @ path_flow)
        hours = self.links @ self.link_time.value(link_flow) + self.visits @ self.stations.waiting.value(visits)
        return float(path_flow @ ((self.reference * hours + self.constant) / self.scale))

    def split(self, levels: Vector) -> tuple[Vector, Vector, Vector]:
        """Return the link flows, station visits and trades in a vector of resource levels."""
        stations = self.n_links
        goods = stations + self.n_stations
        return levels[:stations], levels[stations:goods], levels[goods:]


def resource_form(link_time: LinkTime, classes: Sequence[VehicleClass], stations: Stations, v2g: bool) -> ResourceForm:
    """Return the resource form of classes on one road. Raises DataError if their path sets do not fit together."""
    _check_fit(len(link_time.capacity), classes, stations, v2g)
    reference = min((each.value_of_time for each in classes if each.electric), default=classes[0].value_of_time)
    own = [reference / each.value_of_time for each in classes]
    use = sparse.csr_array(sparse.vstack([_use(each, v2g) for each in classes], format="csr"))
    scale = np.repeat(own, [len(each.paths.od) for each in classes])
    counts = [len(each.demand) for each in classes]
    offsets = np.concatenate([[0], np.cumsum(counts)[:-1]])
    group = np.concatenate([each.paths.od + offset for each, offset in zip(classes, offsets, strict=True)])
    one_scale = all(each.value_of_time == reference for each in classes if each.electric)
    return ResourceForm(
        classes=tuple(classes),
        stations=stations,
        link_time=link_time,
        v2g=v2g,
        reference=reference,
        scale=scale,
        use=use,
        charge=use if one_scale else _scale_energy(use, scale, len(link_time.capacity) + len(stations.nodes)),
        dwell_h=np.concatenate([_energy_moved(each) @ (1.0 / stations.pile_kw) for each in classes]),
        wear=np.concatenate([each.degradation * each.paths.discharged.sum(axis=1) for each in classes]),
        group=group.astype(np.int64),
        first=np.searchsorted(group, np.arange(sum(counts))).astype(np.int64),
        demand=np.concatenate([np.asarray(each.demand, dtype=float) for each in classes]),
    )


@dataclass(frozen=True)
class Marginal:
    """g and g′: what one more unit of every resource costs [$] at given prices and anchor."""

    form: ResourceForm
    price: Vector  # (n_goods,) [$/kWh]
    anchor: Anchor | None = None

    def value(self, levels: Vector) -> Vector:
        """Return (n_resources,) [$ per unit] the marginal costs at the levels."""
        form = self.form
        flow, visits, trade = form.split(levels)
        time, waiting = form.link_time.value(flow), form.stations.waiting.value(visits)
        energy = self.price if self.anchor is None else self.price + self.anchor.price(trade)
        return np.concatenate([form.reference * time, form.reference * waiting, energy])

    def derivative(self, levels: Vector) -> Vector:
        """Return (n_resources,) [$ per unit²] their derivatives; every marginal cost depends on its own level only."""
        form = self.form
        flow, visits, trade = form.split(levels)
        time, waiting = form.link_time.derivative(flow), form.stations.waiting.derivative(visits)
        energy = np.zeros(len(trade)) if self.anchor is None else self.anchor.weight
        return np.concatenate([form.reference * time, form.reference * waiting, energy])


def _use(vehicles: VehicleClass, v2g: bool) -> SparseMatrix:
    paths = vehicles.paths
    parts = [paths.links, paths.visits, paths.charged]
    return sparse.csr_array(sparse.hstack([*parts, -paths.discharged] if v2g else parts, format="csr"))


def _scale_energy(use: SparseMatrix, scale: Vector, first_good: int) -> SparseMatrix:
    rows = np.repeat(np.arange(use.shape[0]), np.diff(use.indptr))
    factor = np.where(use.indices >= first_good, scale[rows], 1.0)
    return sparse.csr_array((use.data * factor, use.indices.copy(), use.indptr.copy()), shape=use.shape)


def _energy_moved(vehicles: VehicleClass) -> SparseMatrix:
    return sparse.csr_array(vehicles.paths.charged + vehicles.paths.discharged)


def _check_fit(n_links: int, classes: Sequence[VehicleClass], stations: Stations, v2g: bool) -> None:
    if not classes:
        raise DataError("traffic: there must be at least one class of vehicles")
    names = [each.name for each in classes]
    if len(set(names)) != len(names):
        raise DataError(f"traffic: classes {names}; every class needs a name of its own")
    for each in classes:
        if each.paths.links.shape[1] != n_links:
            raise DataError(
                f"class {each.name!r}: its paths run over {each.paths.links.shape[1]} links, the road has {n_links}"
            )
        if tuple(each.paths.stations) != tuple(stations.nodes):
            raise DataError(
                f"class {each.name!r}: its paths know stations {each.paths.stations}, the player {stations.nodes}"
            )
        if not v2g and each.paths.discharged.count_nonzero():
            raise DataError(f"class {each.name!r}: its paths discharge, but v2g is off; generate them without")
