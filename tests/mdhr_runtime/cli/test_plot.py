import subprocess
import sys
from contextlib import ExitStack

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from rows import AUS, nobody, result, row

from mdhr_runtime.cli.plot import main
from mdhr_runtime.errors import OutputError
from mdhr_runtime.plotting.picture import Subject
from mdhr_runtime.plotting.tables import Table
from mdhr_runtime.plotting.timeline import choose
from mdhr_runtime.sinks import open_sink

pytest.importorskip("matplotlib", reason="needs the extra 'plot'")


@pytest.fixture(params=["csv", "jsonl", "parquet"])
def write(request, tmp_path):
    """Write results into a table of each kind."""
    if request.param == "parquet":
        pytest.importorskip("pyarrow", reason="needs the extra 'parquet'")

    def write(*results):
        path = tmp_path / f"au.{request.param}"
        with ExitStack() as stack:
            output = stack.enter_context(open_sink(str(path), AUS, []))
            for one in results:
                output.write(one)
        return path

    return write


def invoke(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def meeting():
    """Face 0 in frames 1 to 10 and 16 to 20, face 1 in frames 5 to 8, another camera with a face 0."""
    for number in range(1, 21):
        rows = [row(number, (number / 20, 0.75))] if not 10 < number < 16 else []
        rows += [row(number, face_id=1)] if 5 <= number <= 8 else []
        yield result(row(number, (0.0, 0.0), final=False))
        yield result(*(rows or [nobody(number)]))
        if number < 4:
            yield result(row(number, source="door"))


def test_the_face_that_is_seen_most_with_gaps_and_without_provisional_rows(write):
    path = write(*meeting())
    timeline, others = choose(Table(path), path, Subject())
    assert (timeline.subjects, timeline.aus) == ((Subject("cam", 0),), AUS)
    assert others == ["face 1 of cam", "face 0 of door"]
    seen = ~np.isnan(timeline.scores[:, 0])
    assert list(seen) == [True] * 10 + [False] + [True] * 5
    np.testing.assert_allclose(timeline.times[seen] * 25, [*range(1, 11), *range(16, 21)], atol=1e-6)
    np.testing.assert_allclose(timeline.scores[seen, 0] * 20, [*range(1, 11), *range(16, 21)], atol=1e-2)
    assert timeline.times[10] == pytest.approx(13 / 25)
    assert timeline.end == pytest.approx(0.8)


def test_another_face_and_another_source(write):
    path = write(*meeting())
    assert choose(Table(path), path, Subject(face_id=1))[0].subjects == (Subject("cam", 1),)
    assert choose(Table(path), path, Subject("door"))[0].scores.shape == (3, 2)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_a_picture(write, tmp_path, suffix):
    path = write(*meeting())
    done = invoke(path, "--out", tmp_path / f"chart{suffix}")
    assert done.exit_code == 0, done.output
    assert "face 0 of cam" in done.stdout
    assert "Not drawn: face 1 of cam, face 0 of door" in done.stderr
    if suffix == ".png":
        image = cv2.imread(str(tmp_path / "chart.png"))
        assert image.shape[1] > 1000
        assert 20 < image.std() < 110
    else:
        assert (tmp_path / "chart.svg").read_text().lstrip().startswith("<?xml")


@pytest.mark.slow
def test_the_picture_is_named_after_the_table(write):
    path = write(result(row(1)))
    assert invoke(path).exit_code == 0
    assert path.with_name(f"{path.name}.png").exists()


@pytest.mark.slow
def test_events_and_summaries_are_recognised(tmp_path):
    path = tmp_path / "any name.csv"
    path.write_text("source,person,face,AU,onset,apex,offset,peak,mean,duration\ncam,4,0,AU12,1,2,3,0.9,0.7,2\n")
    done = invoke(path, "--person", 4)
    assert done.stdout == f"person 4 of cam: {path}.png\n"
    path.write_bytes(
        "source,person,face,AU,seconds_seen,share,events,rate_per_minute,mean_duration,mean,sd\n"
        "M\xfcller,0,,AU12,9,0.5,1,6.7,0.4,0.5,0.1\nM\xfcller,1,,AU12,9,0.5,1,6.7,0.4,0.5,0.1\n".encode("cp1252")
    )
    done = invoke(path, "--face", 4)
    assert "has no face 4" in done.stderr
    assert "It has person 0 of M\xfcller, person 1 of M\xfcller." in done.stderr
    done = invoke(path)
    assert done.stdout == f"person 0 of M\xfcller, person 1 of M\xfcller: {path}.png\n"
    assert "is not in UTF-8: the names in it are read as Windows-1252" in done.stderr


def refused(*arguments):
    done = invoke(*arguments)
    assert done.exit_code == 1, done.output
    assert all(f"\n  {part}: " in done.stderr for part in ("why", "fix"))
    return done.stderr


def test_tables_with_nothing_to_draw(write):
    assert "no final row" in refused(write())
    assert "no final row" in refused(write(result(row(1, final=False))))
    assert "No face in any of its frames" in refused(write(result(nobody(1))))


def test_faces_that_are_not_there(write):
    path = write(*meeting())
    assert "has no face 7" in refused(path, "--face", "7")
    message = refused(path, "--source", "roof", "--face", "0")
    assert "has no face 0 of roof" in message
    assert "face 1 of cam" in message


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"day,weather\n1,rain\n"),
        ("a.csv", b""),
        ("a.csv", b"\xff\xfe\0\0"),
        (
            "a.csv",
            b"frame,face_id,timestamp,confidence,success,x,y,w,h,AU01_p,AU01_c,final,source\nx,0,0,0,1,,,,,,,1,a\n",
        ),
        ("a.jsonl", b'{"my": "notes"}\n'),
        ("a.jsonl", b"[1, 2]\n"),
        ("a.jsonl", b"\xff\xfe{\0"),
        ("a.jsonl", b'{"source":"a","fra'),
        ("a.parquet", b"PAR1 not really"),
        ("a.mp4", b"\0"),
    ],
)
def test_files_that_are_no_table(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert "is no table of action units" in refused(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_impossible_places(write, tmp_path):
    path = write(result(row(1)))
    assert "There is no table" in refused(tmp_path / "none.csv")
    assert "does not end in .png or .svg" in refused(path, "--out", path)
    assert "cannot be written" in refused(path, "--out", tmp_path / "none" / "a.png")


def test_a_missing_extra_is_named(monkeypatch, tmp_path, write):
    path = write(result(row(1)))
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "mdhr-edge[plot]" in refused(path)


def test_the_errors_belong_to_the_family(tmp_path):
    with pytest.raises(OutputError):
        list(Table(tmp_path / "none.csv"))


def test_help_imports_nothing_heavy():
    code = """
import sys
from mdhr_runtime.cli.plot import main
try:
    main(["--help"])
finally:
    print("heavy:", sorted({"cv2", "matplotlib", "pyarrow"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "TABLE" in done.stdout
    assert "heavy: []" in done.stdout
