import sys

import numpy as np
import pytest
from click.testing import CliRunner
from rows import AUS

from mdhr_runtime.cli.run import main
from mdhr_runtime.errors import OutputError
from mdhr_runtime.results import SourceInfo
from mdhr_runtime.sinks import Sink, find_sink, open_sink
from mdhr_runtime.sinks.table import LIVE_PAGE, SCHEMES, SUFFIXES

SOURCES = [SourceInfo("cam", 25.0, False)]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_suffix_chooses_the_sink_and_nothing_is_touched(tmp_path, suffix):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow", reason="needs the extra 'parquet'")
    sink = open_sink(tmp_path / f"au{suffix.upper()}", AUS, SOURCES)
    assert type(sink).__name__ == SUFFIXES[suffix].rpartition(":")[2]
    sink.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_scheme_chooses_the_sink(scheme):
    kind = find_sink(f"{scheme.upper()}://host:1/rows")
    assert issubclass(kind, Sink)
    assert kind.__name__ == SCHEMES[scheme].rpartition(":")[2]


def test_a_dash_is_json_lines_on_the_standard_output():
    assert open_sink("-", AUS, SOURCES).summary == "0 rows: standard output"


@pytest.mark.parametrize("target", ["au.xlsx", "au", "", "http://host/rows", "wss://host:1/rows"])
def test_unknown_kinds_are_refused(target):
    with pytest.raises(OutputError, match="no output for this kind") as error:
        open_sink(target, AUS, SOURCES)
    assert error.value.why in ("Known are mqtt, mqtts, ws.", "Known are .csv, .jsonl, .ndjson, .parquet, .mp4.")
    assert LIVE_PAGE not in error.value.why


@pytest.mark.parametrize(
    ("target", "module", "name"),
    [
        ("au.parquet", "pyarrow", "parquet"),
        ("mqtt://localhost/rows", "paho.mqtt.client", "mqtt"),
        ("ws://127.0.0.1:0", "websockets.asyncio.server", "ws"),
    ],
)
def test_a_missing_extra_is_named(monkeypatch, target, module, name):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(OutputError, match="not installed") as error:
        open_sink(target, AUS, SOURCES)
    assert f"'mdhr-edge[{name}]'" in error.value.fix


THEIRS = """
from pathlib import Path
from mdhr_runtime.sinks import Sink

class Frames(Sink):
    warnings = ("only frames",)

    def __init__(self, target, context):
        self.path, self.lines = Path(target), [" ".join(source.name for source in context.sources)]
        self.notices = (f"frames go to {target}",)

    def write(self, result):
        self.lines.append(f"{result.frame} {result.rows[0].success} {result.image.size}")

    def close(self):
        self.path.write_text("\\n".join(self.lines))

    summary = "all frames"
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a distribution that offers one object as a sink: a folder as pip would leave it."""

    def install(name, value, code=""):
        folder = tmp_path / "site"
        (folder / "theirs-1.0.dist-info").mkdir(parents=True)
        (folder / "theirs-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
        (folder / "theirs-1.0.dist-info" / "entry_points.txt").write_text(f"[mdhr.sinks]\n{name} = {value}\n")
        (folder / "theirs.py").write_text(code)
        monkeypatch.syspath_prepend(folder)
        monkeypatch.delitem(sys.modules, "theirs", raising=False)
        return folder

    return install


def test_what_is_built_in_cannot_be_replaced(install, tmp_path):
    install(".csv", "builtins:dict")
    assert find_sink("au.csv").__name__ == "CsvFile"


@pytest.mark.parametrize("value", ["builtins:dict", "builtins:print", "theirs:Missing", "no_such_module:Sink"])
def test_a_sink_of_others_that_is_none_is_told(install, value):
    install("their-broker", value)
    with pytest.raises(OutputError, match="their-broker") as error:
        find_sink("their-broker://host")
    assert value in error.value.why
    with pytest.raises(OutputError) as error:
        find_sink("http://host")
    assert error.value.why == "Known are mqtt, mqtts, ws, their-broker."


def test_another_distribution_adds_a_kind(install, tiny_bundle, write_video, tmp_path):
    install(".txt", "theirs:Frames", THEIRS)
    video, out = write_video("a.avi", [np.zeros((240, 240, 3), np.uint8)] * 2), tmp_path / "frames.txt"
    done = CliRunner().invoke(main, [str(tiny_bundle), str(video), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert out.read_text().splitlines() == ["a.avi", "1 False 0", "2 False 0"]
    assert f"\nframes go to {out}\nwarning: only frames\n" in done.stderr
    assert done.stderr.endswith("\nall frames\n")
