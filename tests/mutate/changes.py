"""The changes: what can be changed in a file, as pieces of text and what stands there instead."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

Piece = tuple[str, int, int, str]  # kind, begin, end, the new text


@dataclass(frozen=True)
class Change:
    path: str
    kind: str
    line: int
    begin: int
    end: int
    new: str
    id: str  # of the path, the line's text and the change: it stays when other lines move
    old: str

    def of(self, text: str) -> str:
        return text[: self.begin] + self.new + text[self.end :]

    def told(self) -> str:
        old, new = (" ".join(words.split())[:60] for words in (self.old, self.new))
        return f"{self.path}:{self.line}: {self.kind}: {old!r} is {new!r}"


OTHER = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}

# ------------------------------------------------------------------------------------------- C


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def _code(text: str) -> str:
    """The text with comments, strings and lines of the preprocessor blanked."""
    words = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'|^\s*#(?:\\\n|[^\n])*'
    return re.sub(words, _blank, text, flags=re.S | re.M)


def _matching(code: str, begin: int) -> int:
    depth = 0
    for at in range(begin, len(code)):
        depth += {"(": 1, ")": -1}.get(code[at], 0)
        if depth == 0:
            return at
    return begin


CALL = r"[a-z_]\w*(?:(?:->|\.)\w+|\[[^\]]*\])*"
STATEMENT = re.compile(
    rf"^[ \t]+((?:BM_TRY\(.*\)|{CALL}\(.*\)|\*?{CALL} [-+|&]?= [^;]*|{CALL}(?:\+\+|--));)$", re.M
)
LEFT_ALONE = re.compile(r"free\(|assert\(|va_|memset\(|return")
STATUS = re.compile(r"\bBM_(INVALID|UNSUPPORTED|CONSTRAINT|CONVERT|DATABASE|CONNECTION|TIMEOUT|"
                    r"CANCELLED|RETRY|PARTIAL|COMMIT_UNKNOWN|NOT_FOUND|CALLBACK)\b")  # fmt: skip


def _statements(code: str) -> Iterator[Piece]:
    for found in STATEMENT.finditer(code):
        words = found[1]
        if words.count("(") == words.count(")") and not LEFT_ALONE.search(words):
            yield "removed", found.start(1), found.end(1), ";"


def _c(text: str) -> Iterator[Piece]:
    code = _code(text)
    for found in re.finditer(r"\b(?:if|while) (\()", code):
        begin, end = found.start(1), _matching(code, found.start(1))
        yield "negated", begin, end + 1, f"(!{text[begin : end + 1]})"
    for found in re.finditer(r"(?<= )(<=|>=|==|!=|<|>)(?= )", code):
        yield "compared", found.start(), found.end(), OTHER[found[0]]
    for found in re.finditer(r"(?<= )(&&|\|\|)(?=\s)", code):
        yield "and/or", found.start(), found.end(), "||" if found[0] == "&&" else "&&"
    for found in re.finditer(r"(?<![\w.])\d+(?![\w.])", code):
        yield "constant", found.start(), found.end(), str(int(found[0]) + 1)
    for found in re.finditer(r"(?<=(?:rn| =) )(true|false)(?=;)", code):
        yield "boolean", found.start(), found.end(), "false" if found[0] == "true" else "true"
    for found in STATUS.finditer(code):
        begin = code.rfind("\n", 0, found.start())
        if re.search(r"fail\w*\(|return ", code[begin : found.start()]):
            yield "status", found.start(), found.end(), "BM_INTERNAL"
    yield from _statements(code)


# -------------------------------------------------------------------------------------- Python

SWAPS = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
    ast.Is: "is not", ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in",
}  # fmt: skip


class _Python(ast.NodeVisitor):
    def __init__(self, text: str) -> None:
        self.text, self.pieces = text, list[Piece]()
        self.starts = [0]
        for line in text.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def place(self, line: int, byte: int) -> int:
        begin = self.starts[line - 1]
        words = self.text[begin : self.starts[line]]
        return begin + len(words.encode()[:byte].decode())

    def span(self, node: ast.AST) -> tuple[int, int]:
        begin = self.place(node.lineno, node.col_offset)  # type: ignore[attr-defined]
        return begin, self.place(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]

    def put(self, kind: str, node: ast.AST, new: str) -> None:
        self.pieces.append((kind, *self.span(node), new))

    def negate(self, test: ast.expr) -> None:
        begin, end = self.span(test)
        if "TYPE_CHECKING" not in self.text[begin:end]:
            self.put("negated", test, f"(not ({self.text[begin:end]}))")

    def between(self, left: ast.AST, right: ast.AST) -> tuple[int, int]:
        return self.span(left)[1], self.span(right)[0]

    def visit_If(self, node: ast.If | ast.IfExp | ast.While) -> None:
        self.negate(node.test)
        self.generic_visit(node)

    visit_IfExp = visit_While = visit_If

    def visit_Compare(self, node: ast.Compare) -> None:
        left = node.left
        for operation, right in zip(node.ops, node.comparators, strict=True):
            begin, end = self.between(left, right)
            words = re.sub(r"not in|is not|in|is|[<>!=]=|[<>]", SWAPS[type(operation)],
                           self.text[begin:end], count=1)  # fmt: skip
            self.pieces.append(("compared", begin, end, words))
            left = right
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        begin, end = self.between(node.values[0], node.values[1])
        words = re.sub(rf"\b{old}\b", new, self.text[begin:end], count=1)
        self.pieces.append(("and/or", begin, end, words))
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self.put("boolean", node, str(not node.value))
        elif isinstance(node.value, int):
            self.put("constant", node, str(node.value + 1))

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call | ast.Await):
            self.put("removed", node, "pass")
        self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        self.put("removed", node, "pass")
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        if isinstance(node.targets[0], ast.Attribute | ast.Subscript):
            self.put("removed", node, "pass")
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for part in [*node.args.defaults, *node.args.kw_defaults, *node.body]:
            if part is not None:
                self.visit(part)

    visit_AsyncFunctionDef = visit_FunctionDef


def _python(text: str) -> Iterator[Piece]:
    visitor = _Python(text)
    visitor.visit(ast.parse(text))
    yield from visitor.pieces


def changes(path: str, text: str) -> list[Change]:
    """All changes that are known for the file."""
    found, times = [], dict[tuple[str, ...], int]()
    pieces = _python(text) if path.endswith(".py") else _c(text)
    for kind, begin, end, new in sorted(pieces, key=lambda piece: piece[1:3]):
        first = text.rfind("\n", 0, begin) + 1
        line = text[first : text.find("\n", begin)]
        words = (path.rsplit("/", 1)[-1], kind, line.strip(), text[begin:end], new)
        times[words] = times.get(words, 0) + 1
        name = hashlib.sha1(repr((words, times[words])).encode()).hexdigest()[:8]
        number = text.count("\n", 0, begin) + 1
        found.append(Change(path, kind, number, begin, end, new, name, text[begin:end]))
    return found
