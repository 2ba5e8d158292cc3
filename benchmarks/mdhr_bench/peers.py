"""Published speeds of other facial-action-unit toolkits on two public clips, beside ours. Theirs are cited."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import PurePath
from textwrap import fill
from typing import Any

from mdhr_runtime.cli.console import table

from .report.text import line
from .results import Pipeline, Result

PREFACE = (
    "What others published; none of it was measured by us.",
    "Hardware, versions and what is timed differ from row to row: compare rows of the same hardware only.",
    "Where a project measured the same hardware several times, its newest run stands here, whichever is faster.",
)
"""What stands above the tables."""

HEADER = ("toolkit", "version", "batch", "frames/s", "source", "hardware")
UNKNOWN = "not stated"
NONE = "—"
WIDTH = 110
"""Characters in a line of what stands under the tables; addresses are never broken."""


@dataclass(frozen=True)
class Source:
    """Where figures were published.

    Attributes:
        id: Its name in the other records.
        title: Title of the page, paper or file.
        url: Its address; files of a repository at a fixed commit.
        year: Year of publication; None if it is not stated.
        note: What a reader of its figures should know; may be empty.
    """

    id: str
    title: str
    url: str
    year: int | None
    note: str


@dataclass(frozen=True)
class Toolkit:
    """A toolkit or a published network.

    Attributes:
        id: Its name in the other records.
        name: Its name for readers.
        gives: What it computes of a face.
        detection: "included" or "not included": whether it finds the face itself.
    """

    id: str
    name: str
    gives: str
    detection: str


@dataclass(frozen=True)
class Clip:
    """A public clip.

    Attributes:
        name: Name of its file.
        frames: Number of frames.
        width: Of a frame, in pixels.
        height: Of a frame, in pixels.
        source: Id of the source that names it as the clip of a benchmark.
    """

    name: str
    frames: int
    width: int
    height: int
    source: str


@dataclass(frozen=True)
class Figure:
    """One published speed.

    Attributes:
        toolkit: Id of the toolkit.
        version: Its version; "not stated".
        configuration: Which of its models or programs; may be empty.
        clip: Name of the clip; "other: …" for a video that is not one of the clips.
        frames: Frames that were analysed; None if that is not stated.
        fps: Frames per second as published; None if the source gives no number.
        seconds: Wall time as published; None if the source gives none.
        stated: The source's statement in words where it is no number, such as "8 to 10"; empty otherwise.
        batch: Frames at once; None if that is not stated.
        hardware: As stated; "not stated".
        source: Id of the source.
        where: What the source says there, in at most 20 words.
        note: What this figure needs to be understood; may be empty.
    """

    toolkit: str
    version: str
    configuration: str
    clip: str
    frames: int | None
    fps: float | None
    seconds: float | None
    stated: str
    batch: int | None
    hardware: str
    source: str
    where: str
    note: str


@dataclass(frozen=True)
class Gap:
    """A toolkit without a published speed on some of the clips.

    Attributes:
        toolkit: Id of the toolkit.
        clips: Names of the clips.
        source: Id of the source that was read.
        note: What it says instead.
    """

    toolkit: str
    clips: tuple[str, ...]
    source: str
    note: str


@dataclass(frozen=True)
class Peers:
    """All that is known of other toolkits.

    Attributes:
        clips: The public clips.
        sources: Where figures were published; their order gives their numbers, from 1.
        toolkits: The toolkits.
        figures: Speeds on the clips.
        others: Speeds on other videos.
        gaps: What was not found.
    """

    clips: tuple[Clip, ...]
    sources: tuple[Source, ...]
    toolkits: tuple[Toolkit, ...]
    figures: tuple[Figure, ...]
    others: tuple[Figure, ...]
    gaps: tuple[Gap, ...]

    def number(self, source: str) -> str:
        """The number of a source in the list of sources, such as "[3]"."""
        return f"[{[each.id for each in self.sources].index(source) + 1}]"

    def toolkit(self, name: str) -> Toolkit:
        """The toolkit with an id."""
        return next(each for each in self.toolkits if each.id == name)


@dataclass(frozen=True)
class _Section:
    """A table with what belongs under it."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def load() -> Peers:
    """Read the published speeds that come with the package."""
    data = json.loads((files("mdhr_bench") / "peers.json").read_text(encoding="utf-8"))
    return Peers(
        clips=tuple(Clip(**each) for each in data["clips"]),
        sources=tuple(Source(**each) for each in data["sources"]),
        toolkits=tuple(Toolkit(**each) for each in data["toolkits"]),
        figures=tuple(Figure(**each) for each in data["figures"]),
        others=tuple(Figure(**each) for each in data["others"]),
        gaps=tuple(Gap(**{**each, "clips": tuple(each["clips"])}) for each in data["gaps"]),
    )


def tabulate(peers: Peers, ours: Sequence[Result]) -> str:
    """Lay out the published speeds and ours for a terminal.

    Args:
        peers: What others published.
        ours: Results; of each, the videos that have the name of a clip.

    Returns:
        The text, without a final line break.
    """
    parts = ["\n".join(PREFACE)]
    for section in _sections(peers, ours):
        lines = (section.title, "", table(section.header, section.rows), *map(_wrapped, section.notes))
        parts.append("\n".join(lines))
    for title, entries in _lists(peers):
        parts.append("\n".join((title, "", *map(_wrapped, entries))))
    return "\n\n".join(parts)


def as_markdown(peers: Peers, ours: Sequence[Result]) -> str:
    """Lay out the published speeds and ours as Markdown.

    Args:
        peers: What others published.
        ours: Results; of each, the videos that have the name of a clip.

    Returns:
        The text, without a final line break.
    """
    parts = [" ".join(PREFACE)]
    for section in _sections(peers, ours):
        parts += [f"### {section.title}", _markdown_table(section.header, section.rows)]
        parts += [_markdown_list(section.notes)] if section.notes else []
    for title, entries in _lists(peers):
        parts += [f"### {title}", _markdown_list(entries)]
    return "\n\n".join(parts)


def _sections(peers: Peers, ours: Sequence[Result]) -> Iterator[_Section]:
    for clip in peers.clips:
        rows, notes = _published(peers, [each for each in peers.figures if each.clip == clip.name])
        title = f"{clip.name}, {clip.width}×{clip.height}, {clip.frames} frames {peers.number(clip.source)}"
        yield _Section(title, HEADER, (*rows, *_measured(clip, ours)), notes)
    rows, notes = _published(peers, peers.others)
    videos = (each.clip.removeprefix("other: ") for each in peers.others)
    rows = tuple((*row, video) for row, video in zip(rows, videos, strict=True))
    yield _Section("Other videos: not the same clips", (*HEADER, "video"), rows, notes)


def _published(peers: Peers, figures: Sequence[Figure]) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]:
    """Rows of figures, and the notes that the letters in them refer to."""
    notes = list(dict.fromkeys(each.note for each in figures if each.note))
    letters = {note: f" ({chr(ord('a') + index)})" for index, note in enumerate(notes)}
    rows = tuple(
        (
            _joined(peers.toolkit(each.toolkit).name, each.configuration) + letters.get(each.note, ""),
            each.version,
            NONE if each.batch is None else str(each.batch),
            each.stated or str(each.fps),
            peers.number(each.source),
            each.hardware,
        )
        for each in figures
    )
    return rows, tuple(f"{letter.strip()} {note}" for note, letter in letters.items())


def _measured(clip: Clip, ours: Sequence[Result]) -> Iterator[tuple[str, ...]]:
    for result in ours:
        for run in result.pipeline:
            if PurePath(run.video).name == clip.name:
                yield _measured_row(result, run)


def _measured_row(result: Result, run: Pipeline) -> tuple[str, ...]:
    bundle = (_text(result.bundle, name) for name in ("backbone", "precision"))
    return (
        _joined("MDHR Edge", *bundle),
        NONE,
        NONE,
        f"{run.frames / run.seconds:.1f}",
        "ours",
        _text(result.environment, "machine", "name") or UNKNOWN,
    )


def _lists(peers: Peers) -> Iterator[tuple[str, list[str]]]:
    yield (
        "No figure found",
        [
            f"{peers.toolkit(gap.toolkit).name}, {' and '.join(gap.clips)}: {gap.note} {peers.number(gap.source)}"
            for gap in peers.gaps
        ],
    )
    yield (
        "What the toolkits do",
        [f"{each.name}: {each.gives}; face detection {each.detection}" for each in peers.toolkits],
    )
    yield (
        "Sources",
        [
            f"{peers.number(each.id)} {each.title} ({each.year or 'year ' + UNKNOWN}). {each.url} {each.note}".rstrip()
            for each in peers.sources
        ],
    )


def _text(values: Mapping[str, Any], *path: str) -> str:
    """What stands at a path of nested mappings, as text; empty if nothing does: results vary in what they know."""
    found: Any = values
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return "" if found is None else str(found)


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _wrapped(entry: str) -> str:
    return fill(
        entry, WIDTH, initial_indent="  ", subsequent_indent="      ", break_long_words=False, break_on_hyphens=False
    )


def _markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = [":--" if index == 0 else "--:" for index, _ in enumerate(header)]
    return "\n".join(_markdown_row(row) for row in (header, rule, *rows))


def _markdown_row(cells: Sequence[str]) -> str:
    return line([cell.replace("|", "\\|") for cell in cells])


def _markdown_list(entries: Sequence[str]) -> str:
    return "\n".join(f"- {entry}" for entry in entries)
