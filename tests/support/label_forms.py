"""The forms in which people have labels, each as what writes those of videos into files; and odd tables."""

from pathlib import PurePosixPath

import numpy as np

FPS = 20


def lines(path, header, rows, separator=",", encoding="utf-8", end="\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = [separator.join(map(str, row)) for row in (header, *rows) if row]
    path.write_bytes((end.join(texts) + end).encode(encoding))


def stretches(column):
    """First frames and the frames behind the last, of the stretches in which a column is 1."""
    edges = np.diff(np.concatenate([[0], column, [0]]))
    return list(zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True))


def events(labels, aus=(1, 12)):
    """The events of labels (T, 2): AU, first frame, and the one behind the last, by their start."""
    found = [(au, *each) for au, column in zip(aus, labels.T, strict=True) for each in stretches(column)]
    return sorted(found, key=lambda event: event[1])


def clock(seconds, sign="."):
    return f"{int(seconds // 3600):02d}:{int(seconds // 60 % 60):02d}:{seconds % 60:06.3f}".replace(".", sign)


def per_frame(header, row, **settings):
    """A table per video with a row per frame, of its index from 0 and its labels."""

    def write(folder, videos):
        for name, labels in videos.items():
            rows = [row(index, *values) for index, values in enumerate(labels.tolist())]
            lines(folder / PurePosixPath(name).with_suffix(".csv"), header, rows, **settings)

    return write


def per_event(header, rows, suffix=".csv", at=0, **settings):
    """A table per video with the rows of each event, of its AU, and start and end in seconds; by the cell `at`."""

    def write(folder, videos):
        for name, labels in videos.items():
            found = [row for au, first, last in events(labels) for row in rows(au, first / FPS, last / FPS)]
            lines(
                folder / PurePosixPath(name).with_suffix(suffix),
                header,
                sorted(found, key=lambda row: row[at]),
                **settings,
            )

    return write


def one_for_all(folder, videos):
    rows = [(name, index + 1, *values) for name, labels in videos.items() for index, values in enumerate(labels)]
    lines(folder / "all.csv", ("video", "frame", "AU01", "AU12"), rows)


def one_for_all_stems(folder, videos):
    rows = [
        (PurePosixPath(name).stem.upper(), index / FPS, *values)
        for name, labels in videos.items()
        for index, values in enumerate(labels)
    ]
    lines(folder / "all.tsv", ("File Name", "Time (s)", "AU 1", "AU 12"), rows, separator="\t")


def events_for_all(folder, videos):
    rows = [
        (f"C:\\films\\{name.replace('/', chr(92))}", first / FPS, last / FPS, f"AU{au}")
        for name, labels in videos.items()
        for au, first, last in events(labels)
    ]
    lines(folder / "events.csv", ("source", "onset", "offset", "AU"), rows)


def suffixed(folder, videos):
    for name, labels in videos.items():
        rows = [(index + 1, *values) for index, values in enumerate(labels.tolist())]
        lines(folder / f"{PurePosixPath(name).stem}_labels.csv", ("Frame", "AU01", "AU12"), rows)


def parquet(folder, videos):
    import pyarrow
    import pyarrow.parquet

    for name, labels in videos.items():
        path = folder / PurePosixPath(name).with_suffix(".parquet")
        path.parent.mkdir(parents=True, exist_ok=True)
        columns = {"frame": np.arange(1, len(labels) + 1), "AU01_c": labels[:, 0] == 1, "AU12_c": labels[:, 1] == 1}
        pyarrow.parquet.write_table(pyarrow.table(columns), path)


OPENFACE = ("frame", "face_id", "timestamp", "confidence", "success", "pose_Rx", "AU01_r", "AU12_r", "AU01_c", "AU12_c")
PY_FEAT = (
    *("FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight", "FaceScore", "x_0", "y_0", "AU01", "AU12"),
    *("input", "frame", "approx_time", "Identity"),
)
MDHR_RUN = (
    *("frame", "face_id", "timestamp", "confidence", "success", "x", "y", "w", "h", "AU01_p", "AU12_p", "AU01_c"),
    *("AU12_c", "person", "quality", "flaws", "context", "final"),
)
NOLDUS = (
    *("Date_Time_Absolute_dmy_hmsf", "Date_dmy", "Time_Absolute_hms", "Time_Absolute_f", "Time_Relative_hmsf"),
    *("Time_Relative_hms", "Time_Relative_f", "Time_Relative_sf", "Duration_sf", "Observation", "Event_Log"),
    *("Behavior", "Modifier_1", "Event_Type", "Comment"),
)
BORIS = (
    *("Observation id", "Observation date", "Description", "Observation type", "Subject", "Behavior"),
    *("Behavior type", "Time", "Comment"),
)
AGGREGATED = ("Observation id", "Subject", "Behavior", "Behavior type", "Start (s)", "Stop (s)", "Duration (s)")


def noldus(au, start, end):
    at = ["27-11-2026 10:00:00.000", "27-11-2026", "10:00:00", "0", "00:00:01.000", "00:00:01", "0"]
    for kind, time in (("State start", start), ("State stop", end)):
        yield [*at, time, end - start if "start" in kind else 0, "obs", "log", f"{au}_x", "", kind, ""]


FORMS = {
    "frames from 1": per_frame(("frame", "AU01", "AU12"), lambda i, a, b: (i + 1, a, b)),
    "frames from 0": per_frame(("Frame Number", "AU01_c", "AU12_c"), lambda i, a, b: (i, a, b)),
    "numbers as names": per_frame(("frame", "1", "2", "12"), lambda i, a, b: (i + 1, a, 9, b)),
    "semicolons, BOM, CRLF": per_frame(
        ("FRAME", "au1", "au_12"), lambda i, a, b: (i + 1, a, b), separator=";", encoding="utf-8-sig", end="\r\n"
    ),
    "UTF-16": per_frame(("frame", "AU01", "AU12"), lambda i, a, b: (i + 1, a, b), separator="\t", encoding="utf-16"),
    "pandas": per_frame(("", "frame", "AU01", "AU12"), lambda i, a, b: (i, f"{i + 1}.0", bool(a), bool(b))),
    "seconds": per_frame(("time", "AU01", "AU12"), lambda i, a, b: (i / FPS, a, b)),
    "milliseconds": per_frame(("timestamp_ms", "AU01", "AU12"), lambda i, a, b: (i * 50, a, b)),
    "milliseconds, unsaid": per_frame(("Time", "AU01", "AU12"), lambda i, a, b: (i * 50, a, b)),
    "clock": per_frame(("timestamp", "AU01", "AU12"), lambda i, a, b: (clock(i / FPS), a, b)),
    "clock with commas": per_frame(
        ("timestamp", "AU01", "AU12"), lambda i, a, b: (clock(i / FPS, ","), a, b), separator=";"
    ),
    "decimal commas": per_frame(
        ("time", "AU01", "AU12"), lambda i, a, b: (str(i / FPS).replace(".", ","), a, b), separator=";"
    ),
    "intensities": per_frame(("frame", "AU01_r", "AU12_r"), lambda i, a, b: (i + 1, 1.5 + a, 1.9 + b)),
    "grades": per_frame(("frame", "AU01", "AU12"), lambda i, a, b: (i + 1, 1 + a, 1 + 2 * b)),
    "scores": per_frame(("frame", "AU01_p", "AU12_p"), lambda i, a, b: (i + 1, 0.3 + a / 4, 0.4 + b / 2)),
    "one for all": one_for_all,
    "one for all, stems": one_for_all_stems,
    "names that go on": suffixed,
    "Parquet": parquet,
    "OpenFace": per_frame(
        OPENFACE,
        lambda i, a, b: (i + 1, 0, f"{i / FPS:.3f}", 0.98, 1, 0.1, 3 * a, 3 * b, f"{a:.2f}", f"{b:.2f}"),
        separator=", ",
    ),
    "LibreFace": per_frame(
        ("", "frame_idx", "frame_time_in_ms", "pitch", "au_1", "au_12", "au_5_intensity"),
        lambda i, a, b: (i, i, i * 50.0, 0.1, a, b, ""),
    ),
    "py-feat": per_frame(
        PY_FEAT,
        lambda i, a, b: (1, 2, 30, 40, 0.9, 1, 1, 0.2 + a / 2, 0.1 + b / 2, "", i, "00:00", "Person_0"),
    ),
    "mdhr-run": per_frame(
        MDHR_RUN,
        lambda i, a, b: (i + 1, 1, i / FPS, 0.9, 1, 1, 2, 3, 4, a / 2, b, a, b, 1, 0.9, "", 15, 1),
    ),
    "events": per_event(("start", "end", "code"), lambda au, s, e: [(s, e, f"AU{au}")]),
    "events, durations": per_event(("onset", "duration", "label"), lambda au, s, e: [(s, round(e - s, 3), au)]),
    "events, milliseconds": per_event(("start_ms", "end_ms", "code"), lambda au, s, e: [(s * 1e3, e * 1e3, au)]),
    "events, milliseconds unsaid": per_event(("Start", "End", "Code"), lambda au, s, e: [(s * 1e3, e * 1e3, au)]),
    "events, clock": per_event(("Start", "End", "Code"), lambda au, s, e: [(clock(s), clock(e), f"R{au}")]),
    "events, frames": per_event(
        ("start_frame", "end_frame", "code"), lambda au, s, e: [(round(s * FPS), round(e * FPS) - 1, au)]
    ),
    "events, intensities": per_event(
        ("start", "end", "code", "intensity"), lambda au, s, e: [(s, e, f"AU{au}", "C"), (s, e, f"AU{au}B", "")]
    ),
    "events for all": events_for_all,
    "ELAN, annotations": per_event(
        (
            "Tier",
            "Begin Time - hh:mm:ss.ms",
            "Begin Time - ss.msec",
            "End Time - hh:mm:ss.ms",
            "End Time - ss.msec",
            "Annotation",
        ),
        lambda au, s, e: [(f"AU{au:02d}", clock(s), s, clock(e), e, "x")],
        separator="\t",
        suffix=".txt",
    ),
    "ELAN, milliseconds": per_event(
        ("Tier", "Begin Time - msec", "End Time - msec", "Duration - msec", "Annotation"),
        lambda au, s, e: [("upper face", round(s * 1e3), round(e * 1e3), round((e - s) * 1e3), f"AU{au}c")],
        separator="\t",
        suffix=".txt",
    ),
    "ELAN, tiers": per_event(
        ("Begin Time - ss.msec", "End Time - ss.msec", "AU01", "AU12"),
        lambda au, s, e: [(s, e, "B" if au == 1 else "", "" if au == 1 else "smile")],
        separator="\t",
        suffix=".txt",
    ),
    "ELAN, no names": per_event(
        (),
        lambda au, s, e: [(f"AU{au}", "", clock(s), s, clock(e), e, clock(e - s), e - s, "E")],
        separator="\t",
        suffix=".txt",
    ),
    "BORIS, tabular": per_event(
        BORIS,
        lambda au, s, e: [
            ("obs1", "2026-11-27", "", "Media file(s)", "No focal subject", f"AU{au}", kind, time, "")
            for kind, time in (("START", s), ("STOP", e))
        ],
        separator="\t",
        at=7,
        suffix=".tsv",
    ),
    "BORIS, aggregated": per_event(
        AGGREGATED, lambda au, s, e: [("obs1", "No focal subject", f"AU{au}", "STATE", s, e, e - s)]
    ),
    "Noldus Observer": per_event(NOLDUS, noldus, separator=";", encoding="utf-16", at=7),
}
"""What writes the labels of videos (their names, and int8 (T, 2) of AU 1 and AU 12) into a folder, by its name."""


ANNA, BEN = "anna.mp4", "ward/ben.avi"


def table(path, header, rows, **settings):
    lines(path, header.split(), rows, **settings)
    return path


def told(own, words):
    """The count of the finding that has these words."""
    found = [count for count, what in own.findings.rows() if words in what]
    assert len(found) == 1, own.findings.rows()
    return found[0]


def of(own, video):
    return next(one for one in own.recordings if one.source.name == video.rpartition("/")[2])
