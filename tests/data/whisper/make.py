#!/usr/bin/env python3
"""Writes cases.jsonl and the .wsp files beside it with Python whisper 1.1.10 (pip install whisper==1.1.10).

Each case is a history of operations, the file it leaves and what fetches of it give. A second run writes the same.
"""
import builtins
import hashlib
import json
import math
import os
import random
import struct
import tempfile

import whisper

HERE = os.path.dirname(os.path.abspath(__file__))
NOW = 1_750_000_000


def digest(data):
    return hashlib.sha256(data).hexdigest()


def canonical(data):
    count = struct.unpack("!L", data[12:16])[0]
    out = data[: 16 + 12 * count]
    for i in range(count):
        offset, _, points = struct.unpack("!3L", data[16 + 12 * i : 28 + 12 * i])
        slots = [data[offset + 12 * p : offset + 12 * p + 12] for p in range(points)]
        out += b"".join(sorted(s for s in slots if s[:4] != b"\0\0\0\0"))
    return out


def play(steps):
    path = os.path.join(tempfile.mkdtemp(), "main.wsp")
    for step in steps:
        try:
            if step["op"] == "create":
                whisper.create(path, [tuple(a) for a in step["archives"]], step["xff"], step["agg"])
            elif step["op"] == "update":
                whisper.update(path, step["value"], step["timestamp"], step["now"])
            elif step["op"] == "update_many":
                whisper.update_many(path, [tuple(p) for p in step["points"]], step["now"])
        except whisper.WhisperException as error:
            step["error"] = type(error).__name__
    return path


def plain(value):
    if value is None or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def case(name, note, steps, windows):
    path = play(steps)
    data = open(path, "rb").read()
    whisper.set = lambda items: sorted(builtins.set(items))  # lower intervals in the order of time
    ascending = open(play(steps), "rb").read()
    del whisper.set
    fetches = []
    for start, until, now in windows:
        got = whisper.fetch(path, start, until, now)
        result = None
        if got:
            (first, last, step), values = got
            result = {"from": first, "until": last, "step": step, "values": [plain(v) for v in values]}
        fetches.append({"from": start, "until": until, "now": now, "result": result})
    with open(os.path.join(HERE, name + ".wsp"), "wb") as out:
        out.write(ascending)
    return {
        "id": name, "note": note, "steps": steps, "file": f"files/{name}.wsp", "sha256": digest(data), "size": len(data),
        "canonical_sha256": digest(canonical(data)), "order_sensitive": data != ascending,
        "sha256_ascending": digest(ascending), "fetches": fetches,
    }


def history(rng, method, xff):
    steps = [{"op": "create", "archives": [[10, 12], [60, 10], [300, 12]], "xff": xff, "agg": method}]
    now = NOW + rng.randrange(600)
    for _ in range(12):
        now += rng.choice([1, 7, 10, 60, 130, 700])
        if rng.random() < 0.5:
            steps.append({"op": "update", "value": rng.uniform(-9, 9), "timestamp": now - rng.randrange(700), "now": now})
        else:
            points = [[now - rng.randrange(1500), rng.uniform(-9, 9)] for _ in range(rng.randrange(1, 40))]
            steps.append({"op": "update_many", "points": points, "now": now})
    windows = [(now - span, now, now) for span in (0, 50, 120, 121, 600, 601, 3600)] + [(now - 9000, now - 3601, now)]
    return steps, windows


rng = random.Random(1110)
with open(os.path.join(HERE, "cases.jsonl"), "w") as out:
    for method in ["average", "sum", "last", "max", "min", "avg_zero", "absmax", "absmin"]:
        for xff in (0.0, 0.3):
            steps, windows = history(rng, method, xff)
            out.write(json.dumps(case(f"{method}-{xff}", f"random history, {method}", steps, windows)) + "\n")
    epoch = [
        {"op": "create", "archives": [[10, 6], [60, 5]], "xff": 0.0, "agg": "sum"},
        {"op": "update_many", "points": [[0, 1.0], [10, 2.0], [40, 3.0]], "now": 50},
        {"op": "update_many", "points": [[0, 4.0], [30, 5.0]], "now": 50},
        {"op": "update", "value": 6.0, "timestamp": 20, "now": 50},
        {"op": "update", "value": 7.0, "timestamp": 5, "now": 50},
    ]
    out.write(json.dumps(case("epoch", "time 0 marks an empty slot", epoch, [(0, 50, 50), (-100, 60, 60)])) + "\n")
    # Time 0 in slot 0 makes a filled archive look empty to the propagation of the same batch.
    looks_empty = [
        {"op": "create", "archives": [[10, 13], [50, 3]], "xff": 0.5, "agg": "max"},
        {"op": "update_many", "points": [[t, float(t)] for t in range(0, 101, 5)], "now": 100},
    ]
    out.write(json.dumps(case("epoch-batch", "a batch from time 0 on", looks_empty, [(0, 100, 100), (-40, 100, 100)])) + "\n")
