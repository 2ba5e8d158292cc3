"""Files of the user where a program is about to write: nothing is lost that is not its own result."""

from __future__ import annotations

import json
from collections.abc import Callable

from ..case import Case, Right, Start, misused, refused, works
from ..stock import LONG, bundle, clip, link, picture, pictures, put, subfolder, text

KEEPS = r"exists|overwrit|replace|not written|is (already )?an? input|same file|other files|is no(t| )|lost|hold"
"""Some words of a refusal."""

EXTENSION = json.dumps({"manifest_version": 3, "name": "My extension", "version": "1.0"})

TO_TABLE = ("{bundle}", "{clip}", "--out")


def _column(data: bytes) -> bytes:
    """A CSV table to which the user has added a column."""
    first, *rest = data.decode().splitlines()
    return "\n".join([f"{first},remark", *(f"{line},good" for line in rest)]).encode() + b"\n"


def _ended_with(end: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data + end


def _spreadsheet(data: bytes) -> bytes:
    return data.replace(b",", b";")


TABLES: tuple[tuple[str, str, str, Callable[[bytes], bytes] | bytes], ...] = (  # name, suffix, thing, what it became
    ("a column was added", ".csv", "table.csv", _column),
    ("a line of remarks was added", ".csv", "table.csv", _ended_with(b"# checked by me\n")),
    ("a row was edited into text", ".csv", "table.csv", lambda data: data.replace(b"\n1,", b"\nfirst frame,", 1)),
    ("a spreadsheet has saved it", ".csv", "table.csv", _spreadsheet),
    ("notes", ".csv", "", b"day,mood\nmonday,good\n"),
    ("notes that begin like a table", ".csv", "", b"frame,face_id,timestamp,confidence,success\nmine,mine\n"),
    ("keys were added", ".jsonl", "lines.jsonl", lambda data: data.replace(b"}\n", b',"remark":"good"}\n')),
    ("a log", ".jsonl", "", b'{"level": "info", "text": "started"}\n'),
    ("a log that begins like ours", ".jsonl", "", b'{"source":"app","level":"info"}\n'),
    ("an empty line and a remark", ".jsonl", "lines.jsonl", _ended_with(b"\nchecked by me\n")),
    ("no Parquet", ".parquet", "", b"PAR1 of mine"),
    ("ended by a remark", ".parquet", "columns.parquet", _ended_with(b"mine")),
    ("a video of the user", ".mp4", "clip.avi", bytes),
    ("appended to", ".mp4", "drawn.mp4", _ended_with(b"mine")),
    ("our mark at the end of something else", ".mp4", "drawn.mp4", lambda data: b"mine" * 999 + data[-64:]),
)


def _target(suffix: str) -> tuple[str, ...]:
    return ("{bundle}", "{clip}", "--overlay" if suffix == ".mp4" else "--out", f"x{suffix}")


def _made(suffix: str, thing: str, content: Callable[[bytes], bytes] | bytes):
    return text(f"x{suffix}", content) if isinstance(content, bytes) else put(thing, f"x{suffix}", content)


def _parquet_column(folder, stock):
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(stock.folder / "columns.parquet")
    table = table.append_column("remark", pyarrow.array(["good"] * len(table)))
    pyarrow.parquet.write_table(table, folder / "x.parquet")


def _default_name(name: str, first: str, second: str, *made) -> Case:
    """Two runs whose sources are different; the table of the first must survive the second."""
    return Case(
        f"default name: {name}",
        "run",
        ("{bundle}", *second.split("|")),
        made,
        Right((0, 1), maybe=("*.csv",)),
        first=(("{bundle}", *first.split("|")),),
    )


TINY = ("--layout", "bp4d", "--synthetic", "--clips", "2", "--test-clips", "1", "--batch", "1", "--workers", "0")

CASES = [
    *(
        Case(f"{suffix[1:]}: {name}", "run", _target(suffix), (_made(suffix, thing, content),), refused(KEEPS))
        for name, suffix, thing, content in TABLES
    ),
    *(
        Case(
            f"{suffix[1:]}: {name}, and meant",
            "run",
            (*_target(suffix), "--overwrite"),
            (_made(suffix, thing, content),),
            Right((0,), replaced=(f"x{suffix}",), rows={f"x{suffix}": 9}),
        )
        for name, suffix, thing, content in (TABLES[0], TABLES[4], TABLES[7], TABLES[10], TABLES[12])
    ),
    *(
        Case(
            f"{suffix[1:]}: of an earlier run",
            "run",
            _target(suffix),
            (put(thing, f"x{suffix}"),),
            Right((0,), replaced=(f"x{suffix}",), rows={f"x{suffix}": 9}),
        )
        for suffix, thing in (
            (".csv", "table.csv"),
            (".jsonl", "lines.jsonl"),
            (".parquet", "columns.parquet"),
            (".mp4", "drawn.mp4"),
        )
    ),
    Case("parquet: a column was added", "run", _target(".parquet"), (_parquet_column,), refused(KEEPS)),
    Case("a table under the other suffix", "run", (*TO_TABLE, "x.csv"), (put("lines.jsonl", "x.csv"),), refused(KEEPS)),
    # The chart
    Case(
        "a photo is no chart",
        "plot",
        ("portrait.csv",),
        (put("table.csv", "portrait.csv"), picture("portrait.png")),
        Right((0, 1), maybe=("*.png",)),
    ),
    Case(
        "a photo is no chart, by name",
        "plot",
        ("{table}", "--out", "photo.png"),
        (picture("photo.png"),),
        refused(KEEPS),
    ),
    Case(
        "a drawing is no chart",
        "plot",
        ("{table}", "--out", "x.svg"),
        (text("x.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>"),),
        refused(KEEPS),
    ),
    Case("a text is no chart", "plot", ("{table}", "--out", "x.png"), (text("x.png"),), refused(KEEPS)),
    Case(
        "a photo that is meant",
        "plot",
        ("{table}", "--out", "x.png", "--overwrite"),
        (picture("x.png"),),
        Right(replaced=("x.png",)),
    ),
    Case(
        "a chart of before",
        "plot",
        ("{table}", "--out", "x.png"),
        (put("chart.png", "x.png"),),
        Right(replaced=("x.png",)),
    ),
    Case(
        "a drawing of before",
        "plot",
        ("{table}", "--out", "x.svg"),
        (put("vector.svg", "x.svg"),),
        Right(replaced=("x.svg",)),
    ),
    Case(
        "a picture, then its chart",
        "plot",
        ("portrait.csv",),
        (picture("portrait.csv.png"), put("table.csv", "portrait.csv")),
        Right((0, 1), maybe=("*.png",)),
    ),
    Case(
        "a link to a photo",
        "plot",
        ("{table}", "--out", "x.png"),
        (picture("photo.png"), link("x.png", "photo.png")),
        refused(KEEPS),
    ),
    # Bundles and repositories
    Case(
        "a browser extension is no bundle",
        "export",
        ("--ckpt", "{checkpoint}", "--out", "x"),
        (text("x/manifest.json", EXTENSION), text("x/main.js")),
        refused(KEEPS),
    ),
    Case(
        "a web app is no bundle, whatever is meant",
        "export",
        ("--ckpt", "{checkpoint}", "--out", "x", "--overwrite"),
        (text("x/manifest.json", EXTENSION), text("x/main.js")),
        refused(KEEPS),
    ),
    Case(
        "a bundle with a file of the user",
        "export",
        ("--ckpt", "{checkpoint}", "--out", "x"),
        (put("bundle.mdhr", "x"), text("x/notes.txt")),
        refused(KEEPS),
    ),
    Case(
        "a bundle with a folder of the user, and meant",
        "export",
        ("--ckpt", "{checkpoint}", "--out", "x", "--overwrite"),
        (put("bundle.mdhr", "x"), text("x/mine/notes.txt")),
        refused(KEEPS),
    ),
    Case("a folder of photos", "export", ("--ckpt", "{checkpoint}", "--out", "x"), (pictures("x", 2),), refused(KEEPS)),
    Case(
        "a file in place of a bundle", "export", ("--ckpt", "{checkpoint}", "--out", "x"), (text("x"),), refused(KEEPS)
    ),
    Case(
        "the folder itself", "export", ("--ckpt", "x.pt", "--out", "."), (put("checkpoint.pt", "x.pt"),), refused(KEEPS)
    ),
    Case(
        "a link to a folder",
        "export",
        ("--ckpt", "{checkpoint}", "--out", "x"),
        (pictures("photos", 2), link("x", "photos")),
        refused(KEEPS),
    ),
    Case(
        "another manifest of the right form",
        "export",
        ("--ckpt", "{checkpoint}", "--out", "x"),
        (text("x/manifest.json", '{"schema": 3, "files": {}}'), text("x/mine.txt")),
        refused(KEEPS),
    ),
    Case(
        "models of others in a repository",
        "export",
        ("--bundle", "{bundle}", "--triton", "x"),
        (
            text("x/other/config.pbtxt", 'name: "other"'),
            text("x/other/1/model.onnx"),
            text("x/mdhr_encoder/config.pbtxt"),
        ),
        Right((0, 1), maybe=("x/mdhr_*",)),
    ),
    Case(
        "a folder is no repository",
        "export",
        ("--bundle", "{bundle}", "--triton", "x"),
        (pictures("x", 2),),
        Right((0, 1), maybe=("x/mdhr_*",)),
    ),
    Case("a file is no repository", "export", ("--bundle", "{bundle}", "--triton", "x"), (text("x"),), refused(KEEPS)),
    Case(
        "a repository of before",
        "export",
        ("--bundle", "{bundle}", "--triton", "x"),
        (),
        Right(replaced=("x/*",)),
        first=(("--bundle", "{bundle}", "--triton", "x"),),
    ),
    Case(
        "a repository inside the bundle",
        "export",
        ("--bundle", "b.mdhr", "--triton", "b.mdhr"),
        (bundle("b.mdhr"),),
        refused(KEEPS),
    ),
    # Default names
    _default_name("folders by date", "2026.11.25", "2026.11.26", pictures("2026.11.25", 3), pictures("2026.11.26", 4)),
    _default_name(
        "cards of cameras",
        "cam1/GOPR0001.avi",
        "cam2/GOPR0001.avi",
        clip("a.avi"),
        subfolder("cam1"),
        subfolder("cam2"),
        put("clip.avi", "cam1/GOPR0001.avi"),
        put("clip.avi", "cam2/GOPR0001.avi"),
    ),
    _default_name("suffixes", "x.avi", "x.mkv", put("clip.avi", "x.avi"), put("clip.avi", "x.mkv")),
    _default_name("pairs", "a.avi|b.avi", "c.avi|d.avi", *(put("clip.avi", f"{name}.avi") for name in "abcd")),
    _default_name("a picture and a video", "x.png", "x.avi", picture("x.png"), put("clip.avi", "x.avi")),
    _default_name("a folder and a video", "x", "x.avi", pictures("x", 3), put("clip.avi", "x.avi")),
    _default_name("symbols", "###.avi", "+++.avi", put("clip.avi", "###.avi"), put("clip.avi", "+++.avi")),
    _default_name(
        "letters that are replaced", "a b.avi", "a_b.avi", put("clip.avi", "a b.avi"), put("clip.avi", "a_b.avi")
    ),
    Case("default name: only symbols", "run", ("{bundle}", "###.avi"), (put("clip.avi", "###.avi"),), works("?*.csv")),
    Case(
        "default name: a foreign table",
        "run",
        ("{bundle}", "x.avi"),
        (put("clip.avi", "x.avi"), text("x.csv", "day,mood\n"), text("x.avi.csv", "day,mood\n")),
        Right((0, 1), maybe=("*.csv",)),
    ),
    Case(
        "default name: the same again",
        "run",
        ("{bundle}", "x.avi"),
        (put("clip.avi", "x.avi"),),
        Right(replaced=("*.csv",)),
        first=(("{bundle}", "x.avi"),),
    ),
    # One target twice, and inputs as outputs
    Case(
        "one table twice", "run", (*TO_TABLE, "a.csv", "--out", "./a.csv"), (), misused("same|twice|two|another output")
    ),
    Case(
        "one table twice, by a link",
        "run",
        (*TO_TABLE, "a.csv", "--out", "b.csv"),
        (put("table.csv", "a.csv"), link("b.csv", "a.csv")),
        misused("same|twice|two|another output"),
    ),
    Case(
        "one table twice, by a hard link",
        "run",
        (*TO_TABLE, "a.csv", "--out", "b.csv"),
        (put("table.csv", "a.csv"), link("b.csv", "a.csv", hard=True)),
        misused("same|twice|two|another output"),
    ),
    Case(
        "one table twice, through a folder",
        "run",
        (*TO_TABLE, "d/a.csv", "--out", "e/a.csv"),
        (subfolder("d"), link("e", "d")),
        misused("same|twice|two|another output"),
    ),
    Case("standard output twice", "run", (*TO_TABLE, "-", "--out", "-"), (), misused("same|twice|two|another output")),
    Case("one video twice", "run", ("{bundle}", "{clip}", "--overlay", "a.mp4", "--out", "a.mp4"), (), misused("")),
    Case(
        "the video itself as overlay",
        "run",
        ("{bundle}", "x.mp4", "--overlay", "x.mp4"),
        (put("clip.avi", "x.mp4"),),
        misused("made from|input|is read|source"),
    ),
    Case(
        "the video itself, and meant",
        "run",
        ("{bundle}", "x.mp4", "--overlay", "x.mp4", "--overwrite"),
        (put("clip.avi", "x.mp4"),),
        misused("made from|input|is read|source"),
    ),
    Case(
        "the video by a link, and meant",
        "run",
        ("{bundle}", "x.mp4", "--overlay", "y.mp4", "--overwrite"),
        (put("clip.avi", "x.mp4"), link("y.mp4", "x.mp4")),
        misused("made from|input|is read|source"),
    ),
    Case(
        "the video by a hard link, and meant",
        "run",
        ("{bundle}", "x.mp4", "--overlay", "y.mp4", "--overwrite"),
        (put("clip.avi", "x.mp4"), link("y.mp4", "x.mp4", hard=True)),
        misused("made from|input|is read|source"),
    ),
    Case(
        "the chart's table, and meant",
        "plot",
        ("x.svg", "--out", "x.svg", "--overwrite"),
        (put("table.csv", "x.svg"),),
        misused(""),
    ),
    Case(
        "the checkpoint, and meant",
        "export",
        ("--ckpt", "x.pt", "--out", "x.pt", "--overwrite"),
        (put("checkpoint.pt", "x.pt"),),
        misused("made from|input|is read"),
    ),
    # Two at a time
    *(
        Case(
            f"two runs, one {suffix[1:]}",
            "run",
            _target(suffix),
            (),
            refused(
                "use|running|another|process|lock",
                maybe=(f"x{suffix}", f"x.partial{suffix}", ".x*"),
                rows={f"x{suffix}": LONG},
            ),
            beside=("{bundle}", "{long}", *_target(suffix)[2:]),
        )
        for suffix in (".csv", ".jsonl", ".parquet", ".mp4")
    ),
    # The trainer and the bench
    Case(
        "a photo is no checkpoint",
        "train",
        ("fit", *TINY, "--out", "photo.jpg"),
        (put("photo.jpg"),),
        refused(KEEPS),
        Start(seconds=40),
    ),
    Case(
        "notes are no labels",
        "train",
        ("synthetic-video", "x.mp4", "--seconds", "0.2", "--labels", "notes.csv"),
        (text("notes.csv"),),
        refused(KEEPS),
    ),
    Case(
        "a holiday is no synthetic video",
        "train",
        ("synthetic-video", "x.mp4", "--seconds", "0.2"),
        (put("clip.avi", "x.mp4"),),
        refused(KEEPS),
    ),
    Case(
        "video and labels in one file",
        "train",
        ("synthetic-video", "x.mp4", "--seconds", "0.2", "--labels", "x.mp4"),
        (),
        misused(""),
    ),
    Case(
        "a folder of photos is no dataset",
        "train",
        ("synthesize", "x", "--subjects", "3", "--frames", "2", "--recordings", "1", "--workers", "1"),
        (pictures("x", 2),),
        refused(KEEPS),
        Start(seconds=40),
    ),
    Case(
        "notes are no scores",
        "train",
        ("eval", "--bundle", "{bundle}", "--data", "none", "--out", "notes.json"),
        (text("notes.json", "{}"),),
        refused(KEEPS),
    ),
    Case(
        "a page is no report",
        "train",
        ("report", "run", "--out", "index.html"),
        (subfolder("run"), text("index.html", "<html>")),
        refused(""),
    ),
    Case(
        "notes are no benchmark",
        "bench",
        ("{bundle}", "--out", "notes.json", "--rounds", "5"),
        (text("notes.json", "[1]"),),
        refused(KEEPS),
        Start(seconds=30),
    ),
    Case(
        "a page beside the benchmark",
        "bench",
        ("{bundle}", "--out", "x.json", "--rounds", "5"),
        (text("x.html", "mine"),),
        refused(KEEPS),
        Start(seconds=30),
    ),
]
