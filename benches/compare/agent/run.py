#!/usr/bin/env python3
"""Agents beside each other in one run: what the same host costs to measure each 10 s, in CPU seconds and memory.

    benches/compare/agent/run.py [--seconds 300] [--interval 10] [--only plumbago,slim,collectd,probe]

Ours with Diamond's default set (cpu, memory, vmstat, loadavg, diskspace, diskusage, network) and with all that is on by
default, each as `plumbago agent` and as the agent alone, collectd with the plugins of the same subjects,
node_exporter with the same collectors, scraped from outside, and `probe.rs`, which reads the same files and does nothing
with them: what it costs is the machine's part. An idle machine wakes up slowly and makes all of them dearer, so it is
the ratios to collectd and to the probe that stand.
CPU is the scheduler's own account (`/proc/PID/task/*/schedstat`, all threads, also of children), over the second of two
windows; memory is of `smaps_rollup` at its end. Points are the lines that came in, or the samples that were scraped.
Needs Debian's collectd-core and prometheus-node-exporter; what is missing is left out. The binaries are PLUMBAGO_BIN or
target/release/plumbago, and PLUMBAGO_AGENT_BIN or target/slim/plumbago-agent; `cargo build --release -p collectors
--example probe` makes the probe.
"""
import argparse
import glob
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
OURS = os.environ.get("PLUMBAGO_BIN", os.path.join(ROOT, "target/release/plumbago"))
PROBE = os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")), "release/examples/probe")
SLIM = os.environ.get("PLUMBAGO_AGENT_BIN", os.path.join(ROOT, "target/slim/plumbago-agent"))

DIAMOND = ["cpu", "memory", "vmstat", "loadavg", "diskspace", "diskusage", "network"]


class Sink:
    """Takes lines in and counts them."""

    def __init__(self):
        self.lines = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            peer, _ = self.listener.accept()
            threading.Thread(target=self.read, args=(peer,), daemon=True).start()

    def read(self, peer):
        while data := peer.recv(65536):
            self.lines += data.count(b"\n")


class Silent:
    """Of who says nothing."""

    lines = 0


class Scraper:
    """Asks an exporter as a server would, and counts its samples."""

    def __init__(self, url, interval):
        self.lines, self.url, self.interval = 0, url, interval
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                text = urllib.request.urlopen(self.url, timeout=5).read()
                self.lines += sum(1 for line in text.splitlines() if line and not line.startswith(b"#"))
            except OSError:
                pass
            time.sleep(self.interval)


def names_of_ours():
    """Every collector that a default configuration names."""
    text = subprocess.run([OURS, "config", "default"], capture_output=True, text=True, check=True).stdout
    return [line[len("[collectors."):-1] for line in text.splitlines() if line.startswith("[collectors.")]


def plumbago(program, folder, interval, only):
    sink = Sink()
    config = os.path.join(folder, "plumbago.toml")
    with open(config, "w") as file:
        file.write(f'[agent]\ninterval = "{interval}s"\ndestination = "127.0.0.1:{sink.port}"\n')
        # The name chooses the moment of a run: two that measure in the same one would slow each other down.
        file.write(f'host = "{os.path.basename(folder)}"\n')
        if only:
            for name in names_of_ours():
                file.write(f"[collectors.{name}]\nenabled = {str(name in only).lower()}\n")
    return [*program, "--config", config, "--data", os.path.join(folder, "data")], sink


def collectd(folder, interval):
    sink = Sink()
    config = os.path.join(folder, "collectd.conf")
    plugins = ["cpu", "memory", "disk", "df", "interface", "load", "vmem", "write_graphite"]
    with open(config, "w") as file:
        file.write(f'BaseDir "{folder}"\nPIDFile "{folder}/pid"\nInterval {interval}\nFQDNLookup false\n')
        file.write("".join(f"LoadPlugin {plugin}\n" for plugin in plugins))
        file.write(f'<Plugin write_graphite>\n<Node "n">\nHost "127.0.0.1"\nPort "{sink.port}"\n')
        file.write('Protocol "tcp"\nStoreRates true\n</Node>\n</Plugin>\n')
    return [shutil.which("collectd", path="/usr/sbin:/usr/bin"), "-f", "-C", config], sink


def node_exporter(_, interval):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    collectors = ["cpu", "meminfo", "vmstat", "loadavg", "filesystem", "diskstats", "netdev"]
    command = [shutil.which("prometheus-node-exporter"), f"--web.listen-address=127.0.0.1:{port}"]
    command += ["--collector.disable-defaults", "--log.level=error"] + [f"--collector.{name}" for name in collectors]
    return command, Scraper(f"http://127.0.0.1:{port}/metrics", interval)


def family(pid):
    """The process and all that it started."""
    found, tasks = [pid], glob.glob(f"/proc/{pid}/task/*/children")
    for task in tasks:
        with open(task) as file:
            for child in file.read().split():
                found += family(int(child))
    return found


def cpu(pid):
    """Seconds on a processor, of all threads."""
    total = 0
    for member in family(pid):
        for path in glob.glob(f"/proc/{member}/task/*/schedstat"):
            try:
                with open(path) as file:
                    total += int(file.read().split()[0])
            except OSError:
                pass
    return total / 1e9


def memory(pid):
    """Resident and proportional kilobytes."""
    sums = {"Rss:": 0, "Pss:": 0}
    for member in family(pid):
        with open(f"/proc/{member}/smaps_rollup") as file:
            for line in file:
                key, *rest = line.split()
                if key in sums:
                    sums[key] += int(rest[0])
    return sums["Rss:"], sums["Pss:"]


def measure(agents, seconds):
    """Rows of all agents, which run at the same time."""
    time.sleep(seconds)
    begun = {name: (cpu(process.pid), counter.lines) for name, (process, counter) in agents.items()}
    time.sleep(seconds)
    rows = {}
    for name, (process, counter) in agents.items():
        if process.poll() is not None:
            print(f"{name} has ended with {process.returncode}", file=sys.stderr)
            continue
        before, lines = begun[name]
        rows[name] = (cpu(process.pid) - before, counter.lines - lines, *memory(process.pid))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--interval", type=int, default=10)
    parser.add_argument("--only", default="plumbago,plumbago-all,slim,slim-all,collectd,node_exporter,probe")
    options = parser.parse_args()
    starters = {
        "plumbago": lambda folder, interval: plumbago([OURS, "agent"], folder, interval, DIAMOND),
        "plumbago-all": lambda folder, interval: plumbago([OURS, "agent"], folder, interval, None),
        "slim": lambda folder, interval: plumbago([SLIM], folder, interval, DIAMOND),
        "slim-all": lambda folder, interval: plumbago([SLIM], folder, interval, None),
        "collectd": collectd,
        "node_exporter": node_exporter,
        "probe": lambda folder, interval: ([PROBE, str(interval)], Silent()),
    }
    with tempfile.TemporaryDirectory() as scratch:
        agents = {}
        for name in options.only.split(","):
            folder = os.path.join(scratch, name)
            os.mkdir(folder)
            command, counter = starters[name](folder, options.interval)
            if command[0] is None or not os.path.exists(command[0]):
                print(f"{name} is not installed", file=sys.stderr)
                continue
            log = open(os.path.join(folder, "log"), "w")
            agents[name] = (subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL), counter)
        try:
            rows = measure(agents, options.seconds)
        finally:
            for process, _ in agents.values():
                process.terminate()
            for process, _ in agents.values():
                process.wait()
    runs = options.seconds / options.interval
    print(f"{'agent':15} {'CPU s/10 min':>12} {'points/run':>10} {'CPU ms/1000 points':>18} {'RSS MB':>7} {'PSS MB':>7}")
    for name, (spent, points, rss, pss) in rows.items():
        each = spent / points * 1e6 if points else float("nan")
        print(
            f"{name:15} {spent * 600 / options.seconds:12.3f} {points / runs:10.0f} {each:18.3f}"
            f" {rss / 1024:7.1f} {pss / 1024:7.1f}"
        )
    for name in ("plumbago", "slim"):
        for other in ("collectd", "node_exporter", "probe"):
            if name in rows and other in rows:
                (spent, _, rss, _), (theirs, _, their_rss, _) = rows[name], rows[other]
                print(f"{name} / {other}: CPU {spent / theirs:.2f}, RSS {rss / their_rss:.2f}")


if __name__ == "__main__":
    main()
