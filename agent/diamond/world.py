"""Loads collectors' files into a world of their own, in which Python is Python 2 and Diamond is installed."""

import importlib
import os
import sys
import threading
import types

import py2
import rewrite

_LIBRARY = getattr(sys, "stdlib_module_names", frozenset())


class World(object):
    """`given` are modules by name that exist here alone."""

    def __init__(self, given):
        self.given = dict(given)
        self.makers = py2.stand_ins()
        self.names = py2._names(self.importer)
        self.files = {}
        self.loaded = {}
        self.lock = threading.RLock()

    def add_folder(self, folder):
        """Every collector's folder is on the path: files below `folder` can be imported by their names."""
        for where, folders, names in os.walk(folder):
            folders[:] = sorted(name for name in folders if name not in ("test", "tests") and not name.startswith("."))
            for name in sorted(names):
                if name.endswith(".py") and not name.startswith(("test", "__")):
                    self.files.setdefault(name[:-3], os.path.join(where, name))

    def load(self, path):
        """The module in the file `path`, once."""
        with self.lock:
            if path in self.loaded:
                return self.loaded[path]
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                source = file.read()
            module = types.ModuleType(os.path.basename(path)[:-3])
            module.__file__ = path
            module.__dict__["__builtins__"] = self.names
            self.loaded[path] = module
            try:
                exec(rewrite.compiled(source, path), module.__dict__)
            except BaseException:
                del self.loaded[path]
                raise
            return module

    def importer(self, name, globals=None, locals=None, wanted=(), level=0):
        """`__import__`, as the files of this world see it."""
        with self.lock:
            here = (globals or {}).get("__file__", "")
            module = self.find(name, here)
            if wanted:
                for one in wanted:
                    if one != "*" and not hasattr(module, one):
                        self.attach(module, name, one, here)
                return module
            first = name.split(".")[0]
            return module if first == name else self.find(first, here)

    def attach(self, module, name, one, here):
        """`from package import module`."""
        try:
            setattr(module, one, self.find(name + "." + one, here))
        except ImportError:
            # Then the import says itself what is missing.
            pass

    def find(self, name, here):
        if name in self.given:
            return self.given[name]
        if name in self.makers:
            self.given[name] = self.makers[name]()
            return self.given[name]
        if name.split(".")[0] in _LIBRARY:
            return importlib.import_module(name)
        beside = os.path.join(os.path.dirname(here), name + ".py")
        if here and beside != here and os.path.exists(beside):
            return self.load(beside)
        try:
            return importlib.import_module(name)
        except ImportError:
            if name in self.files and self.files[name] != here:
                return self.load(self.files[name])
            if name == "simplejson":
                return importlib.import_module("json")
            raise
