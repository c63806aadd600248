"""Runs the benchmark and prints it. Floor and product take turns in one run, so only ratios mean anything elsewhere."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
import psutil
from rich.console import Console
from rich.table import Table

from bench.floor import SECRET

FLOOR_RATIO = 0.5
POST_P99_MS = 30.0
NOWHERE = ("http://127.0.0.1:9/api/", "C0NOWHERE", "xoxb-none", "xapp-none")  # nothing answers: rows wait
out = Console()


@contextmanager
def child(module: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", f"bench.{module}", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def said(process: subprocess.Popen[bytes]) -> object:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise SystemExit("A part of the benchmark ended early; run it alone to see why.")
    return orjson.loads(line)


def load(job: dict[str, object]) -> dict[str, object]:
    ran = subprocess.run(
        [sys.executable, "-m", "bench.load"], input=orjson.dumps(job), stdout=subprocess.PIPE, check=True
    )
    answer: dict[str, object] = orjson.loads(ran.stdout)
    return answer


def measured(process: subprocess.Popen[bytes], job: dict[str, object]) -> dict[str, float]:
    """One flood, with the server's CPU per message and its memory."""
    load({**job, "seconds": 3600.0, "count": len(job["heads"]), "start": 0})  # each customer is known  # type: ignore[arg-type]
    watched = psutil.Process(process.pid)
    before = watched.cpu_times()
    result = load({**job, "start": 1})
    after = watched.cpu_times()
    if result["errors"]:
        raise SystemExit(f"{result['errors']} of {result['done']} requests were refused")
    used = after.user + after.system - before.user - before.system
    figures = {name: float(result[name]) for name in ("rate", "p50", "p90", "p99")}  # type: ignore[arg-type]
    done = float(result["done"])  # type: ignore[arg-type]
    return {**figures, "cpu": used / done * 1e6, "memory": watched.memory_info().rss / 1e6}


def ingest(rounds: int, seconds: float) -> bool:
    """N events through the HTTP server into the store, 64 connections, interleaved with the floor."""
    flood: dict[str, object] = {"kind": "flood", "connections": 64, "seconds": seconds}
    runs: dict[str, list[dict[str, float]]] = {"floor": [], "product": []}
    for number in range(rounds):
        out.print(f"ingest: round {number + 1} of {rounds}", style="dim")
        with tempfile.TemporaryDirectory() as directory, child("floor", f"{directory}/floor.db") as process:
            heads = ["POST /hook HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"] * 10_000
            job = {"port": said(process), "heads": heads, "secret": SECRET}
            runs["floor"].append(measured(process, {**flood, **job}))
        with tempfile.TemporaryDirectory() as directory, child("ours", directory, *NOWHERE) as process:
            told: dict[str, object] = said(process)  # type: ignore[assignment]
            runs["product"].append(measured(process, {**flood, **told}))
    ratios = [ours["rate"] / floor["rate"] for floor, ours in zip(runs["floor"], runs["product"], strict=True)]
    table = Table("", "messages/s", "p50 ms", "p90 ms", "p99 ms", "CPU µs/message", "memory MB")
    for name, figures in runs.items():
        columns = [
            statistics.median(run[key] for run in figures) for key in ("rate", "p50", "p90", "p99", "cpu", "memory")
        ]
        table.add_row(
            name,
            f"{columns[0]:.0f}",
            *(f"{value:.1f}" for value in columns[1:4]),
            f"{columns[4]:.0f}",
            f"{columns[5]:.0f}",
        )
    out.print(table)
    ratio = statistics.median(ratios)
    out.print(
        f"product / floor: {ratio:.2f} (rounds: {', '.join(f'{one:.2f}' for one in ratios)}; wanted ≥ {FLOOR_RATIO})"
    )
    return ratio >= FLOOR_RATIO


def posting(rounds: int, rate: float, seconds: float) -> bool:
    """From when a message was due at the widget's route to when its post arrived at the stand-in."""
    found: list[list[float]] = []
    for number in range(rounds):
        out.print(f"posting: round {number + 1} of {rounds}", style="dim")
        with tempfile.TemporaryDirectory() as directory, child("standin") as slack:
            told: dict[str, str] = said(slack)  # type: ignore[assignment]
            with child("ours", directory, told["api_url"], told["channel"], *told["tokens"]) as ours:
                server: dict[str, object] = said(ours)  # type: ignore[assignment]
                heads = server["heads"][:50]  # type: ignore[index]
                job = {"kind": "steady", "rate": rate, "port": server["port"], "heads": heads}
                load({**job, "count": 100, "start": 0})
                due = load({**job, "count": int(rate * seconds), "start": 1, "offset": 1000})["due"]
                assert slack.stdin is not None
                _wait_for_posts(ours.pid)
                slack.stdin.write(b"\n")
                slack.stdin.flush()
                arrived: dict[str, float] = said(slack)  # type: ignore[assignment]
        late = [1000 * (arrived[key] - at) for key, at in due.items() if key in arrived]  # type: ignore[attr-defined]
        if len(late) < len(due):  # type: ignore[arg-type]
            raise SystemExit(f"{len(due) - len(late)} messages never arrived in a thread")  # type: ignore[arg-type]
        found.append(sorted(late))
    p50, p99 = (statistics.median(run[min(len(run) - 1, len(run) * p // 100)] for run in found) for p in (50, 99))
    out.print(f"message → post at {rate:.0f}/s: p50 {p50:.1f} ms, p99 {p99:.1f} ms (wanted p99 < {POST_P99_MS:.0f})")
    return p99 < POST_P99_MS


def _wait_for_posts(pid: int) -> None:
    """Until the server has nothing more to do for half a second."""
    process = psutil.Process(pid)
    while process.cpu_percent(interval=0.5) > 5:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rate", type=float, default=50.0)
    asked = parser.parse_args()
    out.print("Only ratios within one run mean anything on another machine.", style="dim")
    good = [ingest(asked.rounds, asked.seconds), posting(asked.rounds, asked.rate, asked.seconds * 2)]
    raise SystemExit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
