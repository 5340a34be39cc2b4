"""Many processes that ask for overlapping leases at the same moment."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

PROCESSES = 16
#: Races of the first two alone, and of all together.
OF_TWO, OF_ALL = 200, 10

#: Takes part in races: all of a race write a byte to its file and start when they see all bytes.
RACER = """
import json, os, sys, time
from cleo_core import open_app
from cleo_core.errors import CleoError
number, of_two, of_all, everybody = map(int, sys.argv[1:5])
folder = sys.argv[5]
FORMS = (
    "{0}/**", "{0}/src/*.py", "{0}/**/a.*", "{0}/src/[a-c].py", "{0}/", "*{0}/s*/a.??",
    "{0}/src/a.py",
)

def race(name, racers):
    path = os.path.join(folder, name)
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, b"x")
    while os.fstat(file).st_size < racers:
        time.sleep(0 if racers == 2 else 0.0005)
    os.close(file)

won = {}
with open_app(agent=f"agent{number}") as app:
    leases = app.service("leases")
    races = [(f"all-{n}", everybody) for n in range(of_all)]
    if number < 2:
        races += [(f"two-{n}", 2) for n in range(of_two)]
    for n, (name, racers) in enumerate(races):
        asked = [f"own{number}/{n}", FORMS[(n + number * 3) % len(FORMS)].format(name)]
        race(name, racers)
        try:
            won[name] = [one.fence for one in leases.acquire(*asked[:: 1 - 2 * (n % 2)]).granted]
        except CleoError as error:
            if error.exit != 97:
                raise
            won[name] = []
print(json.dumps(won))
"""


@pytest.mark.guarantee(
    "conduit-24",
    "Of sixteen processes that ask for overlapping exclusive leases at once, one gets them; in "
    "200 races of two agents it is never both.",
)
def test_of_those_that_race_for_overlapping_leases_one_wins(
    cleo_project: Path, cleo_processes: Any, tmp_path: Path
) -> None:
    numbers = (str(OF_TWO), str(OF_ALL), str(PROCESSES), str(tmp_path))
    results = cleo_processes(
        [[sys.executable, "-c", RACER, str(number), *numbers] for number in range(PROCESSES)]
    )
    assert [err[-500:] for code, _, err in results if code != 0] == []
    races: dict[str, list[list[int]]] = {}
    for _, out, _ in results:
        for name, fences in json.loads(out).items():
            races.setdefault(name, []).append(fences)
    assert len(races) == OF_TWO + OF_ALL
    assert {name: sum(map(bool, all_)) for name, all_ in races.items()} == dict.fromkeys(races, 1)
    fences = sorted(fence for all_ in races.values() for won in all_ for fence in won)
    assert fences == list(range(1, 2 * len(races) + 1))
