"""The servers that are asked: each is started on the tree below `scratch`, tells its CPU time, and is stopped again."""
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from urllib.parse import quote

TICK = os.sysconf("SC_CLK_TCK")


class Peer:
    """A server in a process of its own, with its children."""

    name = ""

    def __init__(self, scratch, port, rig, others):
        self.scratch, self.port, self.rig, self.others = scratch, port, rig, others
        self.address = f"127.0.0.1:{port}"
        self.folder = os.path.join(scratch, self.name)
        os.mkdir(self.folder)
        with open(os.path.join(self.folder, "log"), "wb") as log:
            command, environment = self.command(), dict(os.environ, **self.environment())
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        self.wait_for(self.address)

    @staticmethod
    def is_there():
        """Whether a variable names it."""
        return True

    @staticmethod
    def speaks(request):
        """Whether it can be asked this."""
        return True

    def environment(self):
        return {}

    def learn(self, tree, base):
        """Takes the points in, where it does not read the archives."""

    def path(self, request, begin, end):
        """What is asked of it; nothing where it cannot be."""
        return "/render?" + request.query(begin, end)

    def wait_for(self, address):
        host, port = address.split(":")
        for _ in range(600):
            if self.process.poll() is not None:
                sys.exit(f"{self.name} ended at once; its log is {self.folder}/log")
            try:
                socket.create_connection((host, int(port)), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        sys.exit(f"{self.name} does not listen on {address}")

    def processes(self):
        found, todo = [], [self.process.pid]
        while todo:
            process = todo.pop()
            found.append(process)
            for task in os.listdir(f"/proc/{process}/task"):
                with open(f"/proc/{process}/task/{task}/children", encoding="ascii") as file:
                    todo += [int(child) for child in file.read().split()]
        return found

    def cpu(self):
        """Seconds of CPU, user and system, of all of its processes."""
        ticks = 0
        for process in self.processes():
            with open(f"/proc/{process}/stat", encoding="utf-8") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / TICK

    def forget(self):
        """Lets the page cache forget the archives."""
        for folder, _, files in os.walk(os.path.join(self.scratch, "whisper")):
            for file in files:
                descriptor = os.open(os.path.join(folder, file), os.O_RDONLY)
                # Only clean pages can be dropped.
                os.fdatasync(descriptor)
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(descriptor)

    def stop(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Plumbago(Peer):
    """Us."""

    name = "plumbago"

    def command(self):
        # The tree is shared with the peers, so it is linked into a folder of our own.
        os.symlink(os.path.join(self.scratch, "whisper"), os.path.join(self.folder, "whisper"))
        plaintext = f"127.0.0.1:{self.port + 1}"
        return [os.environ["PLUMBAGO_BIN"], "up", "--no-agent", "--data", self.folder, "--plaintext", plaintext,
                "--http", self.address]

    def path(self, request, begin, end):
        return "/render?" + request.query(begin, end, "noCache=1")


class GraphiteWeb(Peer):
    """graphite-web under gunicorn, one worker, as its manual has it."""

    name = "graphite-web"
    SETTINGS = """
SECRET_KEY = "not a secret"
STORAGE_DIR = LOG_DIR = {folder!r}
WHISPER_DIR = {tree!r}
STANDARD_DIRS = [WHISPER_DIR]
CARBONLINK_HOSTS = []
DEFAULT_CACHE_DURATION = FIND_CACHE_DURATION = 0
# A busy machine is no reason to give up.
FETCH_TIMEOUT = FIND_TIMEOUT = 600
TIME_ZONE = "UTC"
ALLOWED_HOSTS = ["*"]
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": {database!r}}}}}
"""

    @staticmethod
    def is_there():
        return bool(os.environ.get("PLUMBAGO_GRAPHITE_WEB"))

    def command(self):
        tree, database = os.path.join(self.scratch, "whisper"), os.path.join(self.folder, "db")
        with open(os.path.join(self.folder, "bench_settings.py"), "w", encoding="utf-8") as file:
            file.write(self.SETTINGS.format(folder=self.folder, tree=tree, database=database))
        python = os.environ["PLUMBAGO_GRAPHITE_WEB"]
        subprocess.run(
            [python, "-m", "django", "migrate", "--run-syncdb", "--verbosity", "0"],
            cwd=self.folder, env=dict(os.environ, **self.environment()), check=True,
        )
        return [python, "-m", "gunicorn", "--workers", "1", "--timeout", "300", "--keep-alive", "60",
                "--worker-class", "gthread", "--threads", "1", "--bind", self.address, "graphite.wsgi"]

    def environment(self):
        return {"PYTHONPATH": self.folder, "GRAPHITE_SETTINGS_MODULE": "bench_settings",
                "DJANGO_SETTINGS_MODULE": "graphite.settings"}

    def path(self, request, begin, end):
        return "/render?" + request.query(begin, end, "noCache=1")


class GoCarbon(Peer):
    """go-carbon's own server, without its caches."""

    name = "go-carbon"

    @staticmethod
    def is_there():
        return bool(os.environ.get("GO_CARBON_BIN"))

    def command(self):
        for template in ("go-carbon-query.conf", "schemas.conf", "aggregation.conf"):
            self.configure(template)
        return [os.environ["GO_CARBON_BIN"], "-config", os.path.join(self.folder, "go-carbon-query.conf")]

    def configure(self, template):
        values = {"DIR": self.folder, "HTTP": self.port, "PORT": self.port + 1, "SINK": self.port, "CACHE": "false",
                  "TRIGRAM": "false", "TRIE": "true", "CAPICACHE": "null", "RETENTION": "60s:1d"}
        with open(os.path.join(self.rig, "configs", template), encoding="utf-8") as file:
            text = file.read()
        # Its index follows no link.
        text = text.replace("@DIR@/whisper", os.path.join(self.scratch, "whisper"))
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        with open(os.path.join(self.folder, template), "w", encoding="utf-8") as file:
            file.write(text)

    def learn(self, tree, base):
        # It answers with less until its index is there.
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"http://{self.address}/metrics/find/?format=json&query=servers.*") as answer:
                    if answer.status == 200 and b"servers." in answer.read():
                        return
            except OSError:
                pass
            time.sleep(0.1)
        sys.exit(f"{self.name} finds nothing; its log is {self.folder}/log")

    def path(self, request, begin, end):
        # It knows no functions.
        return "/render/?" + request.query(begin, end) if request.plain else None


class Carbonapi(GoCarbon):
    """carbonapi before a go-carbon, whose CPU time is part of its answer."""

    name = "carbonapi"

    @staticmethod
    def is_there():
        return bool(os.environ.get("CARBONAPI_BIN") and os.environ.get("GO_CARBON_BIN"))

    def command(self):
        self.store = next(peer for peer in self.others if isinstance(peer, GoCarbon))
        self.configure("carbonapi.yaml")
        config = os.path.join(self.folder, "carbonapi.yaml")
        with open(config, encoding="utf-8") as file:
            # The template expects both on neighbouring ports of one folder.
            text = file.read().replace(f"http://{self.address}", f"http://{self.store.address}")
        with open(config, "w", encoding="utf-8") as file:
            file.write(text)
        return [os.environ["CARBONAPI_BIN"], "-config", config]

    def learn(self, tree, base):
        # Its store has.
        pass

    def cpu(self):
        return super().cpu() + self.store.cpu()

    def path(self, request, begin, end):
        return "/render?" + request.query(begin, end, "noCache=1")


class VictoriaMetrics(Peer):
    """victoria-metrics, which is sent the points first."""

    name = "victoria-metrics"

    @staticmethod
    def is_there():
        return bool(os.environ.get("VM_BIN"))

    @staticmethod
    def speaks(request):
        return request.plain

    def command(self):
        return [os.environ["VM_BIN"], f"-storageDataPath={self.folder}/data", f"-httpListenAddr={self.address}",
                f"-graphiteListenAddr=127.0.0.1:{self.port + 1}", "-retentionPeriod=2y", "-search.disableCache",
                "-search.latencyOffset=0s"]

    def learn(self, tree, base):
        command = [os.environ["LOADGEN"], "send", "--addr", f"127.0.0.1:{self.port + 1}", "--metrics", str(tree.metrics)]
        command += ["--rounds", str(tree.slots), "--base", str(base), "--interval", str(tree.step)]
        subprocess.run(command, check=True, capture_output=True)
        time.sleep(2)
        urllib.request.urlopen(f"http://{self.address}/internal/force_flush").read()

    def path(self, request, begin, end):
        if not request.plain:
            return None
        query = quote(" or ".join(f'{{__graphite__="{target}"}}' for target in request.targets))
        return f"/api/v1/query_range?query={query}&start={begin}&end={end}&step=60&nocache=1"
