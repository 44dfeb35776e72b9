"""The records of a file, with their lines: CSV, TSV, JSON or NDJSON, perhaps packed by gzip."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

FORMATS = ("csv", "tsv", "json", "ndjson")
_ENDINGS = {"tab": "tsv", "jsonl": "ndjson"}
_GZIP = b"\x1f\x8b"
_LONGEST_CELL = 2**31 - 1  # csv keeps it in a C long
_KINDS = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "true or false",
    type(None): "null",
}
_BETWEEN = re.compile(r"[ \t\r\n]*")


class Fault(Exception):
    """A record, or the file, cannot be read.  line: its first line, from 1."""

    def __init__(self, message: str, line: int, column: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


class Number(float):
    """A number of a JSON file that is not an integer, with all its digits."""

    text = ""

    def __new__(cls, text: str) -> Number:
        number = super().__new__(cls, text)
        number.text = text
        return number


@dataclass
class Record:
    """One row of a file."""

    line: int  # the first of its lines, from 1
    text: str  # as it is in the file
    cells: dict[str, Any] = field(default_factory=dict)  # by column; text, or JSON's values
    fault: Fault | None = None  # why it has no cells


def kind_of(value: Any) -> str:
    """Return what JSON calls a value."""
    return _KINDS.get(type(value), "a number")


def format_of(name: str) -> str | None:
    """Return the format that the ending of a file's name says, or None."""
    ending = name.lower().removesuffix(".gz").rpartition(".")[2]
    ending = _ENDINGS.get(ending, ending)
    return ending if ending in FORMATS else None


class Reader:
    """The records of an open file.  Reading raises Fault if the rest cannot be read."""

    columns: list[str] | None = None  # of CSV, known before the first record
    head = ""  # the text before the first record

    def __init__(self, stream: io.TextIOBase) -> None:
        self.stream = stream
        self.line = 0  # the last one that was read
        self.taken: list[str] = []  # lines that belong to no record yet

    def lines(self) -> Iterator[str]:
        """Return the lines, checked.  Fault: a line is not in the encoding, or the file is not
        complete."""
        while True:
            try:
                line = self.stream.readline()
            except (EOFError, OSError, zlib.error) as error:
                raise Fault(f"the file cannot be read: {error}", self.line + 1) from error
            if not line:
                return
            self.line += 1
            self._check(line)
            self.taken.append(line)
            yield line

    def _check(self, line: str) -> None:
        try:
            line.isascii() or line.encode()
        except UnicodeEncodeError as error:
            encoding = getattr(self.stream, "encoding", "").replace("utf-8-sig", "utf-8")
            raise Fault(
                f"character {error.start + 1} is not valid {encoding}: pass the file's encoding"
                " with --encoding",
                self.line,
            ) from None

    def take(self) -> str:
        """Return the text since the last call."""
        text = "".join(self.taken)
        self.taken.clear()
        return text

    def records(self) -> Iterator[Record]:
        raise NotImplementedError

    def rejected(self, records: list[Record]) -> str:
        """Return a file with only these records."""
        texts = [r.text if r.text.endswith("\n") else r.text + "\n" for r in records]
        return self.head + "".join(texts)


class Table(Reader):
    """CSV and TSV: the first record has the names of the columns."""

    def __init__(self, stream: io.TextIOBase, delimiter: str) -> None:
        super().__init__(stream)
        self._rows = csv.reader(self.lines(), delimiter=delimiter, strict=True)
        row = self._next()
        if row is None:
            raise Fault("the file is empty: expected a line with the names of the columns", 1)
        self.head = self.take()
        for number, name in enumerate(row, 1):
            if name in row[: number - 1]:
                raise Fault(f'column {number} has the name "{name}" of another column', 1)
        self.columns = row

    def _next(self) -> list[str] | None:
        """Return the next row that is not an empty line, or None."""
        for row in self._rows:
            if row:
                return row
            self.taken.clear()
        return None

    def records(self) -> Iterator[Record]:
        columns = self.columns or []
        while True:
            begin = self.line
            try:
                row = self._next()
            except csv.Error as error:
                raise Fault(f"{error}: correct the quotes of this row", begin + 1) from error
            if row is None:
                return
            line = self.line - len(self.taken) + 1
            record = Record(line, self.take())
            if len(row) == len(columns):
                record.cells = dict(zip(columns, row))
            else:
                what = f"the row has {len(row)} cells, the header has {len(columns)}"
                record.fault = Fault(what, line)
            yield record


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_float=Number, parse_constant=_refuse_constant)


def _record(line: int, text: str, value: Any) -> Record:
    if isinstance(value, dict):
        return Record(line, text, value)
    fault = Fault(f"expected a JSON object, found {kind_of(value)}", line)
    return Record(line, text, fault=fault)


class Lines(Reader):
    """NDJSON: an object a line."""

    def records(self) -> Iterator[Record]:
        for text in self.lines():
            self.taken.clear()
            if not text.strip():
                continue
            try:
                yield _record(self.line, text, _DECODER.decode(text))
            except (ValueError, RecursionError) as error:
                fault = Fault(f"not JSON: {error}", self.line)
                yield Record(self.line, text, fault=fault)


class Array(Reader):
    """A JSON array of objects.  The text is kept in memory, not its objects."""

    def records(self) -> Iterator[Record]:
        for _ in self.lines():
            pass
        text = self.take()
        at, line = self._skip(text, 0), 1 + text.count("\n", 0, self._skip(text, 0))
        if text[at : at + 1] != "[":
            raise Fault("expected a JSON array of objects (--format ndjson: one a line)", line)
        after, expected = at + 1, "]"
        while True:
            at = self._skip(text, after)
            line += text.count("\n", after, at)
            if text[at : at + 1] == "]" and expected != "value":
                break
            if expected == ",":
                if text[at : at + 1] != ",":
                    raise Fault('expected "," or "]" after an object of the array', line)
                after, expected = at + 1, "value"
                continue
            try:
                value, after = _DECODER.raw_decode(text, at)
            except (ValueError, RecursionError) as error:
                raise Fault(f"not JSON: {getattr(error, 'msg', error)}", line) from error
            yield _record(line, text[at:after], value)
            line += text.count("\n", at, after)
            expected = ","
        rest = self._skip(text, at + 1)
        if rest < len(text):
            raise Fault("the array ends, and there is more text after it", line)

    @staticmethod
    def _skip(text: str, at: int) -> int:
        found = _BETWEEN.match(text, at)
        return found.end() if found else at

    def rejected(self, records: list[Record]) -> str:
        return "[" + ",\n".join(record.text for record in records) + "]\n"


@contextmanager
def opened(name: str, format: str, encoding: str, delimiter: str | None) -> Iterator[Reader]:
    """Open a file; "-" is standard input.  OSError, LookupError: it or its encoding is unknown."""
    file: BinaryIO = sys.stdin.buffer if name == "-" else Path(name).open("rb")  # noqa: SIM115
    longest = csv.field_size_limit(_LONGEST_CELL)
    try:
        source: Any = file
        if getattr(file, "peek", lambda n: b"")(2)[:2] == _GZIP:
            source = gzip.open(file)  # noqa: SIM115
        newline = "" if format in ("csv", "tsv") else None
        stream = io.TextIOWrapper(source, encoding, "surrogateescape", newline)
        try:
            if format in ("csv", "tsv"):
                yield Table(stream, delimiter or {"csv": ",", "tsv": "\t"}[format])
            else:
                yield Lines(stream) if format == "ndjson" else Array(stream)
        finally:
            stream.detach()
    finally:
        csv.field_size_limit(longest)
        if file is not sys.stdin.buffer:
            file.close()
