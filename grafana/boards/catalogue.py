"""All dashboards, in the order in which a person meets them."""

from __future__ import annotations

from grafana.boards.alarms import ALARMS
from grafana.boards.fleet import FLEET
from grafana.boards.gas import GAS
from grafana.boards.load import LOAD_BOARD
from grafana.boards.overview import OVERVIEW
from grafana.boards.sensors import SENSORS
from grafana.boards.signal import SIGNAL_BOARD
from grafana.boards.site import SITE_BOARD
from grafana.boards.valves import VALVES
from grafana.boards.work import WORK

BOARDS = (OVERVIEW, SITE_BOARD, GAS, VALVES, WORK, LOAD_BOARD, SENSORS, ALARMS, FLEET, SIGNAL_BOARD)
