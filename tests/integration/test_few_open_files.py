"""What Skep says where the system lets it open fewer files than its tasks may need."""

from __future__ import annotations

import json
import os
import subprocess
import sys

FEW = 100
TOLD = (
    f"Only {FEW} files may be open at once, and 8 tasks at once may need 144: some may fail for want of them."
)
WAY_OUT = "Allow more (ulimit -n, or LimitNOFILE= of a service), or lower concurrency."


def skep(root, *arguments):
    return subprocess.run(
        ["/bin/sh", "-c", f'ulimit -n {FEW} && exec "$@"', "sh", sys.executable, "-m", "skep", *arguments],
        env=os.environ | {"SKEP_HOME": str(root), "SKEP_SWARM_PORT": "0"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_start_says_it_before_anything_runs(tmp_path):
    told = skep(tmp_path, "up", "--until-idle", "--no-panel")

    assert told.returncode == 0
    assert f"{TOLD} {WAY_OUT}" in told.stderr


def test_doctor_finds_it_and_says_what_to_do(tmp_path):
    found = json.loads(skep(tmp_path, "doctor", "--json").stdout)["checks"]

    (finding,) = [each for each in found if each["check"] == "open files"]
    assert (finding["level"], finding["told"], finding["way_out"]) == ("warn", TOLD, WAY_OUT)
