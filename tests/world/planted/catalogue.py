"""All planted bugs. `python -m simulators.commandline world --planted` looks for each of them."""

from __future__ import annotations

from tests.world.planted import boxes, clouds, fleets, journals, prices, zones

CATALOGUE = (*boxes.BUGS, *journals.BUGS, *clouds.BUGS, *zones.BUGS, *fleets.BUGS, *prices.BUGS)
