"""Diamond's configuration: sections in sections, lists parted by commas, values that stay text."""

import os
import re


class Section(dict):
    """A table that merges tables, as collectors expect of their configuration."""

    def merge(self, other):
        for key, value in other.items():
            if isinstance(value, dict) and isinstance(self.get(key), dict):
                section_of(self[key]).merge(value)
            else:
                self[key] = section_of(value)

    def as_bool(self, key):
        value = self[key]
        if isinstance(value, str):
            return {"true": True, "yes": True, "on": True, "1": True}.get(value.strip().lower(), False)
        return bool(value)

    def as_int(self, key):
        return int(self[key])

    def as_float(self, key):
        return float(self[key])

    def as_list(self, key):
        value = self[key]
        return list(value) if isinstance(value, (list, tuple)) else [value]

    @property
    def sections(self):
        return [key for key, value in self.items() if isinstance(value, dict)]

    @property
    def scalars(self):
        return [key for key, value in self.items() if not isinstance(value, dict)]

    def dict(self):
        return {key: value.dict() if isinstance(value, Section) else value for key, value in self.items()}


def section_of(value):
    """Tables become sections, where they are and all the way down."""
    if isinstance(value, dict) and not isinstance(value, Section):
        made = Section()
        for key, one in value.items():
            made[key] = section_of(one)
        return made
    return value


def ConfigObj(source=None, *_, **__):
    """A configuration from a file, from lines or from a table."""
    if isinstance(source, str):
        return read(source)
    if isinstance(source, dict):
        return section_of(dict(source))
    return parse(source or [])


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return parse(file.read().split("\n"))


def parse(lines):
    top = Section()
    chain = [top]
    lines = iter(lines)
    for line in lines:
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        header = re.match(r"(\[+)\s*(.*?)\s*(\]+)\s*(#.*)?$", line)
        if header:
            depth = len(header.group(1))
            name = _unquoted(header.group(2))
            del chain[max(1, depth):]
            inner = chain[-1].get(name)
            if not isinstance(inner, Section):
                inner = chain[-1][name] = Section()
            chain.append(inner)
            continue
        key, sign, text = _split_key(line)
        if sign:
            chain[-1][key] = _value(text.strip(), lines)
    _interpolate(top, [])
    return top


def _split_key(line):
    quoted = re.match(r"""("[^"]*"|'[^']*')\s*(=)(.*)$""", line)
    if quoted:
        return _unquoted(quoted.group(1)), "=", quoted.group(3)
    key, sign, text = line.partition("=")
    return key.strip(), sign, text


def _value(text, lines):
    for quote in ('\"\"\"', "'''"):
        if text.startswith(quote):
            text = text[3:]
            taken = []
            while quote not in text:
                taken.append(text)
                text = next(lines, quote)
            return "\n".join(taken + [text.split(quote)[0]])
    words, rest, listed = [], text, False
    while True:
        rest = rest.lstrip()
        if not rest or rest.startswith("#"):
            break
        word = re.match(r"""\"([^"]*)\"|'([^']*)'|([^,#]*)""", rest)
        words.append(next((one for one in word.groups()[:2] if one is not None), (word.group(3) or "").strip()))
        rest = rest[word.end():].lstrip()
        if rest.startswith(","):
            listed, rest = True, rest[1:]
        elif rest and not rest.startswith("#"):
            # Text behind a closing quote: then the quotes are part of the value.
            return text
    if listed:
        return [word for word in words if word != ""] if words != [""] else []
    return words[0] if words else ""


def _unquoted(text):
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text


def _interpolate(section, outer):
    """`%(name)s` is another value of this section, of its DEFAULT, or of one around it."""
    scopes = [section] + outer

    def named(match):
        for scope in scopes:
            for table in (scope, scope.get("DEFAULT")):
                if isinstance(table, dict) and isinstance(table.get(match.group(1)), str):
                    return table[match.group(1)]
        return match.group()

    for key, value in section.items():
        if isinstance(value, Section):
            _interpolate(value, scopes)
        elif isinstance(value, str):
            for _ in range(10):
                changed = re.sub(r"%\(([^)]+)\)s", named, value)
                if changed == value or len(changed) > 65536:
                    break
                value = changed
            section[key] = value


def load(path):
    """Diamond's main file with all that it names: other files, then one file for each handler and each collector. Later
    ones win."""
    config = read(path)
    extension = config.get("configs", {}).get("extension", ".conf")
    for file in _files(config.get("configs", {}).get("path"), extension):
        config.merge(read(file))
    server = config.get("server", {})
    for kind in ("handlers", "collectors"):
        tables = config.setdefault(kind, Section())
        for file in _files(server.get(kind + "_config_path"), extension):
            name = os.path.splitext(os.path.basename(file))[0]
            tables.setdefault(name, Section()).merge(read(file))
    return config


def _files(folder, extension):
    if not folder or not isinstance(folder, str) or not os.path.isdir(folder):
        return []
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(extension)]
