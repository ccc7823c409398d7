#!/usr/bin/env python3
"""Queries beside the peers, alternately in one run: CPU milliseconds a request of the whole server, and latency.

    [PLUMBAGO_GRAPHITE_WEB=PYTHON] [GO_CARBON_BIN=... CARBONAPI_BIN=...] [VM_BIN=...] benches/compare/query/run.py

Every peer reads the same tree of archives (VictoriaMetrics is sent the same points), answers the same windows, and has
its caches off. Rounds go over all peers in turn, so that a busy machine is busy for all of them; the table gives the
median of the rounds, and what each peer costs as a multiple of ours.

Needs the rig (load generator and peer configurations): the folder that PLUMBAGO_RIG names, else `../shared/rig` beside
the project. Peers take part when a variable names them: PLUMBAGO_GRAPHITE_WEB a Python that can import graphite-web and
gunicorn, GO_CARBON_BIN go-carbon, CARBONAPI_BIN carbonapi (which asks go-carbon), VM_BIN victoria-metrics. Results go to
target/query.jsonl as well. `--bare` leaves the peers out, `--only NAME,...` keeps some of the requests.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from peers import Carbonapi, GoCarbon, GraphiteWeb, Plumbago, VictoriaMetrics
from questions import REQUESTS, TREES

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
RIG = os.environ.get("PLUMBAGO_RIG", os.path.join(ROOT, "..", "shared", "rig"))


def build():
    """Our binary and the load generator, unless variables name them."""
    if not os.environ.get("PLUMBAGO_BIN"):
        subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
        os.environ["PLUMBAGO_BIN"] = os.path.join(TARGET, "release", "plumbago")
    if not os.environ.get("LOADGEN"):
        manifest, rig_target = os.path.join(RIG, "loadgen", "Cargo.toml"), os.path.join(TARGET, "rig")
        command = ["cargo", "build", "--release", "--quiet", "--manifest-path", manifest, "--target-dir", rig_target]
        subprocess.run(command, check=True)
        os.environ["LOADGEN"] = os.path.join(rig_target, "release", "loadgen")


def ask(scratch, peer, request, window, connections, seconds):
    """One round of one request with one peer."""
    paths = os.path.join(scratch, "paths")
    with open(paths, "w", encoding="utf-8") as file:
        file.write(peer.path(request, *window) + "\n")
    if request.cold:
        peer.forget()
    before = peer.cpu()
    # A cold answer can be had once; the others are asked for again until the time is over.
    many = 1 if request.cold else 1_000_000
    command = [os.environ["LOADGEN"], "http", "--addr", peer.address, "--paths", paths, "--conns", str(connections)]
    command += ["--requests", str(many), "--seconds", str(seconds)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    answer["cpu_ms"] = 1000 * (peer.cpu() - before) / max(1, answer["n"])
    return answer


def measure(scratch, request, peers, window, options, results):
    """All rounds of one request; a line of the table for each peer and number of connections."""
    peers = [peer for peer in peers if peer.path(request, *window)]
    for connections in (1,) if request.cold else options.connections:
        rounds = {peer.name: [] for peer in peers}
        for _ in range(options.rounds):
            for peer in peers:
                rounds[peer.name].append(ask(scratch, peer, request, window, connections, options.seconds))
        ours = None
        for peer in peers:
            answers = rounds[peer.name]
            middle = lambda key: statistics.median(answer[key] for answer in answers)
            row = {key: middle(key) for key in ("cpu_ms", "p50_ms", "p99_ms", "bytes_per_req")}
            ours = row["cpu_ms"] if ours is None else ours
            row.update(request=request.name, peer=peer.name, connections=connections)
            row.update(bad=sum(answer["bad"] for answer in answers), times_ours=row["cpu_ms"] / ours if ours else 0)
            results.write(json.dumps(row) + "\n")
            results.flush()
            print(
                f"| {request.name} | {connections} | {peer.name} | {row['cpu_ms']:.2f} | {row['times_ours']:.1f} "
                f"| {row['p50_ms']:.2f} | {row['p99_ms']:.2f} | {row['bytes_per_req'] / 1000:.1f} | {row['bad']} |",
                flush=True,
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=2, help="of one round of one request with one peer")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=lambda text: [int(one) for one in text.split(",")], default=[1, 8])
    parser.add_argument("--only", help="some of the requests, with commas")
    parser.add_argument("--bare", action="store_true", help="without peers")
    parser.add_argument("--scratch", metavar="DIR", help="where the trees are made (5 GB); default: a folder in target/")
    parser.add_argument("--port", type=int, default=23600, help="the first of some forty free ports")
    options = parser.parse_args()
    if not os.path.exists(os.path.join(RIG, "loadgen", "Cargo.toml")):
        sys.exit(f"no rig in {RIG}; set PLUMBAGO_RIG to the folder that holds loadgen/")
    build()
    wanted = [one for one in REQUESTS if not options.only or one.name in options.only.split(",")]
    kinds = [Plumbago] if options.bare else [Plumbago, GraphiteWeb, GoCarbon, Carbonapi, VictoriaMetrics]
    print("| request | clients | peer | CPU ms | x ours | p50 ms | p99 ms | kB | bad |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    with open(os.path.join(TARGET, "query.jsonl"), "w", encoding="utf-8") as results:
        for tree in sorted({one.tree for one in wanted}):
            with tempfile.TemporaryDirectory(prefix="query-", dir=options.scratch or TARGET) as scratch:
                measure_tree(scratch, TREES[tree], [one for one in wanted if one.tree == tree], kinds, options, results)


def measure_tree(scratch, tree, requests, kinds, options, results):
    """Makes a tree, starts everyone on it, and asks."""
    now = int(time.time())
    base = now - now % tree.step - tree.slots * tree.step
    window = (base, base + (tree.slots - 1) * tree.step)
    command = [os.environ["LOADGEN"], "mkwsp", "--dir", os.path.join(scratch, "whisper"), "--metrics", str(tree.metrics)]
    command += ["--slots", str(tree.slots), "--base", str(base), "--interval", str(tree.step)]
    subprocess.run(command, check=True, capture_output=True)
    started = []
    try:
        for number, kind in enumerate(kinds):
            if kind.is_there() and any(kind.speaks(one) for one in requests):
                started.append(kind(scratch, options.port + 8 * number, RIG, started))
                started[-1].learn(tree, base)
        for request in requests:
            measure(scratch, request, started, window, options, results)
    finally:
        for peer in reversed(started):
            peer.stop()


if __name__ == "__main__":
    main()
