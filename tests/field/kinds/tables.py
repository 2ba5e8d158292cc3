"""Tables that other programs have touched: read where they still say the same, else refused with the place."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

from ..case import Case, Right, Start, refused, works
from ..stock import link, mode, put, subfolder, text

DRAW = ("x.csv", "--out", "x.png")


def _cells(change: Callable[[str, str], str], **form: Any) -> Callable[[bytes], bytes]:
    """Change cells of a CSV table, given column and content, and write it in another form."""

    def edit(data: bytes) -> bytes:
        header, *rows = csv.reader(io.StringIO(data.decode()))
        out = io.StringIO()
        writer = csv.writer(out, **{"lineterminator": "\n", **form})
        writer.writerow(header)
        writer.writerows([change(column, cell) for column, cell in zip(header, row, strict=True)] for row in rows)
        return out.getvalue().encode()

    return edit


def _same(column: str, cell: str) -> str:
    return cell


def _columns(change: Callable[[list[str]], list[str]]) -> Callable[[bytes], bytes]:
    """Change every line's cells, the header's too."""
    return lambda data: b"".join(
        (",".join(change(line.split(","))) + "\n").encode() for line in data.decode().splitlines()
    )


def _json(change: Callable[[dict[str, Any]], Any]) -> Callable[[bytes], bytes]:
    return lambda data: b"".join(
        json.dumps(change(json.loads(line)) or {}).encode() + b"\n" for line in data.splitlines()
    )


def _with(**fields: Any) -> Callable[[bytes], bytes]:
    return _json(lambda row: row | fields)


def _decimal_comma(column: str, cell: str) -> str:
    return cell.replace(".", ",") if column != "source" else cell


READ: dict[str, Callable[[bytes], bytes]] = {  # says the same as before
    "pandas: ids are fractions": _cells(lambda column, cell: f"{cell}.0" if column == "face_id" else cell),
    "pandas: all are fractions": _cells(lambda column, cell: f"{float(cell)}" if cell and column != "source" else cell),
    "pandas: truth values": _cells(lambda column, cell: str(cell == "1") if column in ("success", "final") else cell),
    "pandas: an index": lambda data: b"".join(
        b"%s,%s\n" % (str(n - 1).encode() if n else b"", line) for n, line in enumerate(data.splitlines())
    ),
    "pandas: NaN": _cells(lambda column, cell: cell or "NaN"),
    "R: all in quotes": _cells(_same, quoting=csv.QUOTE_ALL),
    "R: NA": _cells(lambda column, cell: cell or "NA"),
    "R: truth values": _cells(
        lambda column, cell: str(cell == "1").upper() if column in ("success", "final") else cell
    ),
    "Excel: BOM": lambda data: b"\xef\xbb\xbf" + data,
    "Excel: line ends": lambda data: data.replace(b"\n", b"\r\n"),
    "a column was added": lambda data: b"".join(
        line + (b",good\n" if n else b",remark\n") for n, line in enumerate(data.splitlines())
    ),
    "columns in another order": _columns(lambda cells: cells[::-1]),
    "empty lines at the end": lambda data: data + b"\n\n",
    "no line break at the end": lambda data: data.rstrip(b"\n"),
    "more digits": _cells(lambda column, cell: f"{float(cell):.10e}" if column.endswith("_p") and cell else cell),
    "pandas: empty cells make fractions": _cells(
        lambda column, cell: f"{cell}.0" if column in ("person", "context", "face_id") else cell
    ),
    "Excel: semicolons": lambda data: data.replace(b",", b";"),
    "Excel: semicolons and decimal commas": _cells(_decimal_comma, delimiter=";"),
    "tabs": lambda data: data.replace(b",", b"\t"),
    "UTF-16": lambda data: data.decode().encode("utf-16"),
    "a torn last line": lambda data: data[:-30],
    "the same table twice": lambda data: data + data.split(b"\n", 1)[1].replace(b"clip.avi", b"other.avi"),
    "two tables with their headers": lambda data: data + data.replace(b"clip.avi", b"other.avi"),
    "rows in another order": lambda data: b"\n".join([data.splitlines()[0], *data.splitlines()[:0:-1]]) + b"\n",
    "nobody was recognised": _cells(lambda column, cell: "" if column == "person" else cell),
    "flaws are many": _cells(lambda column, cell: "small blurred dark" if column == "flaws" else cell),
    "flaws of a later version": _cells(lambda column, cell: "bearded" if column == "flaws" else cell),
}
EITHER: dict[str, Callable[[bytes], bytes]] = {  # read or refused, but never a traceback or another chart
    "the first rows are missing": lambda data: b"\n".join([data.splitlines()[0], *data.splitlines()[4:]]) + b"\n",
    "old Mac's line ends": lambda data: data.replace(b"\n", b"\r"),
    "a person is a word": _cells(lambda column, cell: "me" if column == "person" else cell),
    "a person is negative": _cells(lambda column, cell: "-1" if column == "person" else cell),
    "a person is huge": _cells(lambda column, cell: "9" * 5000 if column == "person" else cell),
    "a quality is out of range": _cells(lambda column, cell: "7" if column == "quality" else cell),
    "a quality is NaN": _cells(lambda column, cell: "nan" if column == "quality" else cell),
    "a context is negative": _cells(lambda column, cell: "-3" if column == "context" else cell),
}
REFUSED: dict[str, tuple[Callable[[bytes], bytes] | bytes, str]] = {  # what is said
    "empty": (b"", "empty|column"),
    "only a header": (lambda data: data.splitlines()[0] + b"\n", "nothing to draw|no .*row"),
    "no header": (lambda data: data.split(b"\n", 1)[1], "column|header"),
    "a score is a word": (lambda data: data.replace(b",0.", b",high", 1) if b",0." in data else data, "line|row"),
    "a score is out of range": (_cells(lambda column, cell: "7" if column.endswith("_p") else cell), "line|row|score"),
    "a time is NaN": (_cells(lambda column, cell: "nan" if column == "timestamp" else cell), "line|row|timestamp|time"),
    "a time is infinite": (
        _cells(lambda column, cell: "inf" if column == "timestamp" else cell),
        "line|row|timestamp|time",
    ),
    "a frame is negative": (_cells(lambda column, cell: "-3" if column == "frame" else cell), "line|row|frame"),
    "a frame is a fraction": (_cells(lambda column, cell: "1.5" if column == "frame" else cell), "line|row|frame"),
    "a frame is huge": (_cells(lambda column, cell: "9" * 5000 if column == "frame" else cell), "line|row|frame"),
    "a time is huge": (_cells(lambda column, cell: "1e308" if column == "timestamp" else cell), "line|row|time"),
    "a column is missing": (_columns(lambda cells: cells[:2] + cells[3:]), "timestamp"),
    "no scores": (_columns(lambda cells: cells[:9] + cells[-2:]), "AU"),
    "short rows": (
        lambda data: b"\n".join(line[:40] if n else line for n, line in enumerate(data.splitlines())) + b"\n",
        "line|row|column",
    ),
    "no final row": (_cells(lambda column, cell: "0" if column == "final" else cell), "final"),
    "no face": (
        _cells(
            lambda column, cell: (
                "" if column.startswith(("AU", "face_id")) or column in "xywh" else "0" if column == "success" else cell
            )
        ),
        "face",
    ),
    "binary": (bytes(range(256)) * 40, "column|text|table"),
    "a column twice": (_columns(lambda cells: [*cells[:-1], cells[1], cells[-1]]), "twice|two|column|face_id"),
    "a cell of 200 kB": (
        _cells(lambda column, cell: "a" * 200_000 if column == "source" else cell),
        "line|row|field|source",
    ),
}

FIGURES = ("occurrences", "figures")
"""Other tables of ours that are drawn: events, and a summary."""
FIGURES_REFUSED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "only a header": (lambda data: data.splitlines()[0] + b"\n", "nothing to draw|no .*row|no .*event|no AU"),
    "a number is a word": (
        _cells(lambda column, cell: "high" if column in ("peak", "share") else cell),
        "line|row|peak|share",
    ),
    "a share or peak is out of range": (
        _cells(lambda column, cell: "7" if column in ("peak", "share") else cell),
        "line|row|peak|share",
    ),
    "a face is a fraction": (_cells(lambda column, cell: "0.5" if column == "face" else cell), "line|row|face"),
    "no action units": (_columns(lambda cells: cells[:3] + cells[4:]), "AU|column"),
}

LINES_READ: dict[str, Callable[[bytes], bytes]] = {
    "a blank last line": lambda data: data + b"\n",
    "blank lines between": lambda data: data.replace(b"\n", b"\n\n"),
    "keys were added": _with(remark="good"),
    "other spaces": _json(lambda row: row),
    "BOM": lambda data: b"\xef\xbb\xbf" + data,
    "line ends": lambda data: data.replace(b"\n", b"\r\n"),
    "a torn last line": lambda data: data[:-30],
    "a source is a number": _with(source=4),
    "keys sorted": lambda data: b"".join(
        json.dumps(json.loads(line), sort_keys=True).encode() + b"\n" for line in data.splitlines()
    ),
}
LINES_REFUSED: dict[str, tuple[Callable[[bytes], bytes] | bytes, str]] = {
    "empty": (b"", "nothing|empty|row"),
    "one array": (lambda data: b"[" + b",".join(data.splitlines()) + b"]", "line|row|array|object"),
    "no objects": (b"1\n2\n", "line|row|object"),
    "null": (b"null\n", "line|row|object"),
    "deep": (b"[" * 100_000 + b"\n", "line|row|deep|nest"),
    "deep in a row": (
        lambda data: data + b'{"final": true, "aus": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}\n" + data,
        "line|row|deep|nest",
    ),
    "a time is null": (_with(timestamp=None), "line|row|timestamp"),
    "a time is NaN": (_with(timestamp=float("nan")), "line|row|timestamp"),
    "a frame is text": (_with(frame="one"), "line|row|frame"),
    "a frame is an object": (_with(frame={}), "line|row|frame"),
    "a source is a list": (_with(source=["a"]), "line|row|source"),
    "a source is an object": (_with(source={}), "line|row|source"),
    "a source is true": (_with(source=True), "line|row|source"),
    "final is a list": (_with(final=[1]), "line|row|final"),
    "a person is a list": (_with(person=[0]), "line|row|person"),
    "a time is a list": (_with(timestamp=[0]), "line|row|timestamp"),
    "a unit's score is a list": (_with(aus={"AU01": {"score": [1], "occurs": False}}), "line|row|AU01|score"),
    "units are a list": (_with(aus=[1, 2]), "line|row|aus"),
    "a score is null": (_with(aus={"AU01": {"score": None, "occurs": False}}), "line|row|score"),
    "a unit is null": (_with(aus={"AU01": None}), "line|row|AU01"),
    "an id is text": (_with(face_id="me"), "line|row|face_id"),
    "keys are missing": (_json(lambda row: {"final": True}), "line|row|source"),
    "Latin-1": (lambda data: data.replace(b"clip", b"cl\xfcp"), "line|row|UTF-8|text"),
    "a torn line between": (lambda data: data.splitlines()[0][:50] + b"\n" + data, "line|row"),
    "a number of 5,000 digits": (
        lambda data: data.replace(b'"frame":', b'"frame":' + b"9" * 5000, 1),
        "line|row|frame|number",
    ),
}


def _same_chart(folder) -> str | None:
    return None if (folder / "x.png").stat().st_size > 5000 else "the chart is empty"


CASES = [
    *(
        Case(name, "plot", DRAW, (put("table.csv", "x.csv", edit),), works("x.png", seen=_same_chart))
        for name, edit in READ.items()
    ),
    *(
        Case(
            name,
            "plot",
            DRAW,
            (put("table.csv", "x.csv", edit),),
            Right((0, 1), maybe=("x.png",), says=("face 0|error",)),
        )
        for name, edit in EITHER.items()
    ),
    *(
        Case(
            name,
            "plot",
            DRAW,
            (put("table.csv", "x.csv", content) if callable(content) else text("x.csv", content),),
            refused(says),
        )
        for name, (content, says) in REFUSED.items()
    ),
    *(
        Case(
            f"lines: {name}",
            "plot",
            ("x.jsonl", "--out", "x.png"),
            (put("lines.jsonl", "x.jsonl", edit),),
            works("x.png", seen=_same_chart),
        )
        for name, edit in LINES_READ.items()
    ),
    *(
        Case(
            f"lines: {name}",
            "plot",
            ("x.jsonl", "--out", "x.png"),
            (put("lines.jsonl", "x.jsonl", content) if callable(content) else text("x.jsonl", content),),
            refused(says),
        )
        for name, (content, says) in LINES_REFUSED.items()
    ),
    *(Case(f"a table of {thing}", "plot", (f"{{{thing}}}", "--out", "x.png"), (), works("x.png")) for thing in FIGURES),
    *(
        Case(
            f"{thing}: {name}",
            "plot",
            DRAW,
            (put(f"{thing}.csv", "x.csv", READ[name]),),
            works("x.png", seen=_same_chart),
        )
        for thing in FIGURES
        for name in ("pandas: NaN", "R: all in quotes", "Excel: BOM", "Excel: semicolons", "a torn last line")
    ),
    *(
        Case(f"{thing}: {name}", "plot", DRAW, (put(f"{thing}.csv", "x.csv", edit),), refused(says))
        for thing in FIGURES
        for name, (edit, says) in FIGURES_REFUSED.items()
    ),
    Case("Parquet", "plot", ("{columns}", "--out", "x.png"), (), works("x.png")),
    Case(
        "Parquet: cut short",
        "plot",
        ("x.parquet", "--out", "x.png"),
        (put("columns.parquet", "x.parquet", lambda data: data[:-50]),),
        refused("x.parquet"),
    ),
    Case(
        "Parquet: damaged within",
        "plot",
        ("x.parquet", "--out", "x.png"),
        (put("columns.parquet", "x.parquet", lambda data: data[:200] + bytes(300) + data[500:]),),
        Right((0, 1), maybe=("x.png",)),
    ),
    Case(
        "Parquet: a CSV",
        "plot",
        ("x.parquet", "--out", "x.png"),
        (put("table.csv", "x.parquet"),),
        refused("Parquet|table"),
    ),
    Case(
        "Parquet: of something else",
        "plot",
        ("x.parquet", "--out", "x.png"),
        (
            lambda folder, stock: __import__("pyarrow.parquet").parquet.write_table(
                __import__("pyarrow").table({"a": [1]}), folder / "x.parquet"
            ),
        ),
        refused("column"),
    ),
    Case("a table is a folder", "plot", DRAW, (subfolder("x.csv"),), refused("folder|directory")),
    Case("a table is a device", "plot", DRAW, (link("x.csv", "/dev/zero"),), refused("x.csv"), Start(seconds=20)),
    Case(
        "a table may not be read",
        "plot",
        DRAW,
        (put("table.csv", "x.csv"), mode("x.csv", 0)),
        refused("permission|may not|readable"),
        Start(powerless=True),
    ),
]
