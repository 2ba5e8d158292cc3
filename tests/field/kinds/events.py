"""Events and summaries: where they may be written, which rules make sense, and what is left when a run is ended."""

from __future__ import annotations

import signal
from collections import Counter
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from ..case import Case, Right, Start, misused, refused, works
from ..stock import fifo, link, mode, picture, put, subfolder, text
from .faces import read
from .places import POWERLESS, read_a_little, read_to_end
from .signals import LOCK, written

RUN = ("{bundle}", "{clip}")
ALWAYS = ("--event-thresholds", "0", "0")
"""Every AU of every face has one event, as long as the face is seen."""
AUS = 12
RATE = 25.0

KINDS = (("--events", "x.csv"), ("--events", "x.eaf"), ("--summary", "x.csv"))
"""Options, each with a file that it takes."""
ALL = ("--out", "au.csv", "--events", "events.csv", "--events", "events.eaf", "--summary", "summary.csv")


def agree(folder: Path, frames: int = 0) -> str | None:
    """Look whether all that a run with `ALL` and `ALWAYS` has left says the same as its table, up to so many frames."""
    near = frames / RATE + 2e-3
    seen = Counter(row["face_id"] for row in read(folder / "au.csv") if row["success"] == row["final"] == "1")
    events, figures = read(folder / "events.csv"), read(folder / "summary.csv")
    spans = {(row["face"], row["AU"]): (float(row["onset"]), float(row["offset"])) for row in events}
    wrong = {
        "an event per face and AU": len(events) == len(spans) == AUS * len(seen),
        "events last as long as the faces are seen": all(
            abs(offset - onset - seen[face] / RATE) < near for (face, _), (onset, offset) in spans.items()
        ),
        "ELAN's document has the same": spans.keys() == _in_elan(folder / "events.eaf").keys()
        and all(
            max(abs(a - b) for a, b in zip(times, spans[key], strict=True)) < 2e-3
            for key, times in _in_elan(folder / "events.eaf").items()
        ),
        "the summary counts the same": all(
            row["events"] == "1" and abs(float(row["seconds_seen"]) - seen[row["face"]] / RATE) < near
            for row in figures
            if row["face"]
        ),
        "the summary has all faces": Counter(row["face"] for row in figures if row["face"]) == dict.fromkeys(seen, AUS),
    }
    broken = [rule for rule, holds in wrong.items() if not holds]
    return f"not so: {', '.join(broken)}; seen {dict(seen)}, {len(events)} events" if broken else None


def _in_elan(path: Path) -> dict[tuple[str, str], tuple[float, float]]:
    """Onset and offset in seconds, by face and AU."""
    root = ElementTree.parse(path).getroot()
    times = {slot.get("TIME_SLOT_ID"): int(slot.get("TIME_VALUE", "")) / 1000 for slot in root.iter("TIME_SLOT")}
    found = {}
    for tier in root.iter("TIER"):
        au, _, face = tier.get("TIER_ID", "").split(" ")
        for one in tier.iter("ALIGNABLE_ANNOTATION"):
            found[face, au] = times[one.get("TIME_SLOT_REF1")], times[one.get("TIME_SLOT_REF2")]
    return found


def _whole(folder: Path) -> str | None:
    """Look whether what a run that was killed has left is whole, and says no more than it knew."""
    return _not_torn(folder) or ("events that were not over" if read(folder / "events.csv") else None)


def _not_torn(folder: Path) -> str | None:
    """Look whether files that are there are whole: lines end, and documents can be read."""
    for document in folder.glob("*.eaf"):
        _in_elan(document)
    torn = [path.name for path in folder.glob("*.csv") if path.stat().st_size and path.read_bytes()[-1:] != b"\n"]
    return f"torn lines in {', '.join(torn)}" if torn else None


def _both_documents(folder: Path) -> str | None:
    documents = sorted(path.name for path in folder.glob("*.eaf"))
    counts = [len(_in_elan(folder / name)) for name in documents]
    return None if counts == [AUS, AUS] else f"{dict(zip(documents, counts, strict=True))}"


BAD_NAMES = ("x", "x.", "", "x.parquet", "x.jsonl", "-", "x/", "live://0", "x.csv.gz")
ADDRESSES = ("ws://me:S3CR3T@127.0.0.1:1/x.csv", "mqtt://me:S3CR3T@127.0.0.1/x.csv", "https://h/x.eaf?token=S3CR3T")
NO_RULE = (
    ("--event-thresholds", "0.4", "0.5"),
    ("--event-thresholds", "nan", "0.4"),
    ("--event-thresholds", "0.5", "nan"),
    ("--event-thresholds", "inf", "0.4"),
    ("--event-thresholds", "1.5", "0.4"),
    ("--event-thresholds", "0.5", "-0.1"),
    ("--event-thresholds", "0.5,0.4", "0.4"),
    ("--event-thresholds", "0.5"),
    ("--event-min", "-1"),
    ("--event-min", "nan"),
    ("--event-min", "inf"),
    ("--event-min", "short"),
)

FULL = 2000
"""Bytes of a file after which the disk is full: more than the program says, and less than the smallest file has."""

CASES = [
    Case(
        "all of them say the same",
        "run",
        (*RUN, *ALL, *ALWAYS),
        (),
        works("au.csv", "events.csv", "events.eaf", "summary.csv", rows=9, seen=agree),
    ),
    Case(
        "all of them, of four faces",
        "run",
        ("{bundle}", "{call}", *ALL, *ALWAYS, "--provisional"),
        (),
        works("au.csv", "events.csv", "events.eaf", "summary.csv", rows=20, seen=agree),
    ),
    Case(
        "no face, no events",
        "run",
        ("{bundle}", "x.png", *ALL, *ALWAYS),
        (picture("x.png", lambda: np.zeros((64, 64, 3), np.uint8)),),
        works("au.csv", "events.csv", "events.eaf", "summary.csv", rows=1, seen=agree),
    ),
    # Rules
    *(
        Case(f"{' '.join(rule)}", "run", (*RUN, "--events", "x.csv", *rule), (), misused(rule[0].strip("-")))
        for rule in NO_RULE
    ),
    Case(
        "no event is long enough",
        "run",
        (*RUN, "--events", "x.csv", "--event-min", "1e9"),
        (),
        works("x.csv", seen=lambda folder: "events" if read(folder / "x.csv") else None),
    ),
    Case("pairs without a summary", "run", (*RUN, "--co-occurrence", "--out", "au.csv"), (), misused("--summary")),
    Case(
        "pairs in a summary",
        "run",
        (*RUN, "--co-occurrence", "--summary", "x.csv"),
        (),
        works("x.csv", seen=lambda folder: None if "AU06+AU12" in (folder / "x.csv").read_text() else "no pairs"),
    ),
    # Names
    *(
        Case(f"{option} {name!r}", "run", (*RUN, option, name), (), refused(r"\.csv"))
        for option, names in (("--events", BAD_NAMES), ("--summary", ("", "x", "x.eaf", "-")))
        for name in names
    ),
    *(
        Case(f"{option} at address {index}", "run", (*RUN, option, address), (), refused(r"\.csv"))
        for option in ("--events", "--summary")
        for index, address in enumerate(ADDRESSES)
    ),
    Case("capital letters and a colon", "run", (*RUN, "--events", "a:b.CSV"), (), works("a:b.CSV")),
    # Places
    *(
        Case(f"{option} {name}, {what}", "run", (*RUN, option, name), makers, right, start)
        for option, name in KINDS
        for what, makers, right, start in (
            ("which is another's", (text(name),), refused("not overwritten", "--overwrite"), Start()),
            ("which is a folder", (subfolder(name),), refused(name), Start()),
            ("which is a full device", (link(name, "/dev/full"),), refused("space|no file"), Start()),
            ("in a folder that may not be written", (mode(".", 0o555),), refused("permission"), POWERLESS),
            ("that may not be written", (text(name, ""), mode(name, 0o444)), refused("permission"), POWERLESS),
        )
    ),
    *(
        Case(
            f"{option} {name} on a full disk",
            "run",
            ("{bundle}", "{call}", option, name, *ALWAYS),
            (),
            refused("space|large", maybe=("x.csv",) if name != "x.eaf" and option == "--events" else ()),
            Start(file_size=FULL),
        )
        for option, name in KINDS
    ),
    Case(
        "a reader of events that goes leaves the others whole",
        "run",
        (*RUN, "--events", "pipe.csv", *ALL, *ALWAYS),
        (fifo("pipe.csv"),),
        Right((141,), new=("au.csv", "events.csv", "events.eaf", "summary.csv"), seen=agree),
        Start(seconds=20),
        read_a_little("pipe.csv"),
    ),
    *(
        Case(f"{option} {name} in no folder", "run", (*RUN, option, f"none/{name}"), (), refused("none", "folder"))
        for option, name in KINDS
    ),
    *(
        Case(
            f"{option} {name} in place of another's with --overwrite",
            "run",
            (*RUN, option, name, "--overwrite"),
            (text(name),),
            works(replaced=(name,)),
        )
        for option, name in KINDS
    ),
    *(
        Case(
            f"{option} {name} in place of an older one",
            "run",
            (*RUN, option, name, *ALWAYS),
            (),
            works(replaced=(name,)),
            first=((*RUN, option, name),),
        )
        for option, name in KINDS
    ),
    *(
        Case(
            f"{' '.join(options)} in place of {' '.join(older)}",
            "run",
            (*RUN, *options),
            (),
            refused("not overwritten"),
            first=((*RUN, *older),),
        )
        for older, options in (
            (("--events", "x.csv"), ("--out", "x.csv")),
            (("--out", "x.csv"), ("--events", "x.csv")),
            (("--events", "x.csv"), ("--summary", "x.csv")),
            (("--summary", "x.csv"), ("--events", "x.csv")),
        )
    ),
    *(
        Case(
            f"{' '.join(options)}: one place for two",
            "run",
            (*RUN, *options),
            (text("x.csv", ""), link("y.csv", "x.csv")),
            refused("twice", "name of its own"),
        )
        for options in (
            ("--out", "x.csv", "--events", "x.csv"),
            ("--out", "x.csv", "--summary", "y.csv"),
            ("--events", "x.csv", "--events", "./x.csv"),
            ("--events", "x.csv", "--summary", "x.csv"),
            ("--summary", "y.csv", "--events", "x.csv"),
        )
    ),
    *(
        Case(
            f"{option} {name} is the video",
            "run",
            ("{bundle}", name, option, name, "--overwrite"),
            (put("clip.avi", name),),
            refused("made from"),
        )
        for option, name in KINDS
    ),
    *(
        Case(
            f"{option} {name} in the bundle",
            "run",
            ("mine.mdhr", "{clip}", option, f"mine.mdhr/{name}"),
            (put("bundle.mdhr", "mine.mdhr"),),
            refused("made from"),
        )
        for option, name in KINDS
    ),
    Case(
        "events to a pipe",
        "run",
        (*RUN, "--events", "x.csv"),
        (fifo("x.csv"),),
        works(),
        Start(seconds=20),
        read_to_end("x.csv"),
    ),
    *(
        Case(
            f"{option} {name} to a pipe",
            "run",
            (*RUN, option, name),
            (fifo(name),),
            refused("no file"),
            Start(seconds=20),
        )
        for option, name in KINDS[1:]
    ),
    Case(
        "ELAN's documents of two sources",
        "run",
        ("{bundle}", "a.avi", "b.avi", "--events", "x.eaf", *ALWAYS),
        (put("clip.avi", "a.avi"), put("clip.avi", "b.avi")),
        works("x-a*.eaf", "x-b*.eaf", seen=_both_documents),
    ),
    Case(
        "ELAN's document of a source where another's is",
        "run",
        ("{bundle}", "a.avi", "b.avi", "--events", "x.eaf", "--events", "x-a.avi.eaf"),
        (put("clip.avi", "a.avi"), put("clip.avi", "b.avi")),
        Right((0, 1), maybe=("*.eaf",)),
    ),
    *(
        Case(
            f"ELAN's document of a video called {name!r}",
            "run",
            ("{bundle}", name, "--events", "x.eaf", "--events", "x.csv", "--summary", "y.csv", *ALWAYS),
            (put("clip.avi", name),),
            works(
                "x.eaf",
                "x.csv",
                "y.csv",
                seen=lambda folder: None if len(_in_elan(folder / "x.eaf")) == AUS else "not as many events",
            ),
        )
        for name in ("<&\"'>.avi", "a\x01b.avi", "a\nb.avi", "\udcff.avi", 'a,"b".avi')
    ),
    # Ends
    *(
        Case(
            f"{number.name} in mid-run",
            "run",
            ("{bundle}", "{long}", *ALL, *ALWAYS),
            (),
            Right(
                (128 + number,),
                says=("stopped",),
                new=("au.csv", "events.csv", "events.eaf", "summary.csv"),
                seen=partial(agree, frames=1),  # one may be on its way
            ),
            during=written("au.csv", 3000, number),
        )
        for number in (signal.SIGINT, signal.SIGTERM)
    ),
    Case(
        "SIGINT twice in mid-run",
        "run",
        ("{bundle}", "{long}", *ALL, *ALWAYS),
        (),
        Right((130,), new=("au.csv",), maybe=("events.*", "summary.*", LOCK), seen=_not_torn),
        Start(seconds=20),
        written("au.csv", 3000, signal.SIGINT, signal.SIGINT),
    ),
    Case(
        "SIGKILL in mid-run",
        "run",
        ("{bundle}", "{long}", *ALL, *ALWAYS),
        (),
        Right((137,), new=("au.csv", "events.csv"), maybe=(LOCK,), seen=_whole),
        during=written("au.csv", 3000, signal.SIGKILL),
    ),
    Case(
        "SIGKILL leaves the older ones",
        "run",
        ("{bundle}", "{long}", *ALL, *ALWAYS),
        (),
        Right((137,), maybe=(LOCK,), replaced=("au.csv", "events.csv"), seen=_whole),
        first=((*RUN, *ALL, *ALWAYS),),
        during=written("au.csv", 3000, signal.SIGKILL),
    ),
    Case(
        "a video that breaks off",
        "run",
        ("{bundle}", "x.avi", *ALL, *ALWAYS),
        (put("long.avi", "x.avi", lambda data: data[: len(data) // 20]),),
        Right((1,), says=("breaks off|x.avi",), new=("au.csv", "events.csv", "events.eaf", "summary.csv"), seen=agree),
    ),
]
