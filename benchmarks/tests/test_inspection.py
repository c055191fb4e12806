"""What files a worker inspects is measured in a service of its own. No time is asserted."""

import json
import subprocess
import sys

from taggedimages.engines.state import CHECKOUT
from taggedimages.engines.tests.conftest import without_engines


def test_all_kinds_are_inspected_in_both_ways_beside_pages_and_clients() -> None:
    asked = ["inspection", "--files=2", "--unannounced=4", "--seconds=0.2", "--json"]
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks", *asked],
        cwd=CHECKOUT,
        env=without_engines(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = json.loads(ran.stdout)["inspection"]
    assert list(found["kinds"]) == [
        *("small PNG", "camera JPEG, 12 MP"),
        *("DICOM, 512 x 512", "DICOM, 2048 x 2048"),
    ]
    for rates in found["kinds"].values():
        assert min(rates.values()) > 0
    assert found["sent"]["per_second"] > 0
    assert found["sent"]["errors"] == 0
    assert found["pages"]["alone"] > 0
    assert found["pages"]["beside"] > 0
    assert found["first"]["ready_when_sent"] <= 4
