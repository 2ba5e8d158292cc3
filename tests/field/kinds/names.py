"""File names of any bytes, long ones, and locales that cannot spell them."""

from __future__ import annotations

import glob
import os
from urllib.parse import quote

from ..case import Case, Right, Start, refused, works
from ..stock import pictures, put, subfolder, text

ODD = os.fsdecode(b"M\xfcller")
"""A name in Latin-1, which is no UTF-8."""

NAMES = {
    "Latin-1": ODD,
    "no UTF-8 at all": os.fsdecode(b"\xff\xfe\x80"),
    "a cut letter": os.fsdecode("für".encode()[:2]),
    "umlauts": "Müller, Jörg",
    "decomposed": "Mu\u0308ller",
    "Chinese": "微笑",
    "right to left": "\u202eמצלמה",
    "emoji": "😀🎬",
    "spaces": " two  spaces ",
    "a line break": "one\ntwo",
    "a tab": "a\tb",
    "an escape": "\x1b[31mred",
    "quotes": 'it\'s "mine"',
    "a dollar": "$HOME $5_$10",
    "a back slash": "C:\\frac\\new",
    "a pattern": "clip [1]*?",
    "a format": "frame %d %05d",
    "braces": "{0} {x!r}",
    "a number": "2",
    "a hash": "clip#2",
    "colons": "2026-11-26T12:30:00",
    "a scheme": "file:clip",
    "a comma": "a,b;c",
    "a point at the end": "clip.",
    "hidden": ".clip",
    "markup": "<b>&amp;",
    "long": "n" * 240,
    "long, in many bytes": "ü" * 120,
}
LONGEST = "n" * 251 + ".csv"  # 255 bytes

LATIN = Start(fresh=True, environment={"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"})
ASCII = Start(fresh=True, environment={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
PLAIN = Start(fresh=True, environment={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"})
POSIX = Start(fresh=True, environment={"LC_ALL": "POSIX", "LANG": None})

CASES = [
    *(
        Case(
            f"a video and its table: {name}",
            "run",
            ("{bundle}", f"./{spelt}.avi", "--out", f"./{spelt}.csv"),
            (put("clip.avi", f"{spelt}.avi"),),
            works(glob.escape(spelt) + ".csv", says=("9 with a face",)),
        )
        for name, spelt in NAMES.items()
    ),
    *(
        Case(
            f"overlay, Parquet and default name: {name}",
            "run",
            (
                "{bundle}",
                f"./{NAMES[name]}.avi",
                "--overlay",
                f"./{NAMES[name]}.mp4",
                "--out",
                f"./{NAMES[name]}.parquet",
            ),
            (put("clip.avi", f"{NAMES[name]}.avi"),),
            works("*.mp4", "*.parquet"),
        )
        for name in ("Latin-1", "umlauts", "a line break", "a pattern", "a format", "colons", "a dollar")
    ),
    *(
        Case(
            f"a chart: {name}",
            "plot",
            (f"./{NAMES[name]}.csv",),
            (put("table.csv", f"{NAMES[name]}.csv"),),
            works("*.png"),
        )
        for name in ("Latin-1", "a line break", "a dollar", "a back slash", "markup", "long")
    ),
    *(
        Case(
            f"a bundle: {name}",
            "run",
            (f"./{NAMES[name]}", "{clip}", "--out", "au.csv"),
            (put("bundle.mdhr", NAMES[name]),),
            works("au.csv", rows=9),
        )
        for name in ("Latin-1", "umlauts", "a line break", "a format", "colons", "long")
    ),
    *(
        Case(
            f"pictures: {name}",
            "run",
            ("{bundle}", f"./{NAMES[name]}", "--out", "au.csv"),
            (pictures(NAMES[name], 3),),
            works("au.csv", rows=3),
        )
        for name in ("Latin-1", "a line break", "a pattern", "a number", "colons", "a hash")
    ),
    *(
        Case(
            f"a chart of {name}",
            "plot",
            ("x.csv", "--out", "x.png"),
            (put("table.csv", "x.csv", lambda data, spelt=spelt: data.replace(b"clip.avi", spelt)),),
            works("x.png"),
        )
        for name, spelt in {
            "dollars": b"$5_$10.avi",
            "TeX": b"$\\frac{1}{0}$",
            "a line of quotes": b'"a ""b"""',
            "Latin-1": b"M\xfcller.avi",
            "an escape": b"\x1b[31m",
            "nothing": b"",
        }.items()
    ),
    Case(
        "a folder called by a number is no camera",
        "run",
        ("{bundle}", "001", "--out", "au.csv"),
        (pictures("001", 3),),
        works("au.csv", rows=3),
    ),
    *(
        Case(
            f"a folder called {name} is no camera",
            "run",
            ("{bundle}", address, "--out", "au.csv"),
            (pictures(name, 3),),
            works("au.csv", rows=3),
        )
        for name, address in (("camera:0", "camera:0"), ("http:/x", "http://x"), ("x*", "x*"))
    ),
    *(
        Case(
            f"behind --: {name}",
            "run",
            ("{bundle}", f"--out={name}.csv", "--", f"{name}.avi"),
            (put("clip.avi", f"{name}.avi"),),
            works(f"{name}.csv", rows=9),
        )
        for name in ("-x", "--out", "--")
    ),
    *(
        Case(
            f"a URL of a file: {name}",
            "run",
            ("{bundle}", "file://" + quote(os.fsencode(f"{NAMES[name]}.avi")), "--out", "au.csv"),
            (put("clip.avi", f"{NAMES[name]}.avi"),),
            works("au.csv", rows=9),
        )
        for name in ("Latin-1", "umlauts", "a line break", "a format", "a hash", "colons", "spaces")
    ),
    *(
        Case(
            f"a folder of videos and tables: {name}",
            "run",
            ("{bundle}", NAMES[name], "--out", f"./{NAMES[name]}.tables/"),
            tuple(put("clip.avi", f"{NAMES[name]}/{number}.avi") for number in (1, 2)),
            works(
                f"{glob.escape(NAMES[name])}.tables*",
                seen=lambda folder: (
                    None if sorted(path.name for path in folder.glob("*/*.csv")) == ["1.avi.csv", "2.avi.csv"] else "no"
                ),
            ),
        )
        for name in ("Latin-1", "a line break", "a format", "colons", "a comma", "emoji")
    ),
    Case(
        "a folder with hidden videos",
        "run",
        ("{bundle}", "x", "--out", "au.csv"),
        (put("clip.avi", "x/a.avi"), put("clip.avi", "x/.b.avi"), text("x/._a.avi", b"\0\5\26\7" + bytes(4092))),
        works("au.csv", rows=9),
    ),
    Case(
        "a folder with macOS's shadows",
        "run",
        ("{bundle}", "x", "--out", "au.csv"),
        (pictures("x", 3), text("x/._1.jpg", b"\0\5\26\7" + bytes(4092)), text("x/.DS_Store", b"\0")),
        works("au.csv", rows=3),
    ),
    Case(
        "a video called like a second one",
        "run",
        ("{bundle}", "x/clip.avi", "y/clip.avi", "clip.avi#2", "--out", "au.csv"),
        (
            subfolder("x"),
            subfolder("y"),
            put("clip.avi", "x/clip.avi"),
            put("clip.avi", "y/clip.avi"),
            put("clip.avi", "clip.avi#2"),
        ),
        works(
            "au.csv",
            rows=27,
            seen=lambda folder: (
                None
                if len({line.rsplit(",", 1)[1] for line in (folder / "au.csv").read_text().splitlines()[1:]}) == 3
                else "sources are merged"
            ),
        ),
    ),
    Case("the longest name", "run", ("{bundle}", "{clip}", "--out", LONGEST), (), works(LONGEST, rows=9)),
    Case("the longest name of a chart", "plot", ("{table}", "--out", "n" * 251 + ".png"), (), works("n*.png")),
    Case(
        "the longest name of a Parquet",
        "run",
        ("{bundle}", "{clip}", "--out", "n" * 247 + ".parquet"),
        (),
        works("n*.parquet"),
    ),
    Case(
        "the longest name of an overlay",
        "run",
        ("{bundle}", "{clip}", "--overlay", "n" * 251 + ".mp4"),
        (),
        works("n*.mp4"),
    ),
    Case(
        "the longest name of a video",
        "run",
        ("{bundle}", "n" * 251 + ".avi"),
        (put("clip.avi", "n" * 251 + ".avi"),),
        Right((0,), new=("n*.csv",)),
    ),
    Case("a name that is too long", "run", ("{bundle}", "{clip}", "--out", "n" * 300 + ".csv"), (), refused("long")),
    Case("a path that is too long", "run", ("{bundle}", "{clip}", "--out", "d/" * 2100 + "x.csv"), (), refused("long")),
    Case("a video's path that is too long", "run", ("{bundle}", "d/" * 2100 + "x.avi"), (), refused("long")),
    Case("a bundle's path that is too long", "run", ("d/" * 2100, "{clip}"), (), refused("long")),
    Case(
        "a checkpoint's path that is too long",
        "export",
        ("--ckpt", "d/" * 2100 + "x.pt", "--out", "x.mdhr"),
        (),
        refused("long"),
    ),
    Case("a table's path that is too long", "plot", ("d/" * 2100 + "x.csv", "--out", "x.png"), (), refused("long")),
    *(
        Case(f"{what}, {name}", program, arguments, made, right, start)
        for name, start in (("Latin-1", LATIN), ("ASCII", ASCII), ("C", PLAIN), ("POSIX", POSIX))
        for what, program, arguments, made, right in (
            (
                "a run's table and words",
                "run",
                ("{bundle}", "./微笑.avi", "--out", "微笑.csv"),
                (put("clip.avi", "微笑.avi"),),
                works("微笑.csv", rows=9),
            ),
            (
                "rows on standard output",
                "run",
                ("{bundle}", f"./{ODD}.avi", "--out", "-"),
                (put("clip.avi", f"{ODD}.avi"),),
                works(says=('"frame":9',)),
            ),
            ("an error", "run", ("{bundle}", "微笑.avi"), (), refused("exist|no file")),
            ("a chart", "plot", ("./微笑.csv",), (put("table.csv", "微笑.csv"),), works("微笑*.png")),
        )
    ),
    Case("an export in Latin-1", "export", ("--ckpt", "none.pt", "--out", "微笑"), (), refused("none.pt"), LATIN),
]
