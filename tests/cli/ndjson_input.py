"""Lines of JSON as input."""

from __future__ import annotations

from world import World, case, expect, says


@case()
def rows_of_json(w: World) -> None:
    w.items()
    rows = (
        '{"id": 1, "name": "\\u00e9\\n", "value": 12, "note": {"a": [1, {"b": "}"}]}}\r\n\n'
        '{"note": null, "value": null, "name": "", "id": 2}'
    )
    w.verb("create", "--format=ndjson", stdin=rows)
    expect(w.all(), '1|é\n|12|{"a": [1, {"b": "}"}]}\n2||(null)|(null)')
    w.verb("update-fields", "-c", "id,value", w.file("f.jsonl", '{"id": 2, "x": 1, "value": 5}\n'))
    expect(w.sql("SELECT value FROM item ORDER BY id"), "12\n5")


@case("sqlite")
def faults_of_json_name_file_and_line(w: World) -> None:
    w.items()
    first = '{"id": 1, "name": "a"}\n'
    for text, line, words in [
        (first + '{"id": 2}\n', 2, 'key "name" is missing'),
        (first + '\n{"id": 2, "name": "b", "x": 1}\n', 3, "is not in the first row"),
        (first + '{"id": 2, "id": 3, "name": "b"}\n', 2, "is in the object twice"),
        (first + '{"id": 2, "name": \n', 2, "the line ends inside an object"),
        (first + "{id: 2}\n", 2, "invalid JSON at byte 2"),
        (first + '{"id": 1.5, "name": "b"}\n', 2, "write 1, not 1.0"),
        (first + '{"id": [1], "name": "b"}\n', 2, "is an object or an array"),
        ("[1]\n", 1, "this is an array"),
        ("7\n", 1, "this is not a JSON object"),
    ]:
        path = w.file("f.ndjson", text)
        says(w.verb("create", path, status=3), f"f.ndjson:{line}: ", words)
    expect(w.sql("SELECT count(*) FROM item"), "0")
