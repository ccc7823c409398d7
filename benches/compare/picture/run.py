#!/usr/bin/env python3
"""Pictures beside the peers, alternately in one run: CPU milliseconds a picture of the whole server, fetch included.

    [PLUMBAGO_GRAPHITE_WEB=PYTHON] [GO_CARBON_BIN=... CARBONAPI_BIN=...] benches/compare/picture/run.py

Everyone reads the same archives: `walk.*` wander around a level of their own, as a host's load does, `noise.*` jump
anywhere each minute, the worst case for drawing. A picture has 800 x 400 pixels and 1440 points a series. Rounds go over
all peers in turn, so that a busy machine is busy for all of them; the table gives the median of the rounds.

Peers take part when a variable names them, as in `benches/compare/query`, which this borrows them from. PLUMBAGO_OLD_BIN
adds a second binary of ours, to compare two builds in one run; `--bare` leaves the peers out, `--only NAME,...` keeps
some of the questions, `--save DIR` keeps one picture of each. carbonapi draws only if it was built with `-tags cairo`;
otherwise it answers nothing, which takes no time and is not counted.
"""
import argparse
import http.client
import os
import random
import statistics
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "query"))
from peers import Carbonapi, GoCarbon, GraphiteWeb, Plumbago  # noqa: E402

TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
RIG = os.environ.get("PLUMBAGO_RIG", os.path.join(ROOT, "..", "shared", "rig"))
STEP, POINTS, SERIES = 60, 1440, 100
SIZE = "&width=800&height=400&title=CPU+by+host"
QUESTIONS = {}
for kind in ("walk", "noise"):
    for count, names in ((1, "000"), (10, "00*"), (100, "*")):
        QUESTIONS[f"{kind}-{count}"] = f"target={kind}.{names}{SIZE}&format=png"
QUESTIONS["stacked-10"] = f"target=walk.00*{SIZE}&areaMode=stacked&format=png"
QUESTIONS["svg-1"] = f"target=walk.000{SIZE}&format=svg"
QUESTIONS["svg-10"] = f"target=walk.00*{SIZE}&format=svg"
QUESTIONS["svg-100"] = f"target=walk.*{SIZE}&format=svg"
QUESTIONS["sparkline"] = "target=walk.000&width=120&height=24&graphOnly=true&format=png"


class OldPlumbago(Plumbago):
    """Another build of ours."""

    name = "plumbago-old"

    @staticmethod
    def is_there():
        return bool(os.environ.get("PLUMBAGO_OLD_BIN"))

    def command(self):
        return [os.environ["PLUMBAGO_OLD_BIN"], *super().command()[1:]]


class DrawingCarbonapi(Carbonapi):
    """carbonapi asks a go-carbon that draws nothing itself."""

    def path(self, request, begin, end):
        return "/render?" + request.query(begin, end, "noCache=1")


class Question:
    """One picture, as the peers' `path` wants to be asked for it."""

    plain = False

    def __init__(self, text):
        self.text = text

    def query(self, begin, end, *more):
        return "&".join([self.text, f"from={begin}", f"until={end}", *more])


def plant(folder, base):
    """Archives of one ring each; the layout is Whisper's."""
    for kind in ("walk", "noise"):
        os.makedirs(os.path.join(folder, kind))
        for number in range(SERIES):
            chance, level = random.Random(f"{kind}{number}"), 20.0 + 2 * number
            value, points = level, bytearray()
            for slot in range(POINTS):
                value = value * 0.97 + level * 0.03 + chance.uniform(-1.5, 1.5) if kind == "walk" else chance.uniform(0, 100)
                points += struct.pack(">Ld", base + slot * STEP, round(value, 2))
            head = struct.pack(">LLfL", 1, STEP * POINTS, 0.5, 1) + struct.pack(">LLL", 28, STEP, POINTS)
            with open(os.path.join(folder, kind, f"{number:03}.wsp"), "wb") as file:
                file.write(head + points)


def ask(peer, path, seconds, save=None):
    """One round: CPU milliseconds a picture, and the bytes of the last one; nothing if that is no picture."""
    host, port = peer.address.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=300)
    before, begun, count = peer.cpu(), time.monotonic(), 0
    while count == 0 or time.monotonic() - begun < seconds:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            sys.exit(f"{peer.name}: {path}: {answer.status} {body[:300]!r}")
        if not body.startswith((b"\x89PNG", b"<svg", b"<?xml")):
            return None
        count += 1
    connection.close()
    if save:
        with open(save, "wb") as file:
            file.write(body)
    return 1000 * (peer.cpu() - before) / count, len(body)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2, help="of one round of one question with one peer")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", help="some of the questions, with commas")
    parser.add_argument("--bare", action="store_true", help="without peers")
    parser.add_argument("--save", metavar="DIR", help="where to keep one picture of each")
    parser.add_argument("--port", type=int, default=24600, help="the first of some forty free ports")
    options = parser.parse_args()
    if not os.environ.get("PLUMBAGO_BIN"):
        subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
        os.environ["PLUMBAGO_BIN"] = os.path.join(TARGET, "release", "plumbago")
    kinds = [Plumbago, OldPlumbago]
    if not options.bare:
        kinds += [GraphiteWeb, GoCarbon, DrawingCarbonapi]
    now = int(time.time())
    base = now - now % STEP - POINTS * STEP
    window = (base, base + (POINTS - 1) * STEP)
    wanted = options.only.split(",") if options.only else QUESTIONS
    started = []
    print("| picture | peer | CPU ms | kB |\n|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="picture-", dir=TARGET) as scratch:
        plant(os.path.join(scratch, "whisper"), base)
        try:
            for number, kind in enumerate(kinds):
                if kind.is_there():
                    started.append(kind(scratch, options.port + 8 * number, RIG, started))
            for name in wanted:
                measure(name, [peer for peer in started if not type(peer) is GoCarbon], window, options)
        finally:
            for peer in reversed(started):
                peer.stop()


def measure(name, peers, window, options):
    """All rounds of one question."""
    question, rounds = Question(QUESTIONS[name]), {peer.name: [] for peer in peers}
    for turn in range(options.rounds):
        for peer in peers:
            save = options.save and turn == 0 and os.path.join(options.save, f"{name}-{peer.name}." + ("svg" if "svg" in name else "png"))
            rounds[peer.name].append(ask(peer, peer.path(question, *window), options.seconds, save))
    for peer in peers:
        if None in rounds[peer.name]:
            print(f"| {name} | {peer.name} | draws nothing | |", flush=True)
            continue
        times, sizes = zip(*rounds[peer.name])
        print(f"| {name} | {peer.name} | {statistics.median(times):.2f} | {sizes[-1] / 1000:.1f} |", flush=True)


if __name__ == "__main__":
    main()
