"""Published speeds of other toolkits: that the data hold together, and that tables say whose they are."""

import re

import pytest

from mdhr_bench.peers import NONE, PREFACE, UNKNOWN, as_markdown, load, tabulate
from mdhr_bench.results import Pipeline, Result

PEERS = load()
EVERY = (*PEERS.figures, *PEERS.others)
CLIPS = {clip.name: clip for clip in PEERS.clips}


def a_run(video, frames=72, seconds=2.0):
    return Pipeline(video, 640, 360, frames, frames, seconds, seconds, seconds, (), 1.0, 0.5, 3)


def a_result(*runs, environment=None, bundle=None):
    return Result(environment or {}, bundle or {}, {}, "2026-01-01T00:00:00Z", pipeline=list(runs))


def rows_of(text, start):
    return [line for line in text.splitlines() if line.startswith(start)]


def unwrapped(text):
    return re.sub(r"\s+", " ", text)


def test_ids_are_unique():
    for records in (PEERS.sources, PEERS.toolkits):
        assert len({each.id for each in records}) == len(records)


def test_every_source_is_cited_and_every_citation_has_a_source():
    cited = {each.source for each in (*PEERS.clips, *EVERY, *PEERS.gaps)}
    assert cited == {source.id for source in PEERS.sources}


def test_every_toolkit_has_a_figure_or_a_gap():
    assert {each.toolkit for each in (*EVERY, *PEERS.gaps)} == {toolkit.id for toolkit in PEERS.toolkits}


def test_sources_have_a_title_and_an_address():
    for source in PEERS.sources:
        assert source.title
        assert re.fullmatch(r"https://\S+", source.url)
        assert source.year is None or 2000 < source.year < 2100


def test_files_of_repositories_are_cited_at_a_commit():
    blobs = [source.url for source in PEERS.sources if "/blob/" in source.url]
    assert blobs
    assert all(re.search(r"/blob/[0-9a-f]{40}/", url) for url in blobs)


@pytest.mark.parametrize("figure", EVERY, ids=lambda each: f"{each.toolkit}-{each.source}-{each.clip}-{each.batch}")
def test_a_figure_says_what_it_is_of_and_where_it_stands(figure):
    assert figure.version
    assert figure.hardware
    assert 0 < len(figure.where.split()) <= 20
    assert (figure.fps is None) == bool(figure.stated)
    assert figure.fps is None or figure.fps > 0


def test_other_videos_are_kept_apart():
    assert {figure.clip for figure in PEERS.figures} == set(CLIPS)
    assert all(figure.clip.startswith("other: ") for figure in PEERS.others)


def test_no_figure_stands_twice():
    keys = [(each.toolkit, each.configuration, each.clip, each.batch, each.hardware, each.source) for each in EVERY]
    assert len(set(keys)) == len(keys)


def test_the_number_is_in_what_the_source_says():
    for figure in EVERY:
        if figure.fps is not None:
            published = re.findall(r"\d+(?:\.\d+)?", figure.where)
            assert figure.fps in map(float, published)
            assert figure.seconds is None or figure.seconds in map(float, published)


def test_seconds_and_frames_per_second_agree_within_the_digits_that_were_published():
    timed = [figure for figure in PEERS.figures if figure.seconds is not None]
    assert timed
    for figure in timed:
        assert figure.frames == CLIPS[figure.clip].frames
        slowest, fastest = (figure.frames / (figure.seconds + sign * 0.005) for sign in (1, -1))
        assert slowest - 0.051 <= figure.fps <= fastest + 0.051


def test_gaps_name_clips_without_a_figure():
    for gap in PEERS.gaps:
        assert gap.note
        assert gap.clips
        assert set(gap.clips) <= set(CLIPS)


def test_clips_are_the_files(media):
    import cv2

    for clip in PEERS.clips:
        video = cv2.VideoCapture(str(media / clip.name))
        size = video.get(cv2.CAP_PROP_FRAME_WIDTH), video.get(cv2.CAP_PROP_FRAME_HEIGHT)
        assert (*size, video.get(cv2.CAP_PROP_FRAME_COUNT)) == (clip.width, clip.height, clip.frames)


@pytest.mark.parametrize("lay_out", [tabulate, as_markdown])
def test_what_the_figures_are_not_stands_above_the_first_table(lay_out):
    text = lay_out(PEERS, [])
    above = text[: text.index("toolkit")]
    assert all(line in above for line in PREFACE)
    assert "none of it was measured by us" in above
    assert "Hardware" in above


@pytest.mark.parametrize("lay_out", [tabulate, as_markdown])
def test_nothing_of_ours_stands_without_results(lay_out):
    assert "MDHR Edge" not in lay_out(PEERS, [])


def test_ours_stands_under_the_clip_of_its_name():
    result = a_result(
        a_run("/videos/single_face.mp4"),
        a_run("holiday.mp4"),
        environment={"machine": {"name": "Jetson Orin"}},
        bundle={"backbone": "resnet50", "precision": "float16"},
    )
    text = tabulate(PEERS, [result])
    (row,) = rows_of(text, "MDHR Edge")
    assert row.split("  ")[0] == "MDHR Edge, resnet50, float16"
    assert row.endswith("Jetson Orin")
    assert " 36.0 " in row
    assert text.index("single_face.mp4, ") < text.index(row) < text.index("WolfgangLanger_Pexels.mp4, ")


@pytest.mark.parametrize("environment", [{}, {"machine": "a box"}, {"machine": {}}, {"machine": {"name": None}}])
def test_a_result_without_the_name_of_its_machine_says_so(environment):
    (row,) = rows_of(tabulate(PEERS, [a_result(a_run("single_face.mp4"), environment=environment)]), "MDHR Edge ")
    assert row.endswith(UNKNOWN)


def test_every_result_gets_its_row():
    results = [
        a_result(a_run(clip.name, clip.frames), environment={"machine": {"name": clip.name}}) for clip in PEERS.clips
    ]
    assert len(rows_of(tabulate(PEERS, results), "MDHR Edge ")) == len(PEERS.clips)


def test_published_numbers_are_not_rounded():
    text = tabulate(PEERS, [])
    assert all(f" {figure.stated or figure.fps} " in text for figure in EVERY)


def test_unknown_batches_are_dashes():
    figure = next(each for each in PEERS.others if each.batch is None)
    assert NONE in rows_of(tabulate(PEERS, []), PEERS.toolkit(figure.toolkit).name)[-1]


def test_numbers_of_sources_lead_to_the_list():
    text = unwrapped(tabulate(PEERS, []))
    for index, source in enumerate(PEERS.sources, start=1):
        assert f"[{index}] {source.title}" in text
        assert PEERS.number(source.id) == f"[{index}]"


def test_addresses_stay_in_one_piece():
    text = tabulate(PEERS, [])
    assert all(source.url in text for source in PEERS.sources)


def test_letters_lead_to_notes():
    text = unwrapped(tabulate(PEERS, []))
    for figure in EVERY:
        if figure.note:
            assert re.search(rf"\([a-z]\) {re.escape(figure.note)}", text)


def test_markdown_tables_have_as_many_cells_in_every_row():
    blocks = re.findall(r"(?:^\|.*\|\n?)+", as_markdown(PEERS, [a_result(a_run("single_face.mp4"))]), re.MULTILINE)
    assert len(blocks) == len(PEERS.clips) + 1
    for block in blocks:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1


def test_markdown_escapes_pipes():
    result = a_result(a_run("single_face.mp4"), environment={"machine": {"name": "a|b"}})
    assert r"| a\|b |" in as_markdown(PEERS, [result])
