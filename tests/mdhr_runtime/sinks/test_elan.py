from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import av
import numpy as np
import pytest
from rows import CONTEXT, event, nobody, result, row

from mdhr_runtime.errors import OutputError
from mdhr_runtime.results import SourceInfo
from mdhr_runtime.sinks.elan import ElanFile

CAMERA = SourceInfo("cam", None, True)
ONE = replace(CONTEXT, sources=(CAMERA,))


def written(path, *events, source=CAMERA):
    with ElanFile(path, replace(CONTEXT, sources=(source,))) as file:
        file.write(result(row(1)))
        for each in events:
            file.write_event(each)
    assert file.summary == f"{len(events)} events: {path}"
    return ElementTree.parse(path).getroot()


def annotations(root):
    """{tier: [(begin, end, value)]}, in milliseconds; checks the references that the schema asks for."""
    slots = {slot.get("TIME_SLOT_ID"): int(slot.get("TIME_VALUE")) for slot in root.find("TIME_ORDER")}
    assert len(slots) == len(root.find("TIME_ORDER"))
    assert list(slots.values()) == sorted(slots.values())
    ids = [one.get("ANNOTATION_ID") for one in root.iter("ALIGNABLE_ANNOTATION")]
    assert len({*ids, *slots}) == len(ids) + len(slots)
    types = {one.get("LINGUISTIC_TYPE_ID") for one in root.iter("LINGUISTIC_TYPE")}
    found, used = {}, []
    for tier in root.iter("TIER"):
        assert tier.get("TIER_ID") not in found
        assert tier.get("LINGUISTIC_TYPE_REF") in types
        spans = found[tier.get("TIER_ID")] = []
        for one in tier.iter("ALIGNABLE_ANNOTATION"):
            ends = one.get("TIME_SLOT_REF1"), one.get("TIME_SLOT_REF2")
            used += ends
            spans.append((*(slots[end] for end in ends), one.findtext("ANNOTATION_VALUE")))
            assert spans[-1][0] < spans[-1][1]
    assert sorted(used) == sorted(slots)
    return found


def test_a_tier_for_each_face_and_au_that_has_events(tmp_path):
    root = written(
        tmp_path / "au.eaf",
        replace(event(), face_id=10, person=None),
        event(),
        replace(event(), au="AU01", onset=0.2, offset=0.2002),
        replace(event(), onset=2.0, offset=2.5),
    )
    assert (root.tag, root.get("FORMAT"), root.get("VERSION")) == ("ANNOTATION_DOCUMENT", "3.0", "3.0")
    assert [part.tag for part in root] == ["HEADER", "TIME_ORDER", *["TIER"] * 3, "LINGUISTIC_TYPE"]
    assert annotations(root) == {
        "AU01 face 0": [(200, 201, "AU01")],
        "AU12 face 0": [(400, 1000, "AU12"), (2000, 2500, "AU12")],
        "AU12 face 10": [(400, 1000, "AU12")],
    }
    assert [tier.get("PARTICIPANT") for tier in root.iter("TIER")] == ["person 1", "person 1", None]
    assert root.find("HEADER/MEDIA_DESCRIPTOR") is None


def test_a_source_without_an_event_has_an_empty_document(tmp_path):
    assert annotations(written(tmp_path / "au.eaf")) == {}


def make_video(path, first_picture):
    """A video whose sound begins at 0, and whose picture later."""
    with av.open(str(path), "w") as container:
        video, audio = container.add_stream("mpeg4", rate=25), container.add_stream("aac", rate=16_000)
        video.width = video.height = 32
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), np.float32), "fltp", "mono")
        sound.sample_rate, sound.pts = 16_000, 0
        for number in range(3):
            picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))
            picture.pts, picture.time_base = number + round(first_picture * 25), Fraction(1, 25)
            container.mux(video.encode(picture))
        container.mux(audio.encode(sound))
        container.mux(video.encode())
        container.mux(audio.encode())


def test_the_media_file_is_linked_and_times_count_from_its_beginning(tmp_path):
    folder = tmp_path / "films & more"
    folder.mkdir()
    video = folder / "Küche 1.mkv"
    make_video(video, 2.0)
    root = written(tmp_path / "au.eaf", event(), source=SourceInfo("cam", 25.0, False, str(video), begins=2.0))
    ((start, end, _),) = annotations(root)["AU12 face 0"]
    assert (start, end) == (2400, 3000)
    media = root.find("HEADER/MEDIA_DESCRIPTOR")
    assert Path(unquote(urlsplit(media.get("MEDIA_URL")).path)) == video
    assert (tmp_path / unquote(media.get("RELATIVE_MEDIA_URL"))).samefile(video)
    assert media.get("MIME_TYPE").startswith("video/")


def test_of_an_address_nothing_is_told(tmp_path):
    source = SourceInfo("cam", 25.0, False, "http://me:secret@host/a.mp4?key=1")
    assert written(tmp_path / "au.eaf", event(), source=source).find("HEADER/MEDIA_DESCRIPTOR") is None
    assert "secret" not in (tmp_path / "au.eaf").read_text()


def test_several_sources_have_a_document_each(tmp_path):
    context = replace(CONTEXT, sources=tuple(SourceInfo(name, None, True) for name in ("a", "b/c", "never")))
    with ElanFile(tmp_path / "au.eaf", context) as file:
        for name in ("a", "b/c"):
            file.write(result(nobody(1, source=name)))
            file.write_event(replace(event(), source=name))
        assert not [path for path in tmp_path.iterdir() if path.suffix == ".eaf"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["au-a.eaf", "au-b__c.eaf"]


def test_a_run_that_is_stopped_keeps_its_events(tmp_path):
    def stopped_run():
        with ElanFile(tmp_path / "au.eaf", ONE) as file:
            file.write(result(row(1)))
            file.write_event(event())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped_run()
    assert len(annotations(ElementTree.parse(tmp_path / "au.eaf").getroot())) == 1


def test_a_run_without_results_leaves_what_was_there(tmp_path):
    path = tmp_path / "au.eaf"
    written(path, event())
    before = path.read_bytes()
    with ElanFile(path, ONE) as file:
        pass
    assert file.summary == f"no frames, so nothing was written: {path}"
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_ours_is_replaced_and_what_a_coder_has_changed_is_not(tmp_path):
    path = tmp_path / "au.eaf"
    for count in (1, 2):
        assert len(written(path, *[event()] * count).findall("TIER/ANNOTATION")) == count
    path.write_text(path.read_text().replace(">AU12<", ">my AU12<"))
    with pytest.raises(OutputError, match="not overwritten"):
        ElanFile(path, ONE)
    with pytest.raises(OutputError, match="is what the results are made from"):
        ElanFile(path, replace(ONE, inputs=(path,)))
    ElanFile(path, replace(ONE, overwrite=True)).close()
    assert list(tmp_path.iterdir()) == [path]
