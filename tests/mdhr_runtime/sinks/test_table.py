import sys

import pytest
from rows import AUS

from mdhr_runtime.errors import OutputError
from mdhr_runtime.sinks.base import SourceInfo
from mdhr_runtime.sinks.table import SCHEMES, SUFFIXES, open_output

SOURCES = [SourceInfo("cam", 25.0, False)]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_suffix_chooses_the_output_and_nothing_is_touched(tmp_path, suffix):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow", reason="needs the extra 'parquet'")
    output = open_output(str(tmp_path / f"au{suffix.upper()}"), AUS, SOURCES)
    assert type(output).__name__ == SUFFIXES[suffix].name
    assert not list(tmp_path.iterdir())


def test_a_dash_is_json_lines_on_the_standard_output():
    assert open_output("-", AUS, SOURCES).summary == "0 rows: standard output"


@pytest.mark.parametrize("target", ["au.xlsx", "au", "", "http://host/rows", "wss://host:1/rows"])
def test_unknown_kinds_are_refused(target):
    with pytest.raises(OutputError, match="no output for this kind") as error:
        open_output(target, AUS, SOURCES)
    assert any(known in error.value.why for known in (*SUFFIXES, *SCHEMES))


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
    with pytest.raises(OutputError, match="not usable") as error:
        open_output(target, AUS, SOURCES)
    assert f"'mdhr-edge[{name}]'" in error.value.fix
