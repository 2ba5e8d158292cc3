"""Who is in the picture: faces that are many, alike, small, hidden or turned, and those that the user chooses."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from ..case import Case, Right, misused, refused, works
from ..stock import CALL, Stock, call, film, image, media, picture, put, scene

Rows = Sequence[dict[str, str]]

RUN = ("{bundle}",)
TO = ("--out", "au.csv")
CHOOSE = ("{bundle}", "{call}", *TO)


def read(path: Path) -> Rows:
    """The lines of a table."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def holds(**rules: Callable[[Rows], object]) -> Callable[[Path], str | None]:
    """Look whether rules hold for the rows of au.csv; their names say what they are."""

    def seen(folder: Path) -> str | None:
        rows = read(folder / "au.csv")
        broken = [name for name, rule in {"no_face_twice_in_a_frame": _once, **rules}.items() if not rule(rows)]
        return f"not so: {', '.join(broken)}; there is {_told(rows)}" if broken else None

    return seen


def _once(rows: Rows) -> bool:
    return max(Counter((row["source"], row["frame"], row["face_id"]) for row in rows).values()) == 1


def _told(rows: Rows) -> str:
    columns = ("source", "frame", "face_id", "person", "x", "y", "w", "quality", "flaws", "AU12_p")
    return "; ".join(" ".join(row[column] or "-" for column in columns) for row in rows[:12])


def faces(count: int) -> Callable[[Rows], bool]:
    """So many faces are in every frame, each with one number throughout."""

    def rule(rows: Rows) -> bool:
        frames = {row["frame"] for row in rows}
        ids = Counter(row["face_id"] for row in rows if row["face_id"])
        return len(ids) == count and set(ids.values()) <= {len(frames)}

    return rule


def people(count: int) -> Callable[[Rows], bool]:
    """So many people were recognised."""
    return lambda rows: len({row["person"] for row in rows if row["person"]}) == count


def _all_are_one(rows: Rows) -> bool:
    return {row["person"] for row in rows if row["frame"] == rows[-1]["frame"]} == {"0"}


def flaw(word: str) -> Callable[[Rows], bool]:
    """In the last frame, this is what lowers the quality most."""
    return lambda rows: rows[-1]["flaws"].split(" ")[0] == word and float(rows[-1]["quality"]) < 0.9


def _scored(row: dict[str, str]) -> bool:
    return row["AU12_p"] != ""


def places(*numbers: int) -> Callable[[Rows], bool]:
    """In every frame, the faces at these places of the call are scored, and no others are there."""

    def rule(rows: Rows) -> bool:
        found = {(row["frame"], _place(row)) for row in rows if row["success"] == "1" and _scored(row)}
        frames = {row["frame"] for row in rows}
        return found == {(frame, number) for frame in frames for number in numbers}

    return rule


def _place(row: dict[str, str], scale: float = 1.0) -> int:
    x, y = (scale * (float(row[start]) + float(row[side]) / 2) for start, side in (("x", "w"), ("y", "h")))
    inside = (left <= x < left + side and upper <= y < upper + side for left, upper, side in CALL)
    return list(inside).index(True)


# Scenes


def _poster(step: int) -> np.ndarray:
    return scene((420, 640), (image(step), 60, 160, 240), (image(0), 460, 20, 130))


def _screen(step: int) -> np.ndarray:
    bluish = (image(step + 7) * np.array((1, 0.7, 0.5))).astype(np.uint8)
    return scene((420, 640), (image(step), 60, 160, 240), (bluish, 440, 30, 140))


def _mirror(step: int) -> np.ndarray:
    return scene((240, 500), (image(step), 0, 0, 240), (np.fliplr(image(step)), 260, 0, 240))


def _crowd(step: int) -> np.ndarray:
    grid = [(120 * (number % 10), 120 * (number // 10)) for number in range(50)]
    return scene((600, 1200), *((image(step + number), *place, 120) for number, place in enumerate(grid)))


def _masked(step: int) -> np.ndarray:
    return cv2.rectangle(image(step).copy(), (70, 125), (180, 190), (200, 190, 170), -1)


def _small(step: int) -> np.ndarray:
    return scene((240, 320), (image(step), 120, 100, 48))


def _turned(step: int) -> np.ndarray:
    from skimage import data

    return cv2.cvtColor(np.roll(data.camera()[:300, 100:400], step, axis=1), cv2.COLOR_GRAY2BGR)


def _at_the_edge(step: int) -> np.ndarray:
    return np.ascontiguousarray(image(step)[:, 105:])


def _tall(step: int) -> np.ndarray:
    return scene((640, 240), (image(step), 0, 300, 240))


SCENES = (  # name, picture by its number, options, rules for the rows
    ("the same face four times, as in a video call", call, (), {"four_faces": faces(4), "one_person": _all_are_one}),
    ("a poster of the same face", _poster, (), {"two_faces": faces(2)}),
    ("a face on a screen behind a person", _screen, (), {"two_faces": faces(2)}),
    ("a mirrored wall", _mirror, (), {"two_faces": faces(2)}),
    ("three of 50 faces", _crowd, ("--min-face", "40", "--max-faces", "3"), {"three_faces": faces(3)}),
    ("a mask", _masked, (), {"covered": flaw("covered")}),
    ("a profile", _turned, ("--min-face", "40"), {"turned": flaw("turned")}),
    ("a face of 20 pixels", _small, ("--min-face", "20"), {"one_face": faces(1), "small": flaw("small")}),
    ("a face at the edge", _at_the_edge, (), {"one_face": faces(1), "cut": lambda rows: "cut" in rows[-1]["flaws"]}),
    ("a tall picture", _tall, (), {"one_face": faces(1)}),
    (
        "a tall picture, by its lower half",
        _tall,
        ("--roi", "0,0.4,1,0.6", "--face", "nearest:0.5,0.7"),
        {"one_face": faces(1)},
    ),
)


def _changing(folder: Path, stock: Stock) -> None:
    """Pictures of the call that halve their sides in mid-run."""
    (folder / "x").mkdir()
    for step in range(6):
        size = (480, 420) if step < 3 else (240, 210)
        cv2.imwrite(str(folder / "x" / f"{step}.png"), cv2.resize(call(step), size, interpolation=cv2.INTER_AREA))


def _numbered(numbers: dict[str, str]) -> Callable[[Rows], bool]:
    """Every source has one person, of this number."""
    return lambda rows: {(row["source"], row["person"]) for row in rows} == set(numbers.items())


def _stays_left_below(rows: Rows) -> bool:
    return [_place(row, 1 if int(row["frame"]) <= 3 else 2) for row in rows] == [2] * 6


def _black_white(step: int) -> np.ndarray:
    return image(step) if step in (1, 4) else np.full((240, 240, 3), 255 * (step > 2), np.uint8)


NO_CHOICE = (
    ("--face", "biggest"),
    ("--face", ""),
    ("--face", "nearest:5"),
    ("--face", "nearest:1,2,3"),
    ("--face", "nearest:-1,5"),
    ("--face", "nearest:nan,5"),
    ("--face", "nearest:1e9,5"),
    ("--face", "nearest:0,5;0,5"),
    ("--roi", ""),
    ("--roi", "1,2,3"),
    ("--roi", "0,0,0,0"),
    ("--roi", "0,0,-5,5"),
    ("--roi", "0,0,nan,5"),
    ("--roi", "0,0,1e9,5"),
    ("--roi", "left"),
    ("--max-faces", "0"),
    ("--max-faces", "-1"),
    ("--max-faces", "nan"),
    ("--min-quality", "-0.1"),
    ("--min-quality", "1.1"),
    ("--min-quality", "nan"),
    ("--min-quality", "good"),
    ("--identity", "colour"),
    ("--identities", "both"),
)

CHOICES = (  # name, options, places of the call that are scored in every frame
    ("all", ("--face", "all"), (0, 1, 2, 3)),
    ("the largest", ("--face", "largest"), (0,)),
    ("the nearest, in pixels", ("--face", "nearest:330,300"), (3,)),
    ("the nearest, in fractions", ("--face", "nearest:0.7,0.2"), (1,)),
    ("the largest two", ("--max-faces", "2"), (0, 1)),
    ("more than there are", ("--max-faces", "999999999"), (0, 1, 2, 3)),
    ("the largest and --max-faces", ("--face", "largest", "--max-faces", "2"), (0, 1)),
    ("the nearest two", ("--face", "nearest:0.6,1", "--max-faces", "2"), (2, 3)),
    ("those in a region of pixels", ("--roi", "0,240,480,180"), (2, 3)),
    ("those in a region of fractions", ("--roi", "0.5,0,0.5,1"), (1, 3)),
    ("the largest in a region", ("--roi", "0.5,0,0.5,1", "--face", "largest"), (1,)),
    ("a region larger than the picture", ("--roi", "0,0,99999,99999"), (0, 1, 2, 3)),
    ("no quality is too low", ("--min-quality", "0"), (0, 1, 2, 3)),
)

LANDMARKS = [
    f"{name}_{axis}" for name in ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth") for axis in "xy"
]


def _has_landmarks(name: str) -> Callable[[Path], str | None]:
    def seen(folder: Path) -> str | None:
        path = next(folder.glob(name))
        if path.suffix == ".parquet":
            import pyarrow.parquet

            text = " ".join(pyarrow.parquet.read_schema(path).names)
        else:
            text = path.read_text()
        return None if all(name in text for name in LANDMARKS) or '"landmarks":[[' in text else "no landmarks"

    return seen


CASES = [
    *(
        Case(
            f"{name}",
            "run",
            (*RUN, "x.avi", *options, *TO),
            (film("x.avi", draw),),
            works("au.csv", seen=holds(**rules)),
        )
        for name, draw, options, rules in SCENES
    ),
    Case(
        "a face between black and white pictures",
        "run",
        (*RUN, "x.avi", *TO),
        (film("x.avi", _black_white, 6),),
        works("au.csv", rows=6, seen=holds(two_seen=lambda rows: sum(map(_scored, rows)) == 2)),
    ),
    *(
        Case(
            f"a picture of one pixel{' and a region' if options else ''}",
            "run",
            (*RUN, "x.png", *options, *TO),
            (picture("x.png", lambda: np.full((1, 1, 3), 128, np.uint8)),),
            works("au.csv", rows=1, says=("no face in x.png",)),
        )
        for options in ((), ("--roi", "0,0,1,1", "--face", "largest", "--min-quality", "1"))
    ),
    Case(
        "50 faces",
        "run",
        (*RUN, "x.png", "--min-face", "40", *TO),
        (picture("x.png", lambda: _crowd(0)),),
        works("au.csv", seen=holds(fifty_faces=faces(50))),
    ),
    # Choices
    *(Case(f"{option} {value!r}", "run", (*CHOOSE, option, value), (), misused(option)) for option, value in NO_CHOICE),
    *(
        Case(name, "run", (*CHOOSE, *options), (), works("au.csv", seen=holds(chosen=places(*numbers))))
        for name, options, numbers in CHOICES
    ),
    Case(
        "no view is good enough",
        "run",
        (*CHOOSE, "--min-quality", "1"),
        (),
        works("au.csv", seen=holds(rows=faces(4), small_are_empty=lambda rows: not any(map(_scored, rows[-1:])))),
    ),
    Case(
        "views that are good enough",
        "run",
        (*CHOOSE, "--min-quality", "0.5"),
        (),
        works(
            "au.csv",
            seen=holds(
                rows=faces(4),
                as_quality_says=lambda rows: all(_scored(r) == (float(r["quality"]) >= 0.5) for r in rows),
            ),
        ),
    ),
    Case(
        "nobody in the region",
        "run",
        (*CHOOSE, "--roi", "0.45,0.45,0.05,0.05"),
        (),
        works("au.csv", says=("no face in call.avi", "region", "--roi"), never=("--min-face",)),
    ),
    *(
        Case(
            f"{options} is not in the picture",
            "run",
            (*CHOOSE, *options),
            (),
            refused("outside", "480×420", maybe=("au.csv",)),
        )
        for options in (
            ("--roi", "480,0,10,10"),
            ("--roi", "0,9999,10,10"),
            ("--face", "nearest:481,5"),
            ("--face", "nearest:0.9,0.9", "--roi", "0,0,0.5,0.5"),
        )
    ),
    Case(
        "a region outside of one of two sources",
        "run",
        (*RUN, "{call}", "{clip}", "--roi", "260,0,220,420", *TO),
        (),
        Right((1,), says=("clip.avi", "outside", "240×240"), new=("au.csv",), rows={"au.csv": 10}),
    ),
    *(
        Case(
            f"pictures that change their size, by {what}",
            "run",
            (*RUN, "x", *options, *TO),
            (_changing,),
            works("au.csv", rows=6, seen=holds(left_below=_stays_left_below)),
        )
        for what, options in (
            ("a region of pixels", ("--roi", "0,230,230,190")),
            ("a region of fractions", ("--roi", "0,0.55,0.5,0.45")),
            ("a point in pixels", ("--face", "nearest:120,340")),
        )
    ),
    *(
        Case(
            f"{' '.join(options)} of crops",
            "run",
            (*RUN, "x.png", "--faces", "crops", *options, *TO),
            (picture("x.png", lambda: cv2.resize(image(0), (224, 224))),),
            misused("crops"),
        )
        for options in (
            ("--face", "largest"),
            ("--max-faces", "1"),
            ("--roi", "0,0,0.5,1"),
            ("--min-quality", "0.5"),
            ("--identity", "embedding"),
            ("--identities", "across"),
        )
    ),
    Case(
        "all of crops",
        "run",
        (*RUN, "x.png", "--faces", "crops", "--face", "all", "--identity", "none", "--landmarks", *TO),
        (picture("x.png", lambda: cv2.resize(image(0), (224, 224))),),
        works("au.csv", rows=1, seen=holds(scored=lambda rows: _scored(rows[0]))),
    ),
    *(
        Case(
            f"landmarks in {pattern}",
            "run",
            (*RUN, "{clip}", "--landmarks", "--out", out),
            (),
            works(*new, seen=_has_landmarks(pattern)),
        )
        for out, pattern, new in (
            ("x.csv", "x.csv", ("x.csv",)),
            ("x.jsonl", "x.jsonl", ("x.jsonl",)),
            ("x.parquet", "x.parquet", ("x.parquet",)),
            ("x/", "x/*.csv", ("x", "x/clip*.csv")),
        )
    ),
    # People of several sources
    *(
        Case(
            f"one person in two sources, people {how} them",
            "run",
            (*RUN, "a.avi", "b.avi", "--identities", how, *TO),
            (put("clip.avi", "a.avi"), put("clip.avi", "b.avi")),
            works(
                "au.csv",
                rows=18,
                seen=holds(
                    same_number=lambda rows: (
                        {(r["source"], r["face_id"], r["person"]) for r in rows}
                        == {("a.avi", "0", "0"), ("b.avi", "0", "0")}
                    )
                ),
            ),
        )
        for how in ("within", "across")
    ),
    *(
        Case(
            f"two people in two sources, people {how} them",
            "run",
            (*RUN, "a.avi", "b.jpg", "--identities", how, *TO),
            (put("clip.avi", "a.avi"), media("single_face.jpg", "b.jpg")),
            works("au.csv", rows=10, seen=holds(numbers_in_order=_numbered({"a.avi": "0", "b.jpg": last}))),
        )
        for how, last in (("within", "0"), ("across", "1"))
    ),
    Case(
        "a source without a face beside one with",
        "run",
        (*RUN, "a.avi", "b.png", "--identities", "across", *TO),
        (put("clip.avi", "a.avi"), picture("b.png", lambda: np.zeros((64, 64, 3), np.uint8))),
        works("au.csv", rows=10, says=("no face in b.png",), never=("no face in a.avi",)),
    ),
    Case(
        "people across sources, and nobody is recognised",
        "run",
        (*RUN, "{clip}", "--identity", "none", "--identities", "across", *TO),
        (),
        misused("--identities across", "--identity none"),
    ),
    Case(
        "nobody is recognised where nobody is to be",
        "run",
        (*RUN, "{clip}", "--identity", "none", *TO),
        (),
        works("au.csv", rows=9, seen=holds(one_face=faces(1), nobody=people(0))),
    ),
]
