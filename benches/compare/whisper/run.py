#!/usr/bin/env python3
"""CPU time per operation, ours beside Python whisper, in one run on the same folder.

    cargo build --release -p whisper --example compare
    benches/compare/whisper/run.py [FOLDER]

Needs `pip install whisper==1.1.10`. "known" means: file open and header kept (`CACHE_HEADERS` and an open file object
in Python), "unknown": by path, everything read anew. The least of five rounds counts on both sides.
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
    whisper.update_many(path, day, BEGIN)
    since = BEGIN - 86_400
    out = {
        "fetch-1440-unknown": measure(500, lambda _: whisper.fetch(path, since, BEGIN, BEGIN)),
        "update-1-unknown": measure(2000, lambda _: whisper.update(path, 0.0, BEGIN, BEGIN)),
        "update-10-unknown": measure(2000, lambda _: whisper.update_many(path, ten, BEGIN)),
        "update-1440-unknown": measure(50, lambda _: whisper.update_many(path, day, BEGIN)),
        "create-sparse": measure(
            2000, lambda at: whisper.create(os.path.join(folder, f"theirs-{at}.wsp"), list(ARCHIVES), sparse=True)
        ),
    }
    whisper.CACHE_HEADERS = True
    # file_update_many expects what update_many has prepared: newest first.
    ten, day = ten[::-1], day[::-1]
    with open(path, "r+b", 0) as fh:
        out["fetch-1440-known"] = measure(500, lambda _: whisper.file_fetch(fh, since, BEGIN, BEGIN))
        out["update-1-known"] = measure(2000, lambda _: whisper.file_update(fh, 0.0, BEGIN, BEGIN))
        out["update-10-known"] = measure(2000, lambda _: whisper.file_update_many(fh, ten, BEGIN))
        out["update-1440-known"] = measure(50, lambda _: whisper.file_update_many(fh, day, BEGIN))
    return out


def main():
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        program = os.path.join(TARGET, "release", "examples", "compare")
        lines = subprocess.run([program, folder], check=True, capture_output=True, text=True).stdout.split("\n")
        ours = {name: float(number) for name, number in (line.split() for line in lines if line)}
        python = theirs(folder)
    print(f"{'operation':22}{'ours, us':>12}{'python, us':>12}{'ratio':>8}")
    for name, number in ours.items():
        print(f"{name:22}{number:12.2f}{python[name]:12.2f}{python[name] / number:8.1f}")


main()
