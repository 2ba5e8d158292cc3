"""The extras that docs/jetson.md installs exist; `test_commands` checks its commands."""

from deployment import ROOT, extras, unknown_extras


def test_extras_exist():
    named = extras((ROOT / "docs" / "jetson.md").read_text())
    assert {"cpu", "tensorrt"} <= named
    assert not unknown_extras(named)
