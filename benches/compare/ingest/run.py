#!/usr/bin/env python3
"""Ingest beside the peers, alternately in one run: what a million points cost in CPU seconds, device bytes and memory.

    [GO_CARBON_BIN=... CARBON_BIN=... VM_BIN=... CRELAY_BIN=...] benches/compare/ingest/run.py [--scenarios A,B] [--reps 3]

Needs the rig (load generator, drivers, peer configurations): the folder that PLUMBAGO_RIG names, else `../shared/rig`
beside the project. Peers take part when a variable names their binary: go-carbon, carbon-cache.py of PyPI's carbon,
carbon-c-relay, victoria-metrics. `floor`, the least work that plaintext-to-whisper can cost, always takes part. What the
columns mean stands in the rig's README; the results go to target/ingest.jsonl as well.

As root every run gets a fresh ext4 on a loop device (`--image-gib`), so that files are cheap to make and to throw away
and the device counters count nothing else. Otherwise, or with `--scratch DIR`, runs use a plain folder.
"""
import argparse
import os
import shlex
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
RIG = os.environ.get("PLUMBAGO_RIG", os.path.join(ROOT, "..", "shared", "rig"))

# Which peers a scenario is run with; those without a binary are left out.
STORES = ["plumbago", "floor", "go-carbon-tuned", "carbon-cache-tuned", "victoria-metrics"]
PEERS = {
    "D": ["plumbago", "floor-10s", "go-carbon-tuned", "victoria-metrics"],
    "E": ["plumbago-drop", "go-carbon-parse", "c-relay-blackhole", "victoria-metrics"],
}
BINARIES = {
    "go-carbon": "GO_CARBON_BIN",
    "carbon-cache": "CARBON_BIN",
    "victoria-metrics": "VM_BIN",
    "c-relay": "CRELAY_BIN",
}


def has_binary(peer):
    wanted = [variable for prefix, variable in BINARIES.items() if peer.startswith(prefix)]
    return all(os.environ.get(variable) for variable in wanted)


def build():
    """Our binary and the load generator; gives the environment that names them."""
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
    manifest, rig_target = os.path.join(RIG, "loadgen", "Cargo.toml"), os.path.join(TARGET, "rig")
    subprocess.run(
        ["cargo", "build", "--release", "--quiet", "--manifest-path", manifest, "--target-dir", rig_target], check=True
    )
    ours, loadgen = os.path.join(TARGET, "release", "plumbago"), os.path.join(rig_target, "release", "loadgen")
    return dict(os.environ, PLUMBAGO_BIN=os.environ.get("PLUMBAGO_BIN", ours), LOADGEN=loadgen)


class Scratch:
    """A folder for the runs, on a file system of its own where we may make one."""

    def __init__(self, folder, image_gib):
        self.own = None
        if folder:
            self.folder, self.wipe = folder, None
            return
        self.own = tempfile.mkdtemp(prefix="ingest-", dir=TARGET)
        self.folder, self.wipe = os.path.join(self.own, "scratch"), None
        os.mkdir(self.folder)
        if os.geteuid() == 0:
            image, mount = shlex.quote(os.path.join(self.own, "image")), shlex.quote(self.folder)
            # Dropped and made anew for each run, so that no run finds the extents of an earlier one.
            self.wipe = (
                f"umount {mount} 2>/dev/null; rm -f {image}; truncate -s {image_gib}G {image} && "
                f"mkfs.ext4 -qF -E lazy_itable_init=0,lazy_journal_init=0 -i 8192 {image} && mount -o loop {image} {mount}"
            )

    def close(self):
        if self.wipe:
            subprocess.run(["umount", self.folder], check=False)
        if self.own:
            subprocess.run(["rm", "-rf", "--one-file-system", self.own], check=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenarios", default="A,B,D,E", help="some of A A1 B C Cs D Ds E F S, with commas")
    parser.add_argument("--reps", type=int, default=3)
    parser.add_argument("--peers", help="instead of the usual ones of each scenario, with commas")
    parser.add_argument("--scratch", metavar="DIR", help="a folder for the runs instead of a loop device")
    parser.add_argument("--image-gib", type=int, default=24)
    options, more = parser.parse_known_args()
    if not os.path.exists(os.path.join(RIG, "bench_ingest.py")):
        sys.exit(f"no rig in {RIG}; set PLUMBAGO_RIG to the folder that holds bench_ingest.py")
    environment, results = build(), os.path.join(TARGET, "ingest.jsonl")
    if os.path.exists(results):
        os.remove(results)
    scratch = Scratch(options.scratch, options.image_gib)
    try:
        for scenario in options.scenarios.split(","):
            peers = options.peers.split(",") if options.peers else PEERS.get(scenario, STORES)
            peers = [peer for peer in peers if has_binary(peer)]
            command = [sys.executable, os.path.join(RIG, "bench_ingest.py"), "--scratch", scratch.folder]
            command += ["--peers", ",".join(peers), "--scenarios", scenario, "--reps", str(options.reps)]
            command += ["--out", results, *(["--wipe-cmd", scratch.wipe] if scratch.wipe else []), *more]
            subprocess.run(command, env=environment, check=True)
        subprocess.run([sys.executable, os.path.join(RIG, "tables.py"), "ingest", results], env=environment, check=True)
    finally:
        scratch.close()


if __name__ == "__main__":
    main()
