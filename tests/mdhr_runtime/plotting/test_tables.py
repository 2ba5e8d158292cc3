"""Tables as the sinks write them, as other programs write them again, and as nobody should."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mdhr_runtime.errors import OutputError
from mdhr_runtime.plotting.picture import Subject, write
from mdhr_runtime.plotting.tables import Seen, Table
from mdhr_runtime.plotting.timeline import choose
from mdhr_runtime.text_tables import LONGEST_LINE

CSV = """\
frame,face_id,timestamp,confidence,success,x,y,w,h,AU01_p,AU12_p,AU01_c,AU12_c,final,source
1,0,0.040,0.998,1,10.0,20.0,100.0,119.8,0.1234,0.8765,0,1,0,cam
1,0,0.040,0.998,1,10.0,20.0,100.0,119.8,0.1234,0.8765,0,1,1,cam
2,,0.080,0.000,0,,,,,,,,,1,cam
3,3,0.120,0.998,1,10.0,20.0,100.0,119.8,0.5000,0.2500,1,0,1,cam
"""
SEEN = [
    Seen("cam", 1, 0.04, 0, {"AU01": 0.1234, "AU12": 0.8765}),
    Seen("cam", 2, 0.08, None, {}),
    Seen("cam", 3, 0.12, 3, {"AU01": 0.5, "AU12": 0.25}),
]
JSON_LINES = "".join(
    json.dumps(
        {
            "source": row.source,
            "frame": row.frame,
            "timestamp": row.timestamp,
            "face_id": row.face_id,
            "final": True,
            "aus": {au: {"score": score, "occurs": score >= 0.5} for au, score in row.scores.items()} or None,
        }
    )
    + "\n"
    for row in SEEN
)


@pytest.fixture
def read(tmp_path) -> Callable[[str, str | bytes], list[Seen]]:
    """Read a table with a given content."""

    def read(suffix, content):
        path = tmp_path / f"au.{suffix}"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(Table(path))

    return read


def test_an_empty_file_is_called_so(read):
    with pytest.raises(OutputError, match="It is empty"):
        read("csv", "")


def semicolons(text):
    """As a spreadsheet writes it where numbers have a comma."""
    return text.replace(",", ";").replace(".", ",")


def pandas(text):
    """With a column of row numbers, and numbers that have become fractions."""
    header, *rows = text.splitlines()
    rows = [row.replace(",0,0.", ",0.0,0.").replace(",3,0.", ",3.0,0.") for row in rows]
    return "\n".join([f",{header}", *(f"{number},{row}" for number, row in enumerate(rows))]) + "\n"


def row_names(text):
    """As R's write.table gives names to rows, and to their column none."""
    header, *rows = text.splitlines()
    header = " ".join(f'"{name}"' for name in header.split(","))
    rows = [" ".join(cell or "NA" for cell in row.split(",")) for row in rows]
    return "\n".join([header, *(f'"{number}" {row}' for number, row in enumerate(rows, 1))]) + "\n"


def reordered(text, order):
    """With the columns in another order, and some of them only."""
    rows = [line.split(",") for line in text.splitlines()]
    return "".join(",".join(row[index] for index in order) + "\n" for row in rows)


@pytest.mark.parametrize(
    "other",
    [
        lambda text: text,
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\n\n"),
        lambda text: text + ",,,,,,,,,,,,,,\n",
        lambda text: text.removesuffix("\n"),
        semicolons,
        lambda text: text.replace(",", "\t"),
        pandas,
        lambda text: text.replace(",,", ",NA,").replace(",,", ",NA,"),
        lambda text: text.replace("\n", ",note\n"),
        lambda text: text.replace(",cam", ',"cam"').replace("frame", '"frame"'),
        lambda text: text.replace(",1,cam", ",TRUE,cam").replace(",0,cam", ",False,cam"),
        lambda text: text + "4,3,0.160,0.99",
        lambda text: text + CSV.splitlines()[-1].removesuffix("m"),
        lambda text: text.encode("utf-16"),
        lambda text: text.replace("\n", "\r"),
        lambda text: "sep=,\n" + text,
        lambda text: text.replace(",", '","').replace("\n", '"\n"').join('""').removesuffix('""') + "\n",
        row_names,
        lambda text: text.replace(",final", ",note,final").replace(",1,cam", ",,1,cam").replace(",0,cam", ",,0,cam"),
        lambda text: text.replace("\n", ",,\n"),
        lambda text: text + text,
        lambda text: text + "\ufeff" + text,
        lambda text: reordered(text, [14, 9, 0, 1, 2, 4, 10, 13]),
        lambda text: text.replace(",,", ",0,").replace(",,", ",0,").replace("2,0,0.080", "2,0.0,0.08"),
    ],
    ids=[
        "as it is",
        "byte order mark",
        "CRLF",
        "blank lines",
        "empty row",
        "no last line break",
        "semicolons and commas",
        "tabs",
        "pandas",
        "NA",
        "another column",
        "quotes",
        "truth values",
        "torn",
        "torn in its last cell",
        "UTF-16",
        "CR",
        "sep",
        "quotes around all",
        "names of rows",
        "an empty column",
        "empty columns at the end",
        "twice",
        "twice with byte order marks",
        "other order, and no confidence",
        "zeros for missing cells",
    ],
)
def test_a_csv_table_that_other_programs_have_written_again(read, other):
    # A table that stands there twice is told by who draws it, if the two differ.
    rows = [replace(row, person=None) for row in read("csv", other(CSV))]
    for row in SEEN:
        assert row in rows or (row.face_id is None and replace(row, face_id=0) in rows)
    assert len(rows) in (len(SEEN), 2 * len(SEEN))


def flat(text):
    """As pandas writes a CSV table: a key for each column."""
    rows = [json.loads(line) for line in text.splitlines()]
    for row in rows:
        scores = row.pop("aus") or {"AU01": {"score": None}, "AU12": {"score": None}}
        row |= {f"{au}_p": each["score"] for au, each in scores.items()}
        row |= {"success": int(row["face_id"] is not None), "final": 1, "AU01_c": 0.0, "person": None}
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.mark.parametrize(
    "other",
    [
        lambda text: text,
        lambda text: text + "\n",
        lambda text: text.replace("\n", "\r\n\r\n"),
        lambda text: text.removesuffix("\n"),
        lambda text: text + '{"source": "cam", "fra',
        lambda text: text.replace('"face_id": 3', '"face_id": 3.0'),
        lambda text: text.replace('{"source"', '{"note": [], "source"'),
        lambda text: text.replace("\n", "\r\n").encode("utf-16"),
        flat,
    ],
    ids=["as it is", "blank line", "CRLF", "no last line break", "torn", "pandas", "another key", "UTF-16", "flat"],
)
def test_json_lines_that_other_programs_have_written_again(read, other):
    assert read("jsonl", other(JSON_LINES)) == SEEN


def test_a_parquet_table_that_pandas_has_written_again(tmp_path):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    table = {
        "frame": [1, 2, 3],
        "face_id": [0.0, float("nan"), 3.0],
        "timestamp": [0.04, 0.08, 0.12],
        "success": [1.0, 0.0, 1.0],
        "AU01_p": [0.1234, float("nan"), 0.5],
        "AU12_p": [0.8765, None, 0.25],
        "final": [True, True, True],
        "source": ["cam", "cam", "cam"],
        "__index_level_0__": [0, 1, 2],
    }
    parquet.write_table(arrow.table(table), tmp_path / "au.parquet")
    assert list(Table(tmp_path / "au.parquet")) == SEEN
    doubled = arrow.table([*arrow.table(table).columns, arrow.array(["x"] * 3)], [*table, "source"])
    parquet.write_table(doubled, tmp_path / "au.parquet")
    with pytest.raises(OutputError, match="two columns source"):
        list(Table(tmp_path / "au.parquet"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (CSV.replace("0.120", "nan"), "Line 5 is wrong at `timestamp`"),
        (CSV.replace("0.120", "-inf"), "Line 5 is wrong at timestamp: -inf is above"),
        (CSV.replace("0.120", "1e300"), "Line 5 is wrong at timestamp: 1e300 is above"),
        (CSV.replace("3,3,", "3.5,3,"), "Line 5 is wrong at `frame`"),
        (CSV.replace("3,3,", "3,-1,"), "Line 5 is wrong at `face_id`"),
        (CSV.replace("0.5000", "high"), "Line 5 is wrong at AU01_p: it holds 'high'"),
        (CSV.replace("0.5000", ""), "Line 5 is wrong at `scores"),
        (CSV.replace("0,1,cam", "0,x,cam"), "Line 5 is wrong at `final`"),
        (CSV.replace("1,10.0", "10.0"), "Line 2 has 14 cells, and the first line 15"),
        (CSV.replace("1,10.0", "1,10,0"), "Line 2 has 16 cells, and the first line 15"),
        (CSV.replace("AU12_p", "AU01_p"), "two columns AU01_p"),
        (CSV.replace("final", "done"), "no column final"),
        (CSV.replace("_p", "_r"), "no column AU…_p"),
        (CSV.replace(",cam", "," + "x" * 200_000), "field larger"),
        ("x" * LONGEST_LINE * 2, "A line of it is longer than"),
        (CSV.encode("utf-16-le"), "zero bytes"),
        (
            CSV.replace("0.998", "998"),
            "Line 2 is wrong at confidence: 998 is above 1, as if a program had taken points",
        ),
        (CSV.replace("0.5000", "3. Dez"), "Line 5 is wrong at AU01_p: it holds '3. Dez'"),
        (
            CSV.replace("0.120", '"0,120"'),
            "timestamp: it holds '0,120', and numbers before it have the other decimal mark",
        ),
        (CSV + "Total,3\n", "Line 6 has 2 cells"),
        (CSV + CSV.replace("AU12", "AU14"), "In line 6 another table begins, with other columns"),
        (CSV + CSV.replace(",confidence", ",person"), "In line 6 another table begins, with other columns"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 60 else "",
)
def test_a_csv_table_that_cannot_be_read_says_which_line_and_why(read, content, words):
    with pytest.raises(OutputError, match=words):
        read("csv", content)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (JSON_LINES.replace('"frame": 2', '"frame": "two"'), "Line 2 is wrong at frame"),
        (JSON_LINES.replace("0.08", "NaN"), "Line 2 is wrong at `timestamp`"),
        (JSON_LINES.replace("0.08", "1" * 500), "Line 2 is wrong at timestamp: 1{20} is above"),
        (JSON_LINES.replace("0.08", "[" * 100_000), "Line 2: It is nested too deep"),
        (JSON_LINES.replace("0.08", '"' + "x" * LONGEST_LINE + '"'), "A line of it is longer than"),
        (JSON_LINES.replace('"score": 0.5', '"score": null'), "Line 3 is wrong at `scores"),
        (JSON_LINES.replace('"score": 0.5,', ""), "Line 3 is of another kind of file"),
        (JSON_LINES + '{"source": "cam"\n', "Line 4: It is no JSON"),
        ('{"source": "cam"', "Line 1: It is no JSON"),
        (JSON_LINES.replace('"AU12": {"score": 0.25', '"AU13": {"score": 0.25'), "Line 3 has other action units"),
        (JSON_LINES.replace("AU12", "$5_$10"), "Line 1: Not all that it scores is an action unit"),
    ],
    ids=lambda value: value if len(value) < 60 else "",
)
def test_json_lines_that_cannot_be_read_say_which_line_and_why(read, content, words):
    with pytest.raises(OutputError, match=words):
        read("jsonl", content)


def test_names_in_windows_1252_are_read_and_stay_apart(tmp_path):
    path = tmp_path / "au.csv"
    path.write_bytes(CSV.replace("cam", "M\xfcller").replace("1,M\xfcller\n3", "1,M\xe4ller\n3").encode("cp1252"))
    table = Table(path)
    assert [row.source for row in table] == ["M\xfcller", "M\xe4ller", "M\xfcller"]
    assert table.renamed
    path.write_text(CSV.replace("cam", "M\xfcller"), encoding="utf-8")
    table = Table(path)
    assert {row.source for row in table} == {"M\xfcller"}
    assert not table.renamed


def test_names_that_are_no_text_are_read_as_they_were_written(read):
    assert read("jsonl", JSON_LINES.replace('"cam"', '"M\\udcfcller.mp4"'))[0].source == "M\udcfcller.mp4"


@pytest.mark.slow
@pytest.mark.parametrize("name", [r"$5_$10 ^\frac{", "M\udcfcller.mp4"])
def test_a_chart_is_named_as_its_source_whatever_signs_that_has(tmp_path, name):
    pytest.importorskip("matplotlib")
    rows = [Seen(name, row.frame, row.timestamp, 0, row.scores) for row in SEEN if row.scores]
    write(choose(rows, tmp_path, Subject())[0], tmp_path / "chart.png")
    assert (tmp_path / "chart.png").stat().st_size > 10_000


TEXTS = [
    "",
    "nan",
    "-inf",
    "1e400",
    "9" * 400,
    "-1",
    "3.5",
    "0x1",
    '"',
    ",",
    ";",
    "\r",
    "\0",
    "\ufeff",
    "\ud800",
    "NA",
    "\t",
]
HOSTILE = st.sampled_from([text.encode(errors="surrogatepass") for text in TEXTS]) | st.binary(max_size=8)


@st.composite
def damaged(draw, content: bytes) -> bytes:
    """A table with hostile bytes in the place of some of its own."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.integers(start, min(len(content), start + 12)))
        content = content[:start] + draw(HOSTILE) * draw(st.sampled_from([1, 1, 1, 50])) + content[end:]
    return content


@pytest.mark.slow
@settings(max_examples=2_500, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
@given(
    st.sampled_from(["csv", "jsonl"]).flatmap(
        lambda kind: st.tuples(
            st.just(kind), damaged({"csv": CSV, "jsonl": JSON_LINES}[kind].encode()) | st.binary(max_size=200)
        )
    )
)
@example(("csv", b""))
@example(("jsonl", b"\xff\xfe{"))
def test_whatever_a_table_holds_it_is_read_or_refused_in_words(tmp_path_factory, table):
    suffix, content = table
    path = Path(tmp_path_factory.getbasetemp()) / f"fuzz.{suffix}"
    path.write_bytes(content)
    try:
        timeline = choose(Table(path), path, Subject())[0]
    except OutputError:
        return
    assert timeline.scores.shape == (len(timeline.times), len(timeline.aus))
