"""The benchmark runs and says what it measured. How fast that is on a busy machine is nobody's test."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.rig import ROOT


@pytest.mark.slow
def test_the_benchmark_prints_a_ratio_and_a_time_to_the_post() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "bench", "--rounds", "1", "--seconds", "0.5", "--rate", "20"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ran.returncode in (0, 1), ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    found = re.search(r"^product / floor: (\d+\.\d\d) ", ran.stdout, re.MULTILINE)
    assert found, ran.stdout
    assert float(found[1]) > 0
    assert re.search(r"^message → post at 20/s: p50 [\d.]+ ms, p99 [\d.]+ ms", ran.stdout, re.MULTILINE), ran.stdout
    for column in ("messages/s", "p99 ms", "memory MB"):
        assert column in ran.stdout
