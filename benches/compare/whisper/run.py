#!/usr/bin/env python3
"""CPU time per operation, ours beside its peers, in one run on the same folder.

    cargo build --release -p whisper --example compare
    [GO_WHISPER_BENCH=PROGRAM] benches/compare/whisper/run.py [FOLDER]

Needs `pip install whisper==1.1.10`. "known" means: file open and header kept (`CACHE_HEADERS` and an open file object
in Python), "unknown": by path, everything read anew. The least of five rounds counts on every side. "across" spreads the points over all three archives, a
third each; the other batches are minutes only and renew the coarser archives.

GO_WHISPER_BENCH names a program of yours around go-whisper that is then measured too. It is called as ours is
(`ours.rs` shows every operation): with an empty folder as its only argument, and it prints one line for each operation,
the name, a space, and the CPU time of the process (user and system) per operation in microseconds, the least of five
rounds. Its clock must stand at BEGIN. Operations that it leaves out are shown as "-".
"""
import os
import subprocess
import sys
import tempfile
import time

import whisper

BEGIN = 1_750_000_020
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
ARCHIVES = [(60, 1440), (300, 2016), (3600, 8760)]


def measure(times, run):
    least = float("inf")
    for turn in range(5):
        before = time.process_time()
        for at in range(times // 5):
            run(turn * (times // 5) + at)
        least = min(least, (time.process_time() - before) / (times // 5))
    return least * 1e6


def theirs(folder):
    path = os.path.join(folder, "theirs.wsp")
    whisper.create(path, list(ARCHIVES))
    points = lambda count: [(BEGIN - age * 60, float(age)) for age in reversed(range(count))]
    ten, day = points(10), points(1440)
    aged = lambda secs: (BEGIN - secs, float(secs))
    hours = [aged(7 * 86_400 + age * 3600) for age in range(480, 0, -1)]
    fives = [aged(86_400 + age * 300) for age in range(480, 0, -1)]
    across = hours + fives + points(480)
    whisper.update_many(path, day, BEGIN)
    since = BEGIN - 86_400
    out = {
        "fetch-1440-unknown": measure(500, lambda _: whisper.fetch(path, since, BEGIN, BEGIN)),
        "update-1-unknown": measure(2000, lambda _: whisper.update(path, 0.0, BEGIN, BEGIN)),
        "update-10-unknown": measure(2000, lambda _: whisper.update_many(path, ten, BEGIN)),
        "update-1440-unknown": measure(50, lambda _: whisper.update_many(path, day, BEGIN)),
        "update-1440-across-unknown": measure(50, lambda _: whisper.update_many(path, across, BEGIN)),
        "create-sparse": measure(
            2000, lambda at: whisper.create(os.path.join(folder, f"theirs-{at}.wsp"), list(ARCHIVES), sparse=True)
        ),
    }
    whisper.CACHE_HEADERS = True
    # file_update_many expects what update_many has prepared: newest first.
    ten, day, across = ten[::-1], day[::-1], across[::-1]
    with open(path, "r+b", 0) as fh:
        out["fetch-1440-known"] = measure(500, lambda _: whisper.file_fetch(fh, since, BEGIN, BEGIN))
        out["update-1-known"] = measure(2000, lambda _: whisper.file_update(fh, 0.0, BEGIN, BEGIN))
        out["update-10-known"] = measure(2000, lambda _: whisper.file_update_many(fh, ten, BEGIN))
        out["update-1440-known"] = measure(50, lambda _: whisper.file_update_many(fh, day, BEGIN))
        out["update-1440-across-known"] = measure(50, lambda _: whisper.file_update_many(fh, across, BEGIN))
    return out


def program(path, folder):
    """What `path` prints about its own operations."""
    lines = subprocess.run([path, folder], check=True, capture_output=True, text=True).stdout.splitlines()
    return {name: float(number) for name, number in (line.split() for line in lines if line)}


def main():
    base = sys.argv[1] if len(sys.argv) > 1 else None
    go_whisper = os.environ.get("GO_WHISPER_BENCH")
    runs = [
        ("ours", lambda folder: program(os.path.join(TARGET, "release", "examples", "compare"), folder)),
        ("python", theirs),
    ]
    if go_whisper:
        runs.append(("go", lambda folder: program(go_whisper, folder)))
    found = {}
    for who, run in runs:
        with tempfile.TemporaryDirectory(dir=base) as folder:
            found[who] = run(folder)
    ours, peers = found["ours"], [who for who, _ in runs[1:]]
    head = "".join(f"{who + ', us':>12}{'ratio':>8}" for who in peers)
    print(f"{'operation':28}{'ours, us':>12}{head}")
    for name, number in ours.items():
        row = "".join(column(found[who].get(name), number) for who in peers)
        print(f"{name:28}{number:12.2f}{row}")


def column(peer, ours):
    return f"{'-':>12}{'-':>8}" if peer is None else f"{peer:12.2f}{peer / ours:8.1f}"


main()
