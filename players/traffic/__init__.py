"""Drivers in traffic equilibrium."""

from players.traffic.classes import Stations, VehicleClass
from players.traffic.elastic import ElasticTraffic, InverseDemand, empty_road_cost
from players.traffic.external import Assigned, ExternalTraffic
from players.traffic.logit import LogitTraffic
from players.traffic.player import Traffic, station_goods
from players.traffic.report import (
    ReportsTraffic,
    TrafficReport,
    UsedPath,
    least_discharge,
    station_hours,
    stopping,
    traffic_report,
)
from players.traffic.resources import ResourceForm
from players.traffic.route_generation import RouteEquilibrium, assign_all_routes
from players.traffic.travel_time import LinkTime, Waiting

__all__ = [
    "Assigned",
    "ElasticTraffic",
    "ExternalTraffic",
    "InverseDemand",
    "LinkTime",
    "LogitTraffic",
    "ReportsTraffic",
    "ResourceForm",
    "RouteEquilibrium",
    "Stations",
    "Traffic",
    "TrafficReport",
    "UsedPath",
    "VehicleClass",
    "Waiting",
    "assign_all_routes",
    "empty_road_cost",
    "least_discharge",
    "station_goods",
    "station_hours",
    "stopping",
    "traffic_report",
]
