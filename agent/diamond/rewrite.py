"""Reads Python 2 as Python 3, in memory.

Two steps: what Python 3 cannot parse is changed token by token (print, except A, e, octal numbers, ...), keeping every
line where it was, and then the tree is changed where the same words mean something else (division, dict.keys(), ...).
"""

import ast
import re

_TOKEN = re.compile(
    r"""
    (?P<string>[bBuUrR]{0,2}(?:\"\"\"(?:[^\\]|\\.)*?\"\"\"|'''(?:[^\\]|\\.)*?'''
        |"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'))
  | (?P<comment>\#[^\n]*)
  | (?P<number>0[xX][0-9a-fA-F]+[lL]?|0[oObB][0-7]+[lL]?|(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?[jJlL]?)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<space>(?:[ \t\f]|\\\r?\n)+)
  | (?P<newline>\r?\n)
  | (?P<op><>|\*\*=|//=|>>=|<<=|[-+*/%&|^<>=!]=|\*\*|//|>>|<<|.)
    """,
    re.VERBOSE | re.DOTALL,
)

_OPEN, _CLOSE = "([{", ")]}"


class Token(object):
    __slots__ = ("kind", "text")

    def __init__(self, kind, text):
        self.kind = kind
        self.text = text

    def is_blank(self):
        return self.kind in ("space", "comment", "newline")

    def is_name(self, *names):
        return self.kind == "name" and self.text in names

    def is_op(self, *ops):
        return self.kind == "op" and self.text in ops


def tokens_of(source):
    tokens = []
    for match in _TOKEN.finditer(source):
        tokens.append(Token(match.lastgroup, match.group()))
    return tokens


def statements_of(tokens):
    """Parts the tokens into simple statements and the rest: lists of tokens, of which each joins to its own text."""
    statements, now, depth, head = [], [], 0, False
    for token in tokens:
        now.append(token)
        if token.kind == "op":
            if token.text in _OPEN:
                depth += 1
            elif token.text in _CLOSE:
                depth = max(0, depth - 1)
        first = next((one for one in now if not one.is_blank()), None)
        if depth == 0:
            # The colon of `if x:` ends the head, so that what follows on the line is a statement of its own.
            head = first is not None and first.is_name(*_HEADS)
            ends = token.kind == "newline" or token.is_op(";")
            if ends or (head and token.is_op(":") and not _in_lambda(now)):
                statements.append(now)
                now = []
    if now:
        statements.append(now)
    return statements


_HEADS = ("if", "elif", "else", "for", "while", "try", "except", "finally", "with", "def", "class")


def _in_lambda(tokens):
    """Whether the colon at the end belongs to a lambda."""
    lambdas, depth = [], 0
    for token in tokens[:-1]:
        if token.is_op(*_OPEN):
            depth += 1
        elif token.is_op(*_CLOSE):
            depth -= 1
        elif token.is_name("lambda"):
            lambdas.append(depth)
        elif token.is_op(":") and lambdas and lambdas[-1] == depth:
            lambdas.pop()
    return bool(lambdas) and lambdas[-1] == depth


def text_of(tokens):
    return "".join(token.text for token in tokens)


def split(tokens, op):
    """The parts between the top-level `op`s."""
    parts, depth = [[]], 0
    for token in tokens:
        if token.is_op(*_OPEN):
            depth += 1
        elif token.is_op(*_CLOSE):
            depth -= 1
        if depth == 0 and token.is_op(op):
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def trim(tokens):
    """Leading blanks, the middle, trailing blanks and end signs."""
    start, end = 0, len(tokens)
    while start < end and tokens[start].is_blank():
        start += 1
    while end > start and (tokens[end - 1].is_blank() or tokens[end - 1].is_op(";", ":")):
        end -= 1
    return tokens[:start], tokens[start:end], tokens[end:]


def fix_token(token):
    """A token that Python 3 spells otherwise."""
    text = token.text
    if token.kind == "number":
        digits = text.rstrip("lL")
        if digits.isdigit() and len(digits) > 1 and digits.startswith("0"):
            digits = "0o" + digits.lstrip("0") if digits.strip("0") else "0"
        token.text = digits
    elif token.kind == "string":
        quote = min(at for at in (text.find('"'), text.find("'")) if at >= 0)
        prefix = text[:quote].lower()
        if "u" in prefix:
            token.text = text[:quote].replace("u", "").replace("U", "") + text[quote:]
        elif "b" in prefix:
            # Text and bytes are one thing here, see py2.py.
            token.text = text[:quote].replace("b", "").replace("B", "") + text[quote:]
    elif token.is_op("<>"):
        token.text = "!="


def fix_backticks(tokens):
    opened = False
    for token in tokens:
        if token.is_op("`"):
            token.text = ")" if opened else "repr("
            opened = not opened


def fix_print(middle):
    rest = trim(middle[1:])[1]
    gap = text_of(trim(middle[1:])[0])
    if not rest:
        return "print()"
    target = ""
    if rest[0].is_op(">>"):
        parts = split(rest[1:], ",")
        target = ", file=" + text_of(parts[0]).strip()
        rest = trim([token for part in parts[1:] for token in part + [Token("op", ",")]][:-1])[1]
        if not rest:
            return "print(" + target.lstrip(", ") + ")"
    elif rest[0].is_op("(") and matching(rest, 0) == len(rest) - 1:
        return "print" + gap + text_of(rest)
    elif rest[0].is_op("=", ".", ","):
        return None
    ends = ""
    if rest[-1].is_op(","):
        rest, ends = rest[:-1], ', end=" "'
    return "print(" + text_of(rest) + ends + target + ")"


def matching(tokens, start):
    depth = 0
    for at in range(start, len(tokens)):
        if tokens[at].is_op(*_OPEN):
            depth += 1
        elif tokens[at].is_op(*_CLOSE):
            depth -= 1
            if depth == 0:
                return at
    return len(tokens)


def fix_except(middle):
    parts = split(middle[1:], ",")
    if len(parts) != 2 or not text_of(parts[1]).strip():
        return None
    return "except" + text_of(parts[0]).rstrip() + " as " + text_of(parts[1]).strip()


def fix_raise(middle):
    parts = [text_of(part).strip() for part in split(middle[1:], ",")]
    if len(parts) == 1:
        return None
    several = parts[1].startswith("(") and parts[1].endswith(")")
    value = parts[0] + (parts[1] if several else "" if parts[1] in ("None", "") else "(%s)" % parts[1])
    if len(parts) > 2:
        value += ".with_traceback(%s)" % parts[2]
    return "raise " + value


def fix_exec(middle):
    rest = trim(middle[1:])[1]
    if rest and rest[0].is_op("(") and matching(rest, 0) == len(rest) - 1:
        return None
    for at, token in enumerate(rest):
        if token.is_name("in"):
            return "exec(%s, %s)" % (text_of(rest[:at]).strip(), text_of(rest[at + 1 :]).strip())
    return "exec(%s)" % text_of(rest)


def fix_parameters(middle):
    """`def f(a, (b, c)):` takes a pair apart in its head. Gives the head with a name in its place, and the statement that
    takes it apart."""
    start = next((at for at, token in enumerate(middle) if token.is_op("(")), len(middle))
    end = matching(middle, start)
    apart = []
    parts = split(middle[start + 1 : end], ",")
    for number, part in enumerate(parts):
        inner = trim(part)[1]
        if inner and inner[0].is_op("("):
            apart.append("%s = _pair%d" % (text_of(inner), number))
            part[:] = [Token("name", "_pair%d" % number)]
    if not apart:
        return None, ""
    head = text_of(middle[: start + 1]) + ",".join(text_of(part) for part in parts) + text_of(middle[end:])
    return head, "; ".join(apart)


def fix_lambdas(tokens):
    """`lambda (a, b): x` becomes a lambda that hands its pair on to one with two arguments."""
    for at, token in enumerate(tokens):
        if not token.is_name("lambda"):
            continue
        start = at + 1
        while start < len(tokens) and tokens[start].is_blank():
            start += 1
        if start == len(tokens) or not tokens[start].is_op("("):
            continue
        end = matching(tokens, start)
        if end + 1 >= len(tokens) or not tokens[end + 1].is_op(":"):
            continue
        last, depth = end + 2, 0
        while last < len(tokens) and depth >= 0 and not (depth == 0 and tokens[last].is_op(",")):
            depth += tokens[last].is_op(*_OPEN) - tokens[last].is_op(*_CLOSE)
            last += depth >= 0
        tokens[start].text, tokens[end].text = "_pair: (lambda ", ""
        tokens[last - 1].text += ")(*_pair)"


_FIXES = {"print": fix_print, "except": fix_except, "raise": fix_raise, "exec": fix_exec}


def to_syntax_of_3(source):
    """The same program as far as Python 3 can parse it, on the same lines."""
    source = "\n".join(_spaces(line) for line in source.replace("\r\n", "\n").split("\n"))
    tokens = tokens_of(source)
    for token in tokens:
        fix_token(token)
    fix_backticks(tokens)
    out, waiting = [], ""
    for statement in statements_of(tokens):
        before, middle, after = trim(statement)
        if waiting and middle:
            # First of all in the body, on a line of its own; only what follows it moves down.
            indent = text_of(before).rsplit("\n", 1)[-1]
            before, waiting = [Token("space", text_of(before) + waiting + "\n" + indent)], ""
        fix_lambdas(middle)
        if middle and middle[0].is_name("def"):
            head, waiting = fix_parameters(middle)
            out.append(text_of(before) + (head or text_of(middle)) + text_of(after))
            continue
        fix = _FIXES.get(middle[0].text) if middle and middle[0].kind == "name" else None
        fixed = fix(middle) if fix else None
        out.append(text_of(before) + (fixed if fixed is not None else text_of(middle)) + text_of(after))
    return "".join(out)


def _spaces(line):
    """Tabs at the beginning reach to every eighth column, as Python 2 has it."""
    body = line.lstrip(" \t")
    return line[: len(line) - len(body)].expandtabs(8) + body


class Meaning(ast.NodeTransformer):
    """Changes what would parse and mean something else."""

    LISTS = ("keys", "values", "items")
    RENAMED = {"iteritems": "items", "itervalues": "values", "iterkeys": "keys", "has_key": "__contains__",
               "next": "__next__", "getcwdu": "getcwd"}

    def __init__(self, true_division):
        self.true_division = true_division

    def _call(self, name, arguments, at):
        call = ast.Call(func=ast.Name(id=name, ctx=ast.Load()), args=arguments, keywords=[])
        return ast.copy_location(call, at)

    def visit_Call(self, node):
        self.generic_visit(node)
        func = node.func
        if not isinstance(func, ast.Attribute):
            return node
        plain = not node.args and not node.keywords
        if func.attr in self.LISTS and plain:
            return self._call("_py2_list", [node], node)
        if func.attr in ("decode", "encode"):
            node.func = self._call("_py2_" + func.attr, [func.value], func)
            return node
        if func.attr == "sort" and len(node.args) == 1 and not node.keywords:
            node.keywords = [ast.keyword(arg="key", value=self._call("_py2_cmp_to_key", node.args, node))]
            node.args = []
            return node
        if func.attr == "has_key" or (plain and func.attr in self.RENAMED):
            func.attr = self.RENAMED[func.attr]
        return node

    def visit_Constant(self, node):
        # Text and bytes are one thing, see py2.py.
        if isinstance(node.value, bytes):
            return ast.copy_location(ast.Constant(node.value.decode("latin-1")), node)
        return node

    def visit_Attribute(self, node):
        self.generic_visit(node)
        if node.attr == "maxint":
            node.attr = "maxsize"
        elif node.attr in ("func_name", "im_func", "im_self", "func_code"):
            node.attr = {"func_name": "__name__", "im_func": "__func__", "im_self": "__self__",
                         "func_code": "__code__"}[node.attr]
        return node

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.Div) and not self.true_division:
            return self._call("_py2_div", [node.left, node.right], node)
        return node

    def visit_AugAssign(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.Div) and not self.true_division and isinstance(node.target, ast.Name):
            left = ast.copy_location(ast.Name(id=node.target.id, ctx=ast.Load()), node.target)
            value = self._call("_py2_div", [left, node.value], node)
            return ast.copy_location(ast.Assign(targets=[node.target], value=value), node)
        return node

    def visit_Compare(self, node):
        self.generic_visit(node)
        if len(node.ops) == 1 and isinstance(node.ops[0], (ast.Lt, ast.LtE, ast.Gt, ast.GtE)):
            # Two things of one kind compare as ever; only what Python 3 refuses to compare needs help.
            name = "_py2_" + type(node.ops[0]).__name__.lower()
            return self._call(name, [node.left, node.comparators[0]], node)
        return node

    def visit_ClassDef(self, node):
        self.generic_visit(node)
        names = [one.name for one in node.body if isinstance(one, ast.FunctionDef)]
        for old, new in (("next", "__next__"), ("__nonzero__", "__bool__"), ("__unicode__", "__str__")):
            if old in names and new not in names:
                alias = ast.Assign(targets=[ast.Name(id=new, ctx=ast.Store())], value=ast.Name(id=old, ctx=ast.Load()))
                node.body.append(ast.copy_location(alias, node))
        return node


def compiled(source, path):
    """Code that Python 3 runs as Python 2 would have; raises SyntaxError where it cannot."""
    future = re.search(r"^from __future__ import[^\n]*\bdivision\b", source, re.MULTILINE) is not None
    try:
        tree = ast.parse(source, path)
    except SyntaxError:
        tree = ast.parse(to_syntax_of_3(source), path)
    tree = ast.fix_missing_locations(Meaning(future).visit(tree))
    return compile(tree, path, "exec", dont_inherit=True)
