"""The Python 2 that collectors see: its built-in names, and modules under their old names.

Text and bytes are one type in Python 2. Here everything is text: what comes from sockets and binary files has one letter
per byte, what comes from programs and URLs is UTF-8. The standard library itself stays untouched; what has to behave
otherwise is a private copy.
"""

import builtins
import functools
import importlib
import importlib.util
import io
import re as real_re
import sys
import types

_FILE = dict(encoding="utf-8", errors="surrogateescape")


def to_text(value, encoding="latin-1"):
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode(encoding, "surrogateescape")
    return value


def to_bytes(value):
    if isinstance(value, str):
        try:
            return value.encode("latin-1")
        except UnicodeEncodeError:
            return value.encode("utf-8", "surrogateescape")
    return value


# --- what rewrite.py calls

def div(left, right):
    if isinstance(left, int) and isinstance(right, int):
        return left // right
    return left / right


def decode(value):
    def change(encoding="utf-8", errors="strict"):
        if isinstance(value, (bytes, bytearray)):
            return bytes(value).decode(encoding, errors)
        if not isinstance(value, str):
            return value.decode(encoding, errors)
        if encoding in ("hex", "base64", "zlib", "bz2", "rot13"):
            codecs = importlib.import_module("codecs")
            return to_text(codecs.decode(to_bytes(value), encoding))
        return value
    return change


def encode(value):
    def change(encoding="utf-8", errors="strict"):
        if not isinstance(value, str):
            return value.encode(encoding, errors)
        if encoding in ("hex", "base64", "zlib", "bz2", "rot13"):
            codecs = importlib.import_module("codecs")
            return to_text(codecs.encode(to_bytes(value), encoding))
        if encoding.lower().replace("-", "") in ("ascii", "usascii"):
            return value.encode(encoding, errors).decode(encoding)
        return value
    return change


def _kind(value):
    """Python 2 has an order between things of different kinds: nothing, numbers, then the others by their names."""
    if value is None:
        return (0, "")
    if isinstance(value, (int, float)):
        return (1, "")
    return (2, type(value).__name__)


def _comparing(compare):
    def compared(left, right):
        try:
            return compare(left, right)
        except TypeError:
            return compare(_kind(left), _kind(right))
    return compared


lt = _comparing(lambda left, right: left < right)
lte = _comparing(lambda left, right: left <= right)
gt = _comparing(lambda left, right: left > right)
gte = _comparing(lambda left, right: left >= right)


def cmp(left, right):
    return (gt(left, right) > 0) - (lt(left, right) > 0)


# --- built-in names

class _Like(type):
    """A type that stands for another one, also where types are compared."""

    def __instancecheck__(cls, thing):
        return isinstance(thing, cls.real)

    def __subclasscheck__(cls, kind):
        return issubclass(kind, cls.real)

    def __eq__(cls, other):
        return other is cls.real or type.__eq__(cls, other) is True

    def __hash__(cls):
        return hash(cls.real)


class Int(int, metaclass=_Like):
    """`int`, which lets the unknown value of a first reading pass."""
    real = int

    def __new__(cls, value=0, *base):
        if isinstance(value, float) and value != value:
            return value
        if isinstance(value, str):
            value = value.strip().rstrip("lL") or value
        return int(value, *base)


class Unicode(str, metaclass=_Like):
    real = str

    def __new__(cls, value="", encoding="utf-8", errors="strict"):
        return to_text(value, encoding) if isinstance(value, (bytes, bytearray)) else str(value)


def round_away(number, digits=0):
    """Halves go away from zero, and the result is a float."""
    number = float(number)
    if number != number:
        return number
    scale = 10.0 ** digits
    scaled = abs(number) * scale
    whole = float(int(scaled + 0.5)) if scaled < 2 ** 52 else float(scaled)
    return (whole if number >= 0 else -whole) / scale


def open_text(path, mode="r", buffering=-1, **more):
    mode = mode.replace("U", "")
    if "b" in mode:
        return io.open(path, mode.replace("b", "") or "r", encoding="latin-1", newline="")
    return io.open(path, mode or "r", **(more or _FILE))


def sorted_by(things, cmp=None, key=None, reverse=False):
    if cmp is not None:
        order = functools.cmp_to_key(cmp)
        things, old = list(things), key
        return builtins.sorted(things, key=lambda one: order(old(one) if old else one), reverse=reverse)
    try:
        return builtins.sorted(things, key=key, reverse=reverse)
    except TypeError:
        order = functools.cmp_to_key(globals()["cmp"])
        return builtins.sorted(things, key=lambda one: order(key(one) if key else one), reverse=reverse)


def map_list(function, *things):
    if function is None:
        return list(builtins.zip(*things)) if len(things) > 1 else list(things[0])
    return list(builtins.map(function, *things))


def filter_list(function, things):
    if isinstance(things, str):
        return "".join(builtins.filter(function, things))
    return list(builtins.filter(function, things))


def _names(importer):
    names = dict(vars(builtins))
    names.update(
        __import__=importer, unicode=Unicode, basestring=str, long=Int, int=Int, xrange=range, unichr=chr,
        raw_input=input, reduce=functools.reduce, cmp=cmp, intern=sys.intern, open=open_text, file=open_text,
        round=round_away, sorted=sorted_by, map=map_list, filter=filter_list, StandardError=Exception,
        range=lambda *limits: list(builtins.range(*limits)), zip=lambda *things: list(builtins.zip(*things)),
        apply=lambda function, args=(), more={}: function(*args, **more), buffer=lambda thing: thing,
        reload=lambda module: module, bytes=Unicode, callable=callable,
        _py2_div=div, _py2_list=list, _py2_decode=decode, _py2_encode=encode, _py2_cmp_to_key=functools.cmp_to_key,
        _py2_lt=lt, _py2_lte=lte, _py2_gt=gt, _py2_gte=gte,
    )
    return names


# --- modules

class _Copy(types.ModuleType):
    """A module that shows another one's names where it has none of its own."""

    def __init__(self, name, real, **changed):
        super().__init__(name)
        self.__dict__["_real"] = real
        self.__dict__.update(changed)
        if hasattr(real, "__path__"):
            self.__path__ = real.__path__

    def __getattr__(self, name):
        return getattr(self.__dict__["_real"], name)


def _private(name):
    """A second copy of a module of the standard library, whose own names can be changed."""
    spec = importlib.util.find_spec(name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _subprocess():
    module = _private("subprocess")

    class Popen(module.Popen):
        def __init__(self, *args, **more):
            asks = {"text", "encoding", "errors", "universal_newlines"} & set(more)
            if not asks or more.get("universal_newlines"):
                more.pop("universal_newlines", None)
                more.update(_FILE)
            if len(args) > 1 and args[1] == 0:
                args = (args[0], -1) + args[2:]
            if more.get("bufsize") == 0:
                more["bufsize"] = -1
            super().__init__(*args, **more)

        def communicate(self, input=None, timeout=None):
            return super().communicate(to_text(input, "utf-8"), timeout)

    module.Popen = Popen
    commands = types.ModuleType("commands")
    commands.getoutput, commands.getstatusoutput = module.getoutput, module.getstatusoutput
    return module, commands


def _socket():
    import socket as real

    class Socket(real.socket):
        def recv(self, *args):
            return to_text(super().recv(*args))

        def recvfrom(self, *args):
            text, peer = super().recvfrom(*args)
            return to_text(text), peer

        def send(self, text, *args):
            return super().send(to_bytes(text), *args)

        def sendall(self, text, *args):
            return super().sendall(to_bytes(text), *args)

        def sendto(self, text, *args):
            return super().sendto(to_bytes(text), *args)

        def setsockopt(self, level, option, value, *more):
            return super().setsockopt(level, option, to_bytes(value), *more)

        def accept(self):
            taken, peer = super().accept()
            return _as_text(taken), peer

        def makefile(self, mode="r", buffering=None, **more):
            return super().makefile(mode.replace("b", "") or "r", None, encoding="latin-1", newline="")

    def _as_text(other):
        return Socket(other.family, other.type, other.proto, fileno=other.detach())

    def create_connection(*args, **more):
        made = real.create_connection(*args, **more)
        patience = made.gettimeout()
        made = _as_text(made)
        made.settimeout(patience)
        return made

    def socketpair(*args):
        left, right = real.socketpair(*args)
        return _as_text(left), _as_text(right)

    return _Copy("socket", real, socketpair=socketpair, socket=Socket, SocketType=Socket, create_connection=create_connection,
                 inet_aton=lambda text: to_text(real.inet_aton(text)),
                 inet_ntoa=lambda packed: real.inet_ntoa(to_bytes(packed)),
                 inet_pton=lambda family, text: to_text(real.inet_pton(family, text)),
                 inet_ntop=lambda family, packed: real.inet_ntop(family, to_bytes(packed)))


class _Answer(object):
    """An HTTP answer that reads as text."""

    def __init__(self, answer):
        self._answer = answer

    def read(self, *size):
        return to_text(self._answer.read(*size), "utf-8")

    def readline(self, *size):
        return to_text(self._answer.readline(*size), "utf-8")

    def readlines(self):
        return [to_text(line, "utf-8") for line in self._answer.readlines()]

    def __iter__(self):
        return iter(self.readlines())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._answer.close()

    def info(self):
        headers = self._answer.info()
        headers.gettype = headers.get_content_type
        headers.getheader = headers.get
        return headers

    def getheader(self, name, default=None):
        return self._answer.headers.get(name, default)

    def __getattr__(self, name):
        return getattr(self._answer, name)


def _urllib2():
    import urllib.error
    import urllib.request as real

    class Request(real.Request):
        def __init__(self, url, data=None, *args, **more):
            super().__init__(url, to_bytes(data), *args, **more)

        def add_data(self, data):
            self.data = to_bytes(data)

        def get_data(self):
            return to_text(self.data)

        def get_host(self):
            return self.host

    def urlopen(url, data=None, *args, **more):
        return _Answer(real.urlopen(url, to_bytes(data), *args, **more))

    def build_opener(*handlers):
        opener = real.build_opener(*handlers)
        plain = opener.open
        opener.text_open = lambda url, data=None, *args, **more: _Answer(plain(url, to_bytes(data), *args, **more))
        return _Copy("opener", opener, open=opener.text_open)

    def install_opener(opener):
        real.install_opener(opener.__dict__.get("_real", opener))

    return _Copy("urllib2", real, Request=Request, urlopen=urlopen, build_opener=build_opener,
                 install_opener=install_opener, HTTPError=urllib.error.HTTPError, URLError=urllib.error.URLError)


def _urllib(urllib2):
    import urllib.parse as parse
    import urllib.request as request
    return _Copy("urllib", parse, urlopen=urllib2.urlopen, urlretrieve=request.urlretrieve, getproxies=request.getproxies,
                 FancyURLopener=getattr(request, "FancyURLopener", None), pathname2url=request.pathname2url)


def _httplib():
    import http.client as real

    class _Texts(object):
        def request(self, method, url, body=None, headers={}, **more):
            return super().request(method, url, to_bytes(body), headers, **more)

        def getresponse(self, *args):
            return _Answer(super().getresponse())

    class HTTPConnection(_Texts, real.HTTPConnection):
        def __init__(self, host, port=None, strict=None, *args, **more):
            super().__init__(host, port, *args, **more)

    changed = dict(HTTPConnection=HTTPConnection)
    if hasattr(real, "HTTPSConnection"):
        class HTTPSConnection(_Texts, real.HTTPSConnection):
            pass
        changed["HTTPSConnection"] = HTTPSConnection
    return _Copy("httplib", real, **changed)


def _string():
    import string as real
    names = {name: (lambda text, *args, _name=name: getattr(text, _name)(*args)) for name in (
        "split", "strip", "lstrip", "rstrip", "lower", "upper", "replace", "find", "rfind", "count", "zfill",
        "ljust", "rjust", "capitalize", "splitfields")}
    return _Copy("string", real, join=lambda words, between=" ": between.join(words), letters=real.ascii_letters,
                 lowercase=real.ascii_lowercase, uppercase=real.ascii_uppercase, atoi=int, atof=float, atol=int,
                 maketrans=str.maketrans, **names)


def _base64():
    import base64 as real
    changed = {}
    for name in ("b64encode", "b64decode", "standard_b64encode", "standard_b64decode", "urlsafe_b64encode",
                 "urlsafe_b64decode", "b32encode", "b32decode", "b16encode", "b16decode", "encodebytes", "decodebytes"):
        changed[name] = lambda text, *args, _call=getattr(real, name): to_text(_call(to_bytes(text), *args))
    changed.update(encodestring=changed["encodebytes"], decodestring=changed["decodebytes"])
    return _Copy("base64", real, **changed)


def _bytes_in(name, text_out, *functions):
    real = importlib.import_module(name)
    changed = {}
    for function in functions:
        if hasattr(real, function):
            def call(*args, _call=getattr(real, function), **more):
                given = _call(*[to_bytes(one) for one in args], **more)
                return to_text(given) if text_out else given
            changed[function] = call
    return _Copy(name, real, **changed)


def _struct():
    import struct as real

    def packed(call):
        return lambda form, *values: to_text(call(form, *[to_bytes(one) for one in values]))

    def unpacked(call):
        return lambda form, text, *args: tuple(to_text(one) for one in call(form, to_bytes(text), *args))

    class Struct(real.Struct):
        def pack(self, *values):
            return to_text(super().pack(*[to_bytes(one) for one in values]))

        def unpack(self, text):
            return tuple(to_text(one) for one in super().unpack(to_bytes(text)))

    return _Copy("struct", real, pack=packed(real.pack), unpack=unpacked(real.unpack),
                 unpack_from=unpacked(real.unpack_from), Struct=Struct)


def _re():
    """Letters that need no backslash may have one in Python 2."""
    unknown = real_re.compile(r"(\\\\)|\\([a-zA-Z])")

    def compile(pattern, flags=0):
        try:
            return real_re.compile(pattern, flags)
        except real_re.error as error:
            if not isinstance(pattern, str) or "bad escape" not in str(error):
                raise
            def plain(match):
                return match.group() if match.group(1) or match.group(2) in "AbBdDsSwWZafnrtvxuU" else match.group(2)
            return real_re.compile(unknown.sub(plain, pattern), flags)

    def through(name):
        def call(pattern, *args, **more):
            # `flags` stands last, and belongs to the pattern.
            flags = more.pop("flags", 0)
            most = {"sub": 3, "subn": 3, "split": 2}.get(name, 1)
            if len(args) > most:
                args, flags = args[:most], args[most]
            return getattr(compile(pattern, flags), name)(*args, **more)
        return call

    names = ("match", "search", "sub", "subn", "split", "findall", "finditer", "fullmatch")
    return _Copy("re", real_re, compile=compile, **{name: through(name) for name in names})


def _telnetlib():
    """As much of a Telnet client as asking a service for its statistics needs."""
    import select
    import socket

    class Telnet(object):
        def __init__(self, host=None, port=23, timeout=10):
            self.waiting = b""
            self.patience = timeout
            self.sock = None
            if host is not None:
                self.open(host, port, timeout)

        def open(self, host, port=23, timeout=10):
            self.sock = socket.create_connection((host, int(port or 23)), timeout)

        def write(self, text):
            self.sock.sendall(to_bytes(text))

        def _more(self, patience):
            if not select.select([self.sock], [], [], patience)[0]:
                return False
            chunk = self.sock.recv(8192)
            if not chunk:
                raise EOFError("telnet connection closed")
            # Three bytes that negotiate an option are passed over.
            self.waiting += real_re.sub(b"\xff[\xfb-\xfe].", b"", chunk, flags=real_re.DOTALL)
            return True

        def _take(self, end):
            taken, self.waiting = self.waiting[:end], self.waiting[end:]
            return to_text(taken)

        def read_until(self, what, timeout=None):
            what = to_bytes(what)
            try:
                while what not in self.waiting and len(self.waiting) < 1 << 24:
                    if not self._more(self.patience if timeout is None else timeout):
                        return self._take(len(self.waiting))
            except EOFError:
                return self._take(len(self.waiting))
            return self._take(self.waiting.index(what) + len(what))

        def read_all(self):
            try:
                while self._more(self.patience) and len(self.waiting) < 1 << 24:
                    pass
            except EOFError:
                pass
            return self._take(len(self.waiting))

        read_some = read_very_eager = read_eager = lambda self: (self._more(0), self._take(len(self.waiting)))[1]

        def close(self):
            if self.sock is not None:
                self.sock.close()
                self.sock = None

    module = types.ModuleType("telnetlib")
    module.Telnet = Telnet
    return module


def _version():
    @functools.total_ordering
    class LooseVersion(object):
        def __init__(self, text=""):
            self.vstring = text
            words = real_re.findall(r"\d+|[a-z]+", str(text))
            self.version = [int(word) if word.isdigit() else word for word in words]

        def __eq__(self, other):
            return cmp(self.version, LooseVersion(str(other)).version) == 0

        def __lt__(self, other):
            return cmp(self.version, LooseVersion(str(other)).version) < 0

        def __str__(self):
            return self.vstring

    module = types.ModuleType("distutils.version")
    module.LooseVersion = module.StrictVersion = LooseVersion
    return module


_RENAMED = {
    "Queue": "queue", "ConfigParser": "configparser", "cPickle": "pickle", "xmlrpclib": "xmlrpc.client",
    "urlparse": "urllib.parse", "HTMLParser": "html.parser", "htmlentitydefs": "html.entities", "Cookie": "http.cookies",
    "cookielib": "http.cookiejar", "SocketServer": "socketserver", "BaseHTTPServer": "http.server", "thread": "_thread",
    "copy_reg": "copyreg", "__builtin__": "builtins", "robotparser": "urllib.robotparser", "xml.etree.cElementTree":
    "xml.etree.ElementTree", "cElementTree": "xml.etree.ElementTree", "elementtree.ElementTree": "xml.etree.ElementTree",
}


def stand_ins():
    """Modules by the names that Python 2 has for them; each is made when it is first asked for."""
    urllib2 = functools.lru_cache(None)(_urllib2)
    subprocess = functools.lru_cache(None)(_subprocess)

    def _config_parser():
        real = importlib.import_module("configparser")

        class Parser(real.RawConfigParser):
            def __init__(self, *args, **more):
                super().__init__(*args, strict=False, **more)

            def readfp(self, file, name=None):
                self.read_file(file, name)
        return _Copy("ConfigParser", real, ConfigParser=Parser, SafeConfigParser=Parser, RawConfigParser=Parser)

    def _itertools():
        import itertools as real
        return _Copy("itertools", real, izip=zip, imap=map, ifilter=filter, izip_longest=real.zip_longest,
                     ifilterfalse=real.filterfalse)

    def _time():
        import time as real
        return _Copy("time", real, clock=real.process_time)

    def _os():
        import errno
        import os as real
        return _Copy("os", real, errno=errno, getcwdu=real.getcwd)

    def _etree():
        real = importlib.import_module("xml.etree")
        tree = importlib.import_module("xml.etree.ElementTree")
        return _Copy("xml.etree", real, cElementTree=tree, ElementTree=tree)

    def _xml():
        return _Copy("xml", importlib.import_module("xml"), etree=_etree())

    def _distutils():
        module = types.ModuleType("distutils")
        module.__path__, module.version = [], _version()
        return module

    def _strings():
        module = types.ModuleType("StringIO")
        module.StringIO = io.StringIO
        return module

    made = {
        "subprocess": lambda: subprocess()[0], "commands": lambda: subprocess()[1], "socket": _socket,
        "urllib2": urllib2, "urllib": lambda: _urllib(urllib2()), "httplib": _httplib, "string": _string,
        "base64": _base64, "struct": _struct, "re": _re, "telnetlib": _telnetlib, "time": _time, "os": _os,
        "itertools": _itertools, "ConfigParser": _config_parser, "StringIO": _strings, "cStringIO": _strings,
        "hashlib": lambda: _bytes_in("hashlib", False, "md5", "sha1", "sha224", "sha256", "sha384", "sha512", "new"),
        "md5": lambda: _bytes_in("hashlib", False, "md5", "new"), "sha": lambda: _bytes_in("hashlib", False, "sha1"),
        "zlib": lambda: _bytes_in("zlib", True, "compress", "decompress"),
        "binascii": lambda: _bytes_in("binascii", True, "hexlify", "unhexlify", "b2a_hex", "a2b_hex", "b2a_base64"),
        "distutils": _distutils, "distutils.version": _version, "xml": _xml, "xml.etree": _etree,
    }
    for old, new in _RENAMED.items():
        made.setdefault(old, lambda new=new: importlib.import_module(new))
    return made
