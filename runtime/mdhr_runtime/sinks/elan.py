"""Events as an ELAN document (EAF 3.0), in which coders see them beside their own annotations of the same video.

Every face and action unit that has events has a tier, `AU12 face 0`, whose participant is the person, if one was
recognised. Times count from the beginning of the media file, as ELAN's do.

One source gives `au.eaf`; several give one document each, `au-NAME.eaf` with the name of the source; see
`mdhr_runtime.names`. Documents are written when the run is over, whatever ends it, and until then their events are in
memory, about 300 bytes each. One that ELAN has saved again is not replaced.
"""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from datetime import datetime
from itertools import groupby
from pathlib import Path
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import av

from ..addresses import is_address
from ..au_events import AuEvent
from ..files import open_regular
from ..names import one_per_source
from ..results import FrameResult, SourceInfo
from ..sources.video import name_for_ffmpeg
from ..targets import PartialFile, is_sealed, sealed
from .base import Sink, SinkContext

SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
SEAL = "<!-- {} -->"
TIER_TYPE = "action unit"


class ElanFile(Sink):
    """Writes the documents, of the sources that have results.

    Args:
        target: The file; an older one that this class wrote is replaced.
        context: The run.

    Raises:
        OutputError: A file cannot be written, or may not be; see `Claim`.
    """

    def __init__(self, target: str | Path, context: SinkContext) -> None:
        self._aus, self._closed = context.aus, False
        self._events: dict[str, list[AuEvent]] = {}  # by source, of those with results
        self._targets: dict[SourceInfo, PartialFile] = {}
        paths = one_per_source(Path(target), [source.name for source in context.sources])
        try:
            for source, path in zip(context.sources, paths, strict=True):
                file = PartialFile(path, _is_ours, inputs=context.inputs, overwrite=context.overwrite)
                self._targets[source] = file
        except BaseException:
            self.close()
            raise

    @property
    def summary(self) -> str:
        """See `Sink`; a line per document."""
        counts = {name: f"{len(events)} events" for name, events in self._events.items()}
        nothing = "no frames, so nothing was written"
        return "\n".join(f"{counts.get(source.name, nothing)}: {to.path}" for source, to in self._targets.items())

    def write(self, result: FrameResult) -> None:
        """Note that the source has results."""
        self._events.setdefault(result.source, [])

    def write_event(self, event: AuEvent) -> None:
        """Take an event of a source with results."""
        self._events[event.source].append(event)

    def close(self) -> None:
        """Write the documents. Safe to call twice.

        Raises:
            OutputError: One cannot be written. The others are.
        """
        closed, self._closed = self._closed, True
        with ExitStack() as stack:
            for source, target in self._targets.items() if not closed else ():
                stack.callback(self._complete, source, target)

    def _complete(self, source: SourceInfo, target: PartialFile) -> None:
        if source.name in self._events:
            root = document(self._events[source.name], self._aus, source, target.path.parent)
            target.fill(sealed(tostring(root, encoding="UTF-8", xml_declaration=True) + b"\n", SEAL))
        target.release()


def document(events: Sequence[AuEvent], aus: Sequence[str], source: SourceInfo, folder: Path) -> Element:
    """An ELAN document.

    Args:
        events: The events of one source.
        aus: Names of the AUs in the order of the tiers.
        source: The source.
        folder: Where the document is to lie.
    """
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    root = Element("ANNOTATION_DOCUMENT", AUTHOR="mdhr-edge", DATE=now, FORMAT="3.0", VERSION="3.0")
    root.attrib |= {"xmlns:xsi": XSI, "xsi:noNamespaceSchemaLocation": SCHEMA}
    header = SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    begins = 0.0
    if source.recording is not None and not is_address(source.recording):
        SubElement(header, "MEDIA_DESCRIPTOR", _media(Path(source.recording), folder))
        begins = _first_picture(Path(source.recording), source.begins)
    events = sorted(events, key=lambda event: (event.face_id, aus.index(event.au), event.onset))
    slots = _time_slots(SubElement(root, "TIME_ORDER"), events, begins)
    for (face_id, au), indices in groupby(range(len(events)), lambda index: (events[index].face_id, events[index].au)):
        tier = SubElement(root, "TIER", TIER_ID=f"{au} face {face_id}", LINGUISTIC_TYPE_REF=TIER_TYPE)
        for index in indices:
            if events[index].person is not None:
                tier.set("PARTICIPANT", f"person {events[index].person}")
            onset, offset = slots[index]
            names = {"ANNOTATION_ID": f"a{index + 1}", "TIME_SLOT_REF1": onset, "TIME_SLOT_REF2": offset}
            annotation = SubElement(SubElement(tier, "ANNOTATION"), "ALIGNABLE_ANNOTATION", names)
            SubElement(annotation, "ANNOTATION_VALUE").text = au
    SubElement(root, "LINGUISTIC_TYPE", LINGUISTIC_TYPE_ID=TIER_TYPE, TIME_ALIGNABLE="true", GRAPHIC_REFERENCES="false")
    indent(root)
    return root


def _time_slots(parent: Element, events: Sequence[AuEvent], begins: float) -> list[tuple[str, str]]:
    """Write the times in their order; returns the ids of every event's onset and offset."""
    times = []
    for event in events:
        onset = round((event.onset + begins) * 1000)
        times += [onset, max(round((event.offset + begins) * 1000), onset + 1)]  # an annotation has a length
    ids = dict[int, str]()
    for number, index in enumerate(sorted(range(len(times)), key=times.__getitem__), 1):
        ids[index] = f"ts{number}"
        SubElement(parent, "TIME_SLOT", TIME_SLOT_ID=ids[index], TIME_VALUE=str(times[index]))
    return [(ids[2 * index], ids[2 * index + 1]) for index in range(len(events))]


def _media(recording: Path, folder: Path) -> dict[str, str]:
    """What a document in a folder says of its media file."""
    relative = os.path.relpath(recording.resolve(), folder.resolve())
    return {
        "MEDIA_URL": recording.resolve().as_uri(),
        "MIME_TYPE": mimetypes.guess_type(recording.name)[0] or "unknown",
        "RELATIVE_MEDIA_URL": quote(os.fsencode(f"./{relative}")),
    }


def _first_picture(recording: Path, begins: float) -> float:
    """The time of a video's first picture since the beginning of the file, where sound may come before it: seconds."""
    with (
        suppress(OSError, ValueError, av.FFmpegError),
        open_regular(recording) as file,
        av.open(name_for_ffmpeg(recording, file), metadata_errors="replace") as container,
    ):
        return max(begins - (container.start_time or 0) / av.time_base, 0.0)
    return 0.0


def _is_ours(path: Path) -> bool:
    return is_sealed(path.read_bytes(), SEAL)
