import re
import sys

import pytest

from mdhr_runtime.errors import OutputError
from mdhr_runtime.plotting.page import COLOURS
from mdhr_runtime.plotting.style import COLOUR, axes_of, plot, styled

pytest.importorskip("matplotlib", reason="needs the extra 'plot'")


def drawn(title="Title", description="Description", caption=None):
    with styled():
        axes = axes_of(200)
        axes.plot([1, 2, 4], [3, 1, 2], "-o", color=COLOUR["ours"])
        axes.set_xlabel("time (ms)")
        return plot(axes, title, description, caption)


def test_a_plot_has_the_pages_colours_and_font_and_its_text_stays_text():
    text = drawn()
    assert "stroke: var(--ours)" in text
    assert not any(colour in text for pair in COLOURS.values() for colour in pair)
    assert "font-family" not in text
    assert ">time (ms)</text>" in text
    assert 'viewBox="0 0 420 200"' in text


def test_nothing_of_a_plot_meets_the_rest_of_the_page():
    text = drawn()
    assert "<style" not in text
    assert "clip-path" not in text
    marks = set(re.findall(r' id="([^"]+)"', text))
    assert marks == set(re.findall(r' href="#([^"]+)"', text))
    assert len(marks) == 1


def test_a_plot_is_said_in_words_which_are_escaped():
    text = drawn("<b>", "a & b", "caption")
    assert "<h3>&lt;b&gt;</h3>" in text
    assert "<title>&lt;b&gt;</title><desc>a &amp; b</desc>" in text
    assert 'aria-label="&lt;b&gt; a &amp; b"' in text
    assert text.endswith("<figcaption>caption</figcaption></figure>")


def test_the_same_plot_is_the_same_text():
    assert drawn() == drawn()


def test_the_look_ends_with_its_block():
    from matplotlib import rcParams

    before = dict(rcParams)
    with styled(axes_grid=False):
        assert rcParams["svg.fonttype"] == "none"
        assert rcParams["axes.grid"] is False
    assert dict(rcParams) == before


def test_without_matplotlib_its_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(OutputError) as refused, styled():
        pass
    assert "mdhr-edge[plot]" in refused.value.fix
