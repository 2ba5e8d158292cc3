import functools
import os
import re
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser

import bench_result
import pytest

from mdhr_bench.report.overview import report_of
from mdhr_bench.report.page import page
from mdhr_bench.results import Result
from mdhr_runtime.plotting.page import VOID

HOSTILE = '<script>alert("1")</script>\' onload=x & <b>'


class Reader(HTMLParser):
    """Notes elements that are not closed in order, and what the plots say."""

    def __init__(self, text):
        super().__init__()
        self.open, self.faults, self.names, self.plots, self.attributes = [], [], [], [], []
        self.marks = set()
        self.feed(text)
        self.close()

    def handle_starttag(self, name, attributes):
        self.names.append(name)
        self.attributes += attributes
        if name == "svg":
            self.plots.append(dict(attributes) | {"title": "", "desc": ""})
        if name not in VOID:
            self.open.append(name)

    def handle_startendtag(self, name, attributes):
        self.names.append(name)
        self.attributes += attributes
        self.marks |= {f"#{value}" for key, value in attributes if name == "path" and key == "id"}

    def handle_endtag(self, name):
        if not self.open or self.open.pop() != name:
            self.faults.append(name)

    def handle_data(self, text):
        if self.open[-2:-1] == ["svg"] and self.open[-1] in ("title", "desc"):
            self.plots[-1][self.open[-1]] += text


RESULTS = {
    "complete": bench_result.complete(),
    "unsteady": bench_result.complete(steady=False),
    "partial": bench_result.partial(),
    "hostile": bench_result.complete(name=HOSTILE),
    "empty": Result({}, {}, {}, "2025-05-06T07:08:09Z"),
}


@functools.cache
def drawn(kind):
    return page(RESULTS[kind])


@pytest.mark.slow
@pytest.mark.parametrize("kind", RESULTS)
def test_the_page_is_well_formed_and_refers_to_nothing_outside_itself(kind):
    text = drawn(kind)
    reader = Reader(text)
    assert (reader.open, reader.faults) == ([], [])
    assert set(reader.names).isdisjoint({"script", "link", "iframe", "object", "img", "base"})
    assert {name for name, _ in reader.attributes}.isdisjoint({"src", "srcset", "data", "onload", "onclick"})
    links = [value for name, value in reader.attributes if name == "href" and not value.startswith("#")]
    assert text.count("http") == 2 * len(links)  # each is also what the link reads
    assert {value for name, value in reader.attributes if name == "href"} - set(links) <= reader.marks
    assert set(links) <= {"https://example.org/a_b/orin/"}
    assert "url(" not in text
    assert "data:" not in text
    assert "@import" not in text


def test_every_plot_has_a_text_alternative():
    plots = Reader(drawn("complete")).plots
    assert len(plots) == 7  # two of the latency, three curves, the stages and the roofline
    for plot in plots:
        assert plot["role"] == "img"
        assert plot["title"]
        assert plot["desc"]
        assert plot["aria-label"] == f"{plot['title']} {plot['desc']}"


def test_titles_of_plots_say_what_was_found():
    titles = [plot["title"] for plot in Reader(drawn("complete")).plots]
    assert titles == [
        "Half of the calls of step take at most 13.0 ms, 1 in 100 over 14.6 ms.",
        "Per frame, 2 of 4 baselines have a higher median than step.",
        "encoder: 8 at once give 1.73 × the frames/s of 1.",
        "streams: 4 at once give 1.50 × the frames/s of 1.",
        "clip: more than 1 at once gains little (80.0 frames/s).",
        "faces.mp4: encoding is busy for 82.0 % of the 6.31 s.",
        "step reaches 9.22 % of what the roof allows at its 83.1 FLOP/B.",
    ]


def test_plots_of_an_unsteady_step_name_no_number_either():
    said = [plot["aria-label"] for plot in Reader(drawn("unsteady")).plots]
    step = RESULTS["unsteady"].timing("step").summary
    assert said[0].startswith("Calls of step spread too widely for one number: ")
    assert said[-1].startswith("step reaches ")
    assert "(spread too wide)" in said[-1]
    assert not any(f"{value:.3g} ms" in each for each in said for value in (step.p50, step.p99, step.largest))


def test_the_page_holds_every_cell_of_the_report():
    for kind in ("complete", "unsteady"):
        cells = re.sub("</b>(?=<small>)|</?small>", "", drawn(kind))
        text = unescape(re.sub(r"<[^>]+>", "\n", cells))
        for table in report_of(RESULTS[kind]).tables:
            assert all(f"\n{cell}\n" in text for row in table.rows for cell in row if cell), table.id


def test_addresses_of_sources_are_links():
    assert '<a href="https://example.org/a_b/orin/">https://example.org/a_b/orin/</a>.</li>' in drawn("complete")


def test_a_hostile_name_stays_text():
    text = drawn("hostile")
    assert "<script" not in text
    assert "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#x27; onload=x &amp; &lt;b&gt;" in text


def test_an_interrupted_run_is_said_before_anything_else():
    body = drawn("partial").split("<body>")[1]
    text = re.sub(r"<[^>]+>", "\n", body).split("\n")
    assert next(line for line in text if line).startswith("This run was interrupted before its end. Missing: ")


def test_coordinates_of_plots_stay_inside_them():
    text = drawn("complete") + drawn("unsteady")
    plots = re.findall(r'viewBox="0 0 (\d+) (\d+)"[^>]*>(.*?)</svg>', text, re.DOTALL)
    assert len(plots) == 14
    for width, height, content in plots:
        without_markers = re.sub(r"<defs>.*?</defs>", "", content)
        pairs = re.findall(r"[ML] (-?[\d.]+) (-?[\d.]+)", without_markers)
        pairs += re.findall(r' x="(-?[\d.]+)" y="(-?[\d.]+)"', content)
        assert len(pairs) > 20
        for x, y in pairs:
            assert -1 <= float(x) <= float(width) + 1, x
            assert -1 <= float(y) <= float(height) + 1, y


def test_the_report_needs_no_training_library():
    script = """
import sys
sys.modules.update(dict.fromkeys(("torch", "timm", "onnx", "onnxruntime", "skimage", "yaml", "mdhr_train")))
import mdhr_bench.report.page, mdhr_bench.report.text
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=dict(os.environ))
    assert result.returncode == 0, result.stderr
