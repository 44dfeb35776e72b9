"""Numbers, dates and times as files of other countries and programs write them (F7)."""

from __future__ import annotations

import json
import os
import random
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

from world import World, case, expect, says

COLUMNS = "id integer PRIMARY KEY, i integer, n numeric(20,4), f double precision, d date"
TIMES = "t timestamp, z timestamptz, c time"


def make_item(w: World) -> None:
    times = TIMES.replace("timestamptz", "datetime") if w.lite else TIMES
    w.sql(f"CREATE TABLE item ({COLUMNS}, {times})")


def load(w: World, header: str, cells: str, *options: str, status: int = 0) -> str:
    """Load one row, all cells in quotes, with the key 1; what the command says if it fails."""
    quoted = ",".join(f'"{cell}"' for cell in cells.split("|"))
    text = f"id,{header}\n1,{quoted}\n"
    return w.verb("upsert", *options, stdin=text, status=status).err


def column(w: World, name: str) -> str:
    """A cell as the engine prints it; of a timestamp with time zone the instant."""
    if not w.lite and name == "z":
        name = "z AT TIME ZONE 'UTC'"
    return w.sql(f"SELECT {name} FROM item").removesuffix("+00:00")


@case()
def f7_decimal_and_thousands(w: World) -> None:
    make_item(w)
    for number, options, wanted in (
        ("1234,5", ["--decimal=,"], Decimal("1234.5")),
        (" -1.234.567,25 ", ["--decimal=,", "--thousands=."], Decimal("-1234567.25")),
        ("+1,234.5", ["--thousands=,"], Decimal("1234.5")),
        ("1 234\u202f567,5", ["--decimal=,", "--thousands=space"], Decimal("1234567.5")),
        ("12\u00a0345", ["--thousands=space"], Decimal("12345")),
        ("1\u2019000'", ["--thousands=\u2019", "--decimal='"], Decimal("1000")),
        ("1'234'567.5", ["--thousands='"], Decimal("1234567.5")),
        ("1,5e3", ["--decimal=,"], Decimal("1500")),
        ("1234", ["--decimal=,", "--thousands=."], Decimal("1234")),
        (",5", ["--decimal=,"], Decimal("0.5")),
    ):
        load(w, "n,f", f"{number}|{number}", *options)
        expect((number, Decimal(w.sql("SELECT n FROM item"))), (number, wanted))
        expect((number, Decimal(w.sql("SELECT f FROM item"))), (number, wanted))
    load(w, "i", "1.234.567", "--thousands=.", "--decimal=,")
    expect(column(w, "i"), "1234567")


@case()
def f7_a_number_in_another_form_is_never_guessed(w: World) -> None:
    make_item(w)
    german = ["--decimal=,", "--thousands=."]
    groups = "a thousands separator that is not between groups of three digits"
    for name in ("n", "f", "i"):
        for text, options, words in (
            ("1.5", ["--decimal=,"], 'has a point, but its decimal sign is "," (--decimal)'),
            ("1.234", ["--decimal=,"], "--thousands=. reads points"),
            ("12.34", german, groups),
            ("1.2345", german, groups),
            ("1234.567", german, groups),
            (".123", german, groups),
            ("1.234.", german, groups),
            ("1..234", german, groups),
            ("1.2.2024", german, groups),
            ("1,234.5", german, "has another point after its decimal sign"),
            ("1,5,5", ["--decimal=,"], "a comma"),
            ("1,23", ["--thousands=,"], groups),
            ("1.5,5", ["--thousands=,"], "has a thousands separator after its decimal sign"),
            ("1,5", [], "--decimal=, and --thousands read others"),
            ("x", german, "number"),
            ("-", german, "number"),
        ):
            said = load(w, name, text, *options, status=3)
            wanted = f'standard input:2: column "{name}" '
            expect((text, wanted in said and words in said, said), (text, True, said))
    expect(w.sql("SELECT count(*) FROM item"), "0")


@case()
def f7_dates_and_times_of_any_form(w: World) -> None:
    make_item(w)
    for name, text, form, wanted in (
        ("d", "31.12.2024", "%d.%m.%Y", "2024-12-31"),
        ("d", "1.2.2024", "%d.%m.%Y", "2024-02-01"),
        ("d", " 12/31/1999 ", "%m/%d/%Y", "1999-12-31"),
        ("d", "2010/01/01", "%Y/%m/%d", "2010-01-01"),
        ("d", "20240229", "%Y%m%d", "2024-02-29"),
        ("d", "Jan 1 2000", "%b %d %Y", "2000-01-01"),
        ("d", "Thu,  29 february 2024", "%a, %d %B %Y", "2024-02-29"),
        ("d", "Jan  1 2000", "%b %e %Y", "2000-01-01"),
        ("d", "2024-366", "%Y-%j", "2024-12-31"),
        ("d", "31.12.68", "%d.%m.%y", "2068-12-31"),
        ("d", "01.01.69", "%d.%m.%y", "1969-01-01"),
        ("d", "86400", "epoch", "1970-01-02"),
        ("t", "31.12.2024 23:59", "%d.%m.%Y %H:%M", "2024-12-31 23:59:00"),
        ("t", "31.12.2024", "%d.%m.%Y", "2024-12-31 00:00:00"),
        ("t", "1/2/2024 12:05:06 AM", "%m/%d/%Y %I:%M:%S %p", "2024-01-02 00:05:06"),
        ("t", "1/2/2024 12:05 pm", "%m/%d/%Y %I:%M %p", "2024-01-02 12:05:00"),
        ("t", "20240102T030405", "%Y%m%dT%H%M%S", "2024-01-02 03:04:05"),
        ("t", "2024-01-02 03:04:05.123456000", "%F %T.%f", "2024-01-02 03:04:05.123456"),
        ("t", "0", "epoch-s", "1970-01-01 00:00:00"),
        ("t", "-1.5", "epoch-s", "1969-12-31 23:59:58.500000"),
        ("t", "1700000000123", "epoch-ms", "2023-11-14 22:13:20.123000"),
        ("t", "1700000000123456", "epoch-us", "2023-11-14 22:13:20.123456"),
        ("t", "1700000000123456000", "epoch-ns", "2023-11-14 22:13:20.123456"),
        ("z", "02.01.2024 03:04 +0530", "%d.%m.%Y %H:%M %z", "2024-01-01 21:34:00"),
        ("z", "2024-01-02 03:04:05 UTC", "%Y-%m-%d %H:%M:%S %Z", "2024-01-02 03:04:05"),
        ("z", "02/Jan/2024:03:04:05 -01:00", "%d/%b/%Y:%T %z", "2024-01-02 04:04:05"),
        ("z", "1700000000", "epoch", "2023-11-14 22:13:20"),
        ("c", "1:30 PM", "%I:%M %p", "13:30:00"),
    ):
        load(w, name, text, f"--date-format={name}={form}")
        found = column(w, name).removesuffix(".000000")
        if not w.lite:  # PostgreSQL leaves out the zeros at the end
            wanted = wanted.rstrip("0") if "." in wanted else wanted
        elif name in "ct" and found.endswith("00:00") and len(wanted) > len(found):
            found += ":00"
        expect((text, form, found), (text, form, wanted))


@case("sqlite")
def f7_a_cell_that_does_not_match_is_named(w: World) -> None:
    make_item(w)
    for name, text, form, words in (
        ("d", "2024-12-31", "%d.%m.%Y", 'expected "." at character 3, found a digit'),
        ("d", "31-12-2024", "%d.%m.%Y", 'expected "." at character 3, found "-"'),
        ("d", "31.12.24", "%d.%m.%Y", "a year of four digits at character 9, found the end"),
        ("d", "31.12.2024 10:00", "%d.%m.%Y", "expected the end of the cell at character 11"),
        ("d", "30.02.2024", "%d.%m.%Y", "the calendar has no such day"),
        ("d", "29.02.2023", "%d.%m.%Y", "the calendar has no such day"),
        ("d", "31.13.2024", "%d.%m.%Y", "month is not between 1 and 12"),
        ("d", "0.1.2024", "%d.%m.%Y", "day is not between 1 and 31"),
        ("d", "1.1.0000", "%d.%m.%Y", "there is no year 0"),
        ("d", "2023-366", "%Y-%j", "the calendar has no such day"),
        ("d", "2024112", "%Y%m%d", "expected day at character 8"),
        ("d", "Fri 29 Feb 2024", "%a %d %b %Y", "the weekday is not that of the date"),
        ("d", "29 Foo 2024", "%d %b %Y", "an English name of a month at character 4, found a let"),
        ("d", "86401", "epoch", "it has a time of day, but its column is a date"),
        ("t", "1700000000000", "epoch-s", "is it in another unit"),
        ("t", "99999999999999999999000", "epoch-ns", "it is out of range"),
        ("t", "1700000000.1234567", "epoch-s", "it is finer than microseconds"),
        ("t", "1700000000123456789", "epoch-ns", "it is finer than microseconds"),
        ("t", "1.7e9", "epoch-s", "expected only digits at character 4, found a letter"),
        ("t", "x", "epoch-s", "expected a digit at character 1"),
        ("t", "01.01.2024 24:00", "%d.%m.%Y %H:%M", "hour is not between 0 and 23"),
        ("t", "01.01.2024 13:00 PM", "%d.%m.%Y %I:%M %p", "hour is not between 1 and 12"),
        ("z", "01.01.2024 13:00 CET", "%d.%m.%Y %H:%M %Z", "expected UTC, GMT or Z"),
        ("z", "01.01.2024 13:00 +99", "%d.%m.%Y %H:%M %z", "not less than 16 hours"),
        ("t", "2024-01-02 03:04:05.1234567", "%F %T.%f", "finer than microseconds"),
    ):
        said = load(w, name, text, f"--date-format={form}", status=3)
        start = f'standard input:2: column "{name}" does not match --date-format "{form}": '
        expect((text, start in said and words in said, said), (text, True, said))
    says(w.verb("create", stdin="id,d\n1,2010/01/01\n", status=3), "--date-format reads other")


@case("sqlite")
def f7_a_format_is_for_columns_of_its_kind(w: World) -> None:
    make_item(w)
    both = ["--date-format=%d.%m.%Y", "--date-format=%d.%m.%Y %H:%M"]
    load(w, "d,t", "1.2.2024|2.3.2024 04:05", *both)
    expect(w.sql("SELECT d, t FROM item"), "2024-02-01|2024-03-02 04:05:00")
    load(w, "d,t", "20240201|3.4.2024", "--date-format=%d.%m.%Y", "--date-format=d=%Y%m%d")
    expect(w.sql("SELECT d, t FROM item"), "2024-02-01|2024-04-03 00:00:00")
    load(w, "d,t", "5.6.2024|86400000", "--date-format=epoch-ms", "--date-format=%d.%m.%Y")
    expect(w.sql("SELECT d, t FROM item"), "2024-06-05|1970-01-02 00:00:00")
    load(w, "x=y,d", "1|x=7.8.2024", "--map", '"x=y"=i', "--date-format=*=x=%d.%m.%Y")
    expect(w.sql("SELECT d FROM item"), "2024-08-07")
    load(w, "d,t", "NA|", "--null=NA", "--null=", "--null-columns=*", *both)
    expect(w.sql("SELECT d, t FROM item"), "(null)|(null)")
    for options, words in (
        (["%d.%m"], "lacks a part of the date"),
        (["%d.%m.%Y %Y"], "twice"),
        (["%d.%m.%Y %M"], "lacks a part of the time"),
        (["%d.%m.%Y %I:%M"], "needs %I and %p together"),
        (["%d.%m.%Q"], "has %Q, which is not known"),
        (["d.m.y"], "has neither a date nor a time"),
        (["%d.%m.%Y%"], "not known"),
        (["i=%d.%m.%Y"], 'column "i" is neither a date nor a timestamp'),
        (["d=%d.%m.%Y %H:%M"], 'column "d" is a date, and the format has a time'),
        (["q=%d.%m.%Y"], 'no column of the file is written to "q"'),
        (["%d.%m.%Y", "%m.%d.%Y"], 'both %d.%m.%Y and %m.%d.%Y are for column "d"'),
        (["d=%d.%m.%Y", "d=%F"], 'column "d" has two formats'),
        (["%d.%m.%Y", "%H:%M"], "no other column of the file"),
        (["%d.%m.%Y" * 19], "is too long"),
    ):
        given = [f"--date-format={option}" for option in options]
        said = load(w, "i,d,t", "1|1.1.2024|1.1.2024", *given, status=2)
        expect((options, words in said, said), (options, True, said))


@case("postgresql")
def f7_an_offset_is_not_dropped(w: World) -> None:
    make_item(w)
    said = load(w, "t", "1.1.2024 1:00Z", "--date-format=t=%d.%m.%Y %H:%M%z", status=2)
    expect('column "t" is a timestamp without time zone, and the format has' in said, True)


@case("sqlite")
def f7_signs_that_cannot_be_told_apart(w: World) -> None:
    make_item(w)
    for options, words in (
        (["--thousands=."], "--thousands=. needs another --decimal, as in --decimal=,"),
        (["--thousands=,", "--decimal=,"], "--thousands=, needs another --decimal"),
        (["--decimal=ab"], "--decimal must be one character"),
        (["--decimal=1"], "--decimal must be one character"),
        (["--thousands=-"], "--thousands must be one character"),
        (["--thousands="], "--thousands must be one character"),
    ):
        expect(words in load(w, "i", "1", *options, status=2), True)


@case()
def f7_in_json(w: World) -> None:
    """A number of JSON has a point; a text is spelled as the options say."""
    make_item(w)
    rows: list[dict[str, object]] = [
        {"id": 1, "n": "1.234,5", "f": 1.5, "t": 1700000000123, "d": "1.2.2024"},
        {"id": 2, "n": None, "f": "2,5", "t": "0", "d": None},
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    options = ["--decimal=,", "--thousands=.", "--date-format=epoch-ms", "--date-format=%d.%m.%Y"]
    w.verb("create", "-f", "ndjson", *options, stdin=text)
    expect(
        w.sql("SELECT sum(f), min(d), sum(n) FROM item"),
        "4.0|2024-02-01|1234.5" if w.lite else "4|2024-02-01|1234.5000",
    )
    expect(w.sql("SELECT max(t) FROM item")[:23], "2023-11-14 22:13:20.123")
    bad = '{"id": 3, "t": "x"}\n'
    done = w.verb("create", "-f", "ndjson", "--date-format=epoch-ms", stdin=bad, status=3)
    says(done, 'standard input:1: column "t" does not match')


@case("sqlite")
def f7_a_row_that_does_not_match_is_set_aside(w: World) -> None:
    make_item(w)
    text = "id;n;d\n1;1,5;1.2.2024\n2;1.5;1.2.2024\n3;2,5;2024-02-01\n"
    bad = str(w.folder / "bad.csv")
    options = ["--decimal=,", "--date-format=%d.%m.%Y", "-d;", f"--rejects={bad}"]
    w.verb("create", *options, "--max-rejects=2", stdin=text, status=8)
    expect(w.sql("SELECT id, n, d FROM item"), "1|1.5|2024-02-01")
    rejected = Path(bad).read_text(encoding="utf-8")
    expect(rejected, "id;n;d\n2;1.5;1.2.2024\n3;2,5;2024-02-01\n")


FORMS = ["%d.%m.%Y", "%m/%d/%Y", "%Y%m%d", "%d %b %Y", "%A, %d. %B %Y", "%j-%Y", "%y%m%d", "%x"]
CLOCKS = ["%H:%M:%S.%f", "%I.%M.%S.%f %p", "%H%M%S,%f", "T%T.%f"]


@case()
def f7_what_python_writes(w: World) -> None:
    """Random dates and numbers, written by Python's strftime and format."""
    make_item(w)
    draw = random.Random(None if os.environ.get("BM_RANDOM") else 7)
    for form in FORMS:
        form = form.replace("%x", "%m/%d/%y")
        clock = draw.choice(CLOCKS)
        first = datetime(1970, 1, 1) if "%y" in form else datetime(1000, 1, 1)
        days = 36000 if "%y" in form else 3287000
        lines = ["id;n;d;t;z\n"]
        wanted = []
        for i in range(200):
            moment = first + timedelta(
                days=draw.randrange(days), microseconds=draw.randrange(86400 * 10**6)
            )
            zone = timezone(timedelta(minutes=draw.randrange(-900, 900)))
            number = Decimal(draw.randrange(-(10**15), 10**15)).scaleb(-draw.randrange(5))
            spelled = f"{number:,f}".translate(str.maketrans(",.", ".,"))
            zoned = moment.replace(tzinfo=zone)
            cells = [
                str(i),
                spelled,
                f"{moment:{form}}",
                f"{moment:{form} {clock}}",
                f"{zoned:{form} {clock} %z}",
            ]
            lines.append(";".join(cells) + "\n")
            instant = zoned.astimezone(timezone.utc).replace(tzinfo=None)
            wanted.append((number, moment.date(), moment, instant))
        options = [f"--date-format={name}={form} {clock}" for name in "t"]
        options += [f"--date-format=d={form}", f"--date-format=z={form} {clock} %z"]
        w.verb("create", "-d;", "--decimal=,", "--thousands=.", *options, stdin="".join(lines))
        zone_of = "z" if w.lite else "z AT TIME ZONE 'UTC'"
        found = w.sql(f"SELECT n, d, t, {zone_of} FROM item ORDER BY id").split("\n")
        for line, row in zip(found, wanted, strict=True):
            n, d, t, z = line.split("|")
            read = (
                Decimal(n),
                date.fromisoformat(d),
                datetime.fromisoformat(t),
                datetime.fromisoformat(z).replace(tzinfo=None),
            )
            exact = (row[0] if not w.lite else Decimal(n), *row[1:])  # SQLite stores a double
            expect((form, clock, read), (form, clock, exact))
            expect(abs(Decimal(n) - row[0]) < Decimal("0.1"), True)
        w.sql("DELETE FROM item")
