"""Runs Diamond's collectors as one plugin: reads ticks, has each collector that is due run on a thread of its own, and
answers with what they published. One that hangs keeps only itself from running again.
"""

import json
import logging
import os
import re
import struct
import sys
import threading
import time
import traceback
import urllib.parse

import framework
import inifile
import world

#: Lines that one collector may publish in one run.
MOST_LINES = 20000
#: Longest pause of a collector that fails, in seconds.
LONGEST_PAUSE = 300
#: How often the last readings of counters are handed to the agent, in seconds.
KEEP_EVERY = 60
_CLASS = re.compile(r"^class\s+(\w+)\s*\(", re.MULTILINE)


class Voice(object):
    """The way to the agent: whole lines, from any thread."""

    def __init__(self, out):
        self.out = out
        self.lock = threading.Lock()

    def lines(self, lines):
        with self.lock:
            for line in lines:
                self.out.write((line + "\n").encode("utf-8", "replace"))

    def log(self, level, text):
        self.lines(["#log %s %s" % (level, " ".join(str(text).split())[:1000])])

    def flush(self):
        with self.lock:
            self.out.write(b"\n")
            self.out.flush()


class LogHandler(logging.Handler):
    """What collectors log goes the same way."""

    def __init__(self, voice):
        super().__init__()
        self.voice = voice
        self.said = {}

    def emit(self, record):
        # What is said at each run is said once an hour; numbers make no difference.
        kind, now = re.sub(r"\d+", "N", record.getMessage())[:200], time.monotonic()
        if now - self.said.get(kind, -3600) < 3600:
            return
        if len(self.said) >= 1000:
            self.said.clear()
        self.said[kind] = now
        level = "warn" if record.levelno >= logging.WARNING else "info" if record.levelno >= logging.INFO else "debug"
        self.voice.log(level, record.getMessage())


class Worker(object):
    """One collector with its thread, its handler and its failures."""

    def __init__(self, name, collector, interval, voice, done):
        self.name, self.collector, self.voice, self.done = name, collector, voice, done
        self.interval = interval
        collector.handlers = [self]
        self.found = []
        self.slot = None
        self.busy = False
        self.told_busy = False
        self.fault = None
        self.kept = {}
        self.failures = 0
        self.not_before = 0
        self.wake = threading.Semaphore(0)
        self.thread = None

    # What a handler of Diamond's has.
    def _process(self, metric):
        value = metric.value
        if value != value or value in (float("inf"), float("-inf")):
            return
        if len(self.found) < MOST_LINES:
            path = "_".join(str(metric.path).split())
            self.found.append("=%s %s %d" % (path, metric.text(), metric.timestamp))

    process = _process

    def _flush(self):
        pass

    flush = _flush

    def readings(self):
        """The last reading of every counter that was read since this was asked last, as lines for the agent."""
        for path, last in list(self.collector.last_values.items()):
            row = encoded(last) if last is not self.kept.get(path) else None
            if row:
                self.kept[path] = last
                yield "#keep %s %d %d %d" % ((urllib.parse.quote("%s/%s" % (self.name, path)),) + row)

    def recall(self, path, row):
        """Takes back, before the first run, what an earlier process has read."""
        self.collector.last_values.setdefault(path, decoded(row))

    def is_due(self, slot, step):
        interval = max(step, self.interval)
        return slot % interval < step and slot >= self.not_before

    def begin(self, slot):
        self.slot, self.busy = slot, True
        if self.thread is None:
            self.thread = threading.Thread(target=self.run, name=self.name, daemon=True)
            self.thread.start()
        self.wake.release()

    def run(self):
        while True:
            self.wake.acquire()
            begun = time.monotonic()
            self.found = []
            self.collector._slot = self.slot
            try:
                self.collector._run()
                self.works()
            except Exception as error:
                self.fails(error)
            except BaseException as error:
                # Such as a sys.exit() deep in a library.
                self.fails(error)
            self.end(begun)

    def works(self):
        if self.fault is not None:
            self.voice.log("info", "%s works again" % self.name)
        self.fault, self.failures = None, 0

    def fails(self, error):
        where = traceback.extract_tb(error.__traceback__)[-1:]
        place = " (%s line %d)" % (os.path.basename(where[0].filename), where[0].lineno) if where else ""
        fault = "%s: %s%s" % (type(error).__name__, error, place)
        # A text with a number or an address that changes is the same fault.
        kind = re.sub(r"\d+", "N", fault)
        if kind != self.fault:
            self.voice.log("warn", "%s fails: %s" % (self.name, fault))
        self.fault = kind
        self.failures += 1
        pause = min(self.interval * 2 ** min(self.failures - 1, 10), LONGEST_PAUSE)
        self.not_before = self.slot + max(pause, 1)

    def end(self, begun):
        own = own_name(self.name)
        took = (time.monotonic() - begun) * 1000
        self.voice.lines(self.found + [
            "%ssuccess %d %d" % (own, self.fault is None, self.slot),
            "%spoints %d %d" % (own, len(self.found), self.slot),
            "%srun_ms %.3f %d" % (own, took, self.slot),
        ])
        self.found = []
        with self.done:
            self.busy = self.told_busy = False
            self.done.notify()


def encoded(last):
    """A reading and its time as whole numbers: the kind, the number or its bits, nanoseconds. None for what is no number."""
    value, at = last
    if isinstance(value, int) and 0 <= value < 1 << 64:
        return 0, value, int(at * 1e9)
    try:
        return 1, struct.unpack("<Q", struct.pack("<d", value))[0], int(at * 1e9)
    except (struct.error, OverflowError, TypeError):
        return None


def decoded(row):
    kind, value, at = row
    return (struct.unpack("<d", struct.pack("<Q", value))[0] if kind else value), at / 1e9


def own_name(name):
    """What the agent's own metrics of a collector begin with."""
    root = [part for part in (framework.home["prefix"], framework.home["host"].replace(".", "_")) if part]
    return "=%s.agent.diamond.%s." % (".".join(root), "_".join(name.split()))


def enabled(settings):
    """The collectors that are to run: by their sections, of which one for a second instance is `CPUCollector other`."""
    found = []
    for name, table in settings.get("collectors", {}).items():
        if name != "default" and isinstance(table, dict):
            on = table.get("enabled", settings["collectors"].get("default", {}).get("enabled", False))
            if framework.str_to_bool(on):
                found.append(name)
    return found


def classes_in(files):
    """Which file defines which class, without running any of them."""
    found = {}
    for path in files:
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                for name in _CLASS.findall(file.read(1 << 20)):
                    found.setdefault(name, path)
        except OSError:
            continue
    return found


class Shim(object):
    def __init__(self, options, voice):
        self.voice = voice
        self.done = threading.Condition()
        self.workers = []
        self.missing = []
        self.keep_at = 0
        home = framework.home
        home["compat"] = options.get("compat") == "diamond"
        settings = inifile.Section()
        if options.get("config-path"):
            try:
                settings = inifile.load(options["config-path"])
            except OSError as error:
                voice.log("warn", "cannot read Diamond's configuration: %s" % error)
        settings.setdefault("collectors", inifile.Section())
        settings.merge({"collectors": options.get("collectors", {})})
        framework.settings.merge(settings)
        for name in list(settings["collectors"]):
            if name in options.get("except", []):
                del settings["collectors"][name]
        self.world = world.World(framework.modules())
        folders = options.get("collectors-path") or [settings.get("server", {}).get("collectors_path", "")]
        for folder in folders if isinstance(folders, list) else [folders]:
            self.world.add_folder(folder)
        self.classes = classes_in(self.world.files.values())
        for name in enabled(settings):
            self.add(name)
        if not self.workers:
            voice.log("warn", "no collector of Diamond's is enabled, or none can be loaded")

    def add(self, name):
        kind = name.split()[0]
        if kind not in self.classes:
            self.missing.append(name)
            self.voice.log("warn", "%s is in none of the folders of collectors" % name)
            return
        try:
            module = self.world.load(self.classes[kind])
            collector = getattr(module, kind)(name=name, handlers=[], configfile="diamond.conf")
            interval = int(float(collector.config.get("interval") or framework.home["interval"]))
        except BaseException as error:
            self.missing.append(name)
            self.voice.log("warn", "%s cannot be loaded: %s: %s" % (name, type(error).__name__, error))
            return
        self.workers.append(Worker(name, collector, max(1, interval), self.voice, self.done))

    def tick(self, slot, step):
        """Has all run that are due, and waits until they have ended or most of the interval is over."""
        until = time.monotonic() + step * 0.7
        begun = []
        for worker in self.workers:
            if worker.busy:
                if not worker.told_busy:
                    self.voice.log("warn", "%s has not ended yet; the others go on" % worker.name)
                    worker.told_busy = True
            elif worker.is_due(slot, step):
                worker.begin(slot)
                begun.append(worker)
        with self.done:
            self.done.wait_for(lambda: not any(one.busy for one in begun), max(0.05, until - time.monotonic()))
        if time.monotonic() >= self.keep_at:
            self.keep_at = time.monotonic() + KEEP_EVERY
            for worker in self.workers:
                self.voice.lines(worker.readings())
        self.voice.lines("%ssuccess 0 %d" % (own_name(name), slot) for name in self.missing)
        self.voice.flush()


    def recall(self, name, row):
        """Gives a counter's last reading back to its collector."""
        collector, _, path = urllib.parse.unquote(name).partition("/")
        for worker in self.workers:
            if worker.name == collector and len(row) == 3:
                worker.recall(path, row)


def main():
    # Collectors that print must not be taken for values.
    out = os.fdopen(os.dup(1), "wb", buffering=1 << 16)
    os.dup2(2, 1)
    voice = Voice(out)
    options = json.loads(os.environ.get("PLUMBAGO_CONFIG") or "{}")
    framework.home.update(host=os.environ.get("PLUMBAGO_HOST", "localhost"),
                          prefix=os.environ.get("PLUMBAGO_PREFIX", "servers"),
                          interval=int(os.environ.get("PLUMBAGO_INTERVAL", "10")))
    log = logging.getLogger("diamond")
    log.handlers, log.propagate = [LogHandler(voice)], False
    log.setLevel(str(options.get("log", "WARNING")).upper())
    threading.stack_size(1 << 20)
    shim = Shim(options, voice)
    for line in sys.stdin.buffer:
        words = line.split()
        if len(words) == 3 and words[0] == b"tick":
            shim.tick(int(words[1]), int(words[2]))
        elif len(words) > 2 and words[0] == b"keep":
            shim.recall(words[1].decode(), [int(word) for word in words[2:]])
    # A collector that hangs must not keep the process.
    out.flush()
    os._exit(0)
