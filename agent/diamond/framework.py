"""The `diamond` package as collectors know it."""

import logging
import os
import platform
import re
import socket
import subprocess
import time
import types

import inifile

MAX_COUNTER = 2 ** 64 - 1
#: What is not known yet, such as the rate of a first reading: it passes through sums and products, and is not sent.
UNKNOWN = float("nan")
_LAST_QUARTER, _WRAP = 3 << 30, 1 << 32

#: Set by main.py before any collector is made.
settings = inifile.Section()
home = {"host": "localhost", "prefix": "servers", "interval": 10, "compat": False}


class DiamondException(Exception):
    def __init__(self, message=""):
        super().__init__(message)
        self.message = message


def str_to_bool(value):
    if not isinstance(value, str):
        return value
    word = value.strip().lower()
    if word in ("true", "t", "yes", "y"):
        return True
    if word in ("false", "f", "no", "n", ""):
        return False
    raise NotImplementedError("`%s` is neither true nor false" % value)


def get_hostname(config, method=None):
    """The host's part of names: set by hand, by one of Diamond's methods, or else the agent's."""
    method = (method or config.get("hostname_method") or "agent").lower()
    if method == "shell":
        if "hostname" not in config:
            raise DiamondException("hostname_method = shell needs the command in `hostname`")
        if ("shell", config["hostname"]) not in get_hostname.cached_results:
            told = subprocess.run(config["hostname"], shell=True, stdout=subprocess.PIPE, check=True, timeout=10)
            get_hostname.cached_results["shell", config["hostname"]] = told.stdout.decode().strip()
        return get_hostname.cached_results["shell", config["hostname"]]
    if config.get("hostname"):
        return config["hostname"]
    if method not in get_hostname.cached_results:
        get_hostname.cached_results[method] = _host_by(method)
    return get_hostname.cached_results[method]


get_hostname.cached_results = {}


def _host_by(method):
    if method == "agent":
        return home["host"]
    if method == "none":
        return None
    if method == "smart":
        short = socket.getfqdn().split(".")[0]
        return short if short != "localhost" else socket.gethostname().split(".")[0]
    source, _, way = method.partition("_")
    whole = {"fqdn": socket.getfqdn, "uname": lambda: platform.uname()[1], "hostname": socket.gethostname}.get(source)
    if whole is None or way not in ("", "short", "rev"):
        raise NotImplementedError("there is no hostname_method `%s`" % method)
    name = whole()
    if way == "short":
        name = name.split(".")[0]
    elif way == "rev":
        name = ".".join(reversed(name.split(".")))
    elif source == "fqdn":
        name = name.replace(".", "_")
    if not name:
        raise DiamondException("this host has no name")
    return name


class Metric(object):
    __slots__ = ("path", "value", "raw_value", "timestamp", "precision", "host", "metric_type", "ttl")

    def __init__(self, path, value, raw_value=None, timestamp=None, precision=0, host=None, metric_type="COUNTER",
                 ttl=None):
        if path is None or value is None or metric_type not in ("COUNTER", "GAUGE"):
            raise DiamondException("no metric: path %r, value %r, type %r" % (path, value, metric_type))
        try:
            if not isinstance(value, (int, float)):
                value = round(float(value)) if precision == 0 and home["compat"] else float(value)
            timestamp = int(time.time() if timestamp is None else timestamp)
        except ValueError as error:
            raise DiamondException("no metric: path %r, value %r: %s" % (path, value, error))
        self.path, self.value, self.raw_value, self.timestamp = path, value, raw_value, timestamp
        self.precision, self.host, self.metric_type, self.ttl = precision, host, metric_type, ttl

    def text(self):
        """The value as it is sent: in Diamond's way with fixed decimals, else with six digits where it has a fraction."""
        decimals = self.precision if isinstance(self.precision, int) else 0
        if not home["compat"] and isinstance(self.value, float) and self.value != int(self.value):
            whole = len(str(abs(int(self.value))))
            text = "%.*f" % (max(decimals, 6 - whole if abs(self.value) >= 1 else 6), self.value)
            if float(text) == 0:
                return "%.6g" % self.value
            return text.rstrip("0").rstrip(".")
        return "%.*f" % (decimals, self.value)

    def __repr__(self):
        return "%s %s %d\n" % (self.path, self.text(), self.timestamp)

    @classmethod
    def parse(cls, text):
        fields = text.split()
        if len(fields) != 3:
            raise DiamondException("no metric: %s" % text)
        return cls(fields[0], float(fields[1]), timestamp=float(fields[2]))

    def _parts(self):
        if self.host is None or "." + self.host + "." not in "." + self.path:
            parts = self.path.split(".")
            return parts[0], parts[2] if len(parts) > 2 else "", ".".join(parts[3:])
        before, _, after = ("." + self.path).partition("." + self.host + ".")
        collector, _, rest = after.partition(".")
        return before.lstrip("."), collector, rest

    def getPathPrefix(self):
        return self._parts()[0]

    def getCollectorPath(self):
        return self._parts()[1]

    def getMetricPath(self):
        return self._parts()[2]


class Collector(object):
    """What every collector inherits."""

    def __init__(self, config=None, handlers=(), name=None, configfile=None):
        self.log = logging.getLogger("diamond")
        self.name = name or self.__class__.__name__
        self.handlers = handlers
        self.last_values = {}
        self.configfile = None
        self.load_config(configfile, config)

    def load_config(self, configfile=None, override_config=None):
        """Defaults of the class, then of all collectors, then of this one; what is given by hand goes last."""
        self.configfile = configfile or self.configfile
        self.config = inifile.Section()
        self.config.merge(self.get_default_config() or {})
        for tables in (settings, override_config):
            collectors = (tables or {}).get("collectors", {})
            for name in ("default", self.name):
                self.config.merge(collectors.get(name, {}))
        self.process_config()

    def process_config(self):
        config = self.config
        if isinstance(config.get("byte_unit"), str):
            config["byte_unit"] = config["byte_unit"].split()
        for key in ("enabled", "measure_collector_time"):
            if key in config:
                config[key] = str_to_bool(config[key])
        if config.get("metrics_whitelist") and config.get("metrics_blacklist"):
            raise DiamondException("metrics_whitelist and metrics_blacklist exclude each other")
        for key in ("metrics_whitelist", "metrics_blacklist"):
            patterns = config.get(key) or []
            patterns = [patterns] if isinstance(patterns, str) else patterns
            config[key] = [re.compile(one) if isinstance(one, str) else one for one in patterns]

    def get_default_config_help(self):
        return {
            "enabled": "Whether it runs",
            "byte_unit": "Units that bytes are given in, several of them parted by spaces",
            "measure_collector_time": "Whether the time of each run is published, too",
            "metrics_whitelist": "Names that are published, as a regular expression; excludes metrics_blacklist",
            "metrics_blacklist": "Names that are not published, as a regular expression; excludes metrics_whitelist",
        }

    def get_default_config(self):
        return {
            "enabled": False,
            "path_prefix": home["prefix"],
            "instance_prefix": "instances",
            "path_suffix": "",
            "interval": home["interval"],
            "stagger_collection": True,
            "ttl_multiplier": 2,
            "byte_unit": "byte",
            "measure_collector_time": False,
            "metrics_whitelist": None,
            "metrics_blacklist": None,
        }

    def get_hostname(self):
        return get_hostname(self.config)

    def get_metric_path(self, name, instance=None):
        path = self.config.get("path", self.__class__.__name__)
        path = "" if path == "." else path
        if instance is not None:
            parts = [self.config.get("instance_prefix", "instances"), instance, path, name]
        else:
            parts = [self.config.get("path_prefix", "systems"), self.get_hostname(), self.config.get("path_suffix"),
                     path, name]
        return ".".join(str(part) for part in parts if part)

    def metric_allowed(self, name):
        allowed, refused = self.config["metrics_whitelist"], self.config["metrics_blacklist"]
        if allowed and not any(one.match(name) for one in allowed):
            return False
        return not any(one.match(name) for one in refused)

    def collect(self):
        raise NotImplementedError("%s has no collect()" % self.name)

    def publish(self, name, value, raw_value=None, precision=0, metric_type="GAUGE", instance=None, timestamp=None):
        if not self.metric_allowed(name):
            return
        ttl = float(self.config["interval"]) * float(self.config["ttl_multiplier"])
        path = self.get_metric_path(name, instance=instance)
        self.publish_metric(Metric(path, value, raw_value=raw_value, timestamp=timestamp or self._slot,
                                   precision=precision, host=self.get_hostname(), metric_type=metric_type, ttl=ttl))

    #: The slot of the run, which all its points carry; main.py sets it.
    _slot = None

    def publish_metric(self, metric):
        for handler in self.handlers:
            handler._process(metric)

    def publish_gauge(self, name, value, precision=0, instance=None):
        return self.publish(name, value, precision=precision, metric_type="GAUGE", instance=instance)

    def publish_counter(self, name, value, precision=0, max_value=0, time_delta=True, interval=None,
                        allow_negative=False, instance=None):
        rate = self.derivative(name, value, max_value=max_value, time_delta=time_delta, interval=interval,
                               allow_negative=allow_negative, instance=instance)
        return self.publish(name, rate, raw_value=value, precision=precision, metric_type="COUNTER", instance=instance)

    def derivative(self, name, new, max_value=0, time_delta=True, interval=None, allow_negative=False, instance=None):
        """How far a counter moved, by default per second."""
        path = self.get_metric_path(name, instance=instance)
        now = time.monotonic()
        last = self.last_values.get(path)
        self.last_values[path] = (new, now)
        if home["compat"]:
            return self._diamonds(last, new, max_value, time_delta, interval, allow_negative)
        if last is None:
            return UNKNOWN
        moved = new - last[0]
        if moved < 0 and not allow_negative:
            # Only a counter of 32 bits can have gone round its end; everything else was reset.
            wraps = 0 < max_value < _WRAP and last[0] >= _LAST_QUARTER and new < _WRAP - _LAST_QUARTER
            if not wraps:
                return UNKNOWN
            moved += _WRAP
        if not time_delta:
            return float(moved)
        seconds = now - last[1] if interval is None else float(interval)
        return moved / seconds if seconds > 0 else UNKNOWN

    def _diamonds(self, last, new, max_value, time_delta, interval, allow_negative):
        """As Diamond does it: by the configured interval, and 0 where nothing is known."""
        if last is None:
            return 0
        old = last[0] - max_value if new < last[0] else last[0]
        seconds = float(self.config["interval"]) if interval is None else interval
        result = float(new - old) / (float(seconds) if time_delta else 1.0)
        return 0 if result < 0 and not allow_negative else result

    def _run(self):
        begun = time.monotonic()
        self.collect()
        if self.config.get("measure_collector_time"):
            self.publish("collector_time_ms", int((time.monotonic() - begun) * 1000))

    def find_binary(self, binary):
        """The first file of that name on the path, or where such programs usually are."""
        if os.path.exists(binary):
            return binary
        usual = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        for folder in os.environ.get("PATH", "").split(":") + usual:
            path = os.path.join(folder, os.path.basename(binary))
            if os.path.isdir(folder) and os.path.exists(path):
                return path
        return binary


class ProcessCollector(Collector):
    """One that asks a program, perhaps through sudo."""

    def get_default_config_help(self):
        told = super().get_default_config_help()
        told.update({"use_sudo": "Whether the program is started through sudo", "sudo_cmd": "Where sudo is"})
        return told

    def get_default_config(self):
        config = super().get_default_config()
        config.update({"use_sudo": False, "sudo_cmd": self.find_binary("/usr/bin/sudo")})
        return config

    def run_command(self, args):
        if "bin" not in self.config:
            raise Exception("the option `bin` names no program")
        if not os.access(self.config["bin"], os.X_OK):
            raise Exception("%s cannot be executed" % self.config["bin"])
        sudo = [self.config["sudo_cmd"]] if str_to_bool(self.config["use_sudo"]) else []
        try:
            process = subprocess.Popen(sudo + [self.config["bin"]] + list(args), stdout=subprocess.PIPE,
                                       encoding="utf-8", errors="surrogateescape")
            return process.communicate()
        except OSError:
            self.log.exception("cannot run %s", self.config["bin"])
            return None


class Handler(object):
    """For collectors that name the class of handlers; the agent delivers, and none is ever called."""

    def __init__(self, config=None, log=None):
        self.config, self.log, self.enabled = config or {}, log, False


_BITS = {"bit": 1, "byte": 8}
_STEPS = ("", "kilo", "mega", "giga", "tera", "peta", "exa", "zetta", "yotta")
_SHORT = {"b": "bit", "B": "byte", "Mbyte": "megabyte"}
for _power, _step in enumerate(_STEPS):
    for _unit, _size in (("bit", 1), ("byte", 8)):
        _BITS[_step + _unit] = _size * 1024 ** _power
        if _power:
            _letter = _step[0].upper()
            _SHORT[(_letter if _power > 1 else "k") + ("B" if _unit == "byte" else "bit")] = _step + _unit
            _SHORT[_letter + "i" + ("B" if _unit == "byte" else "bit")] = _step + _unit
_MILLISECONDS = {"nanosecond": 1e-6, "microsecond": 1e-3, "millisecond": 1.0, "second": 1e3, "minute": 6e4, "hour": 3.6e6,
                 "day": 8.64e7, "year": 365 * 8.64e7}
_SHORT_TIMES = {"ns": "nanosecond", "us": "microsecond", "ms": "millisecond", "s": "second", "m": "minute", "h": "hour",
                "d": "day", "y": "year"}


class _Convertor(object):
    """Keeps one value and gives it in any unit; each unit is a method that sets it, or gives it without argument."""

    def __init__(self, value=None, unit=None):
        self.value = None
        if value is not None:
            self.set(value, unit)

    @classmethod
    def convert(cls, value=None, oldUnit=None, newUnit=None):
        return cls(value=value, unit=oldUnit).get(unit=newUnit)

    def set(self, value, unit=None):
        self.value = float(value) * self._size(unit)

    def get(self, unit=None):
        return self.value / self._size(unit)

    def do(self, value=None, unit=None):
        return self.get(unit) if value is None else self.set(value, unit)

    def __getattr__(self, unit):
        if unit.startswith("_"):
            raise AttributeError(unit)
        return lambda value=None: self.do(value, unit)


class binary(_Convertor):
    def _size(self, unit):
        unit = _SHORT.get(unit, unit) or "bit"
        if unit not in _BITS:
            raise NotImplementedError("there is no unit `%s`" % unit)
        return _BITS[unit]


class time_convertor(_Convertor):
    def _size(self, unit):
        unit = (unit or "millisecond").lower()
        unit = _SHORT_TIMES.get(unit, unit[:-1] if unit.endswith("s") else unit)
        if unit not in _MILLISECONDS:
            raise NotImplementedError("there is no unit `%s`" % unit)
        return _MILLISECONDS[unit]


def camelcase_to_underscore(name):
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


def load_include_path(paths):
    """Diamond's way to put folders on the path; ours all are."""


def modules():
    """The package and its modules by name."""
    contents = {
        "diamond": {},
        "diamond.collector": dict(
            Collector=Collector, ProcessCollector=ProcessCollector, str_to_bool=str_to_bool, get_hostname=get_hostname,
            MAX_COUNTER=MAX_COUNTER, Metric=Metric, DiamondException=DiamondException),
        "diamond.metric": dict(Metric=Metric),
        "diamond.error": dict(DiamondException=DiamondException),
        "diamond.convertor": dict(binary=binary, time=time_convertor, camelcase_to_underscore=camelcase_to_underscore),
        "diamond.util": dict(load_include_path=load_include_path),
        "diamond.utils": {},
        "diamond.utils.config": dict(str_to_bool=str_to_bool, load_config=inifile.load),
        "diamond.utils.classes": dict(load_include_path=load_include_path),
        "diamond.handler": {},
        "diamond.handler.Handler": dict(Handler=Handler),
        "diamond.pycompat": dict(
            unicode=str, long=int, xrange=range, urlopen=None, HTTPError=None, URLError=None),
        "diamond.version": dict(__VERSION__="plumbago", VERSION="plumbago"),
        "configobj": dict(ConfigObj=inifile.ConfigObj, Section=inifile.Section, ConfigObjError=ValueError),
    }
    made = {}
    for name, inside in contents.items():
        module = made[name] = types.ModuleType(name)
        module.__path__ = []
        vars(module).update(inside)
    for name, module in made.items():
        package, _, own = name.rpartition(".")
        if package:
            setattr(made[package], own, module)
    return made
