import re

from mdhr_runtime.plotting.page import COLOURS, document, element, section, tiles


def test_text_and_attributes_are_escaped_and_markup_is_kept():
    inner = element("b", "<script>")
    assert inner == "<b>&lt;script&gt;</b>"
    outer = element("p", inner, "a & b", 3, None, [inner], title='"quoted"', class_="x", stroke_width=1.5, id=None)
    assert outer == (
        '<p title="&quot;quoted&quot;" class="x" stroke-width="1.5">'
        "<b>&lt;script&gt;</b>a &amp; b3<b>&lt;script&gt;</b></p>"
    )


def test_elements_without_content_close_themselves():
    assert element("line", x1=0, x2=33.333) == '<line x1="0" x2="33.33"/>'


def test_a_page_has_colours_for_both_grounds_and_refers_to_nothing_outside():
    text = document("<x>", section("Heading", tiles([("1 %", "of all", "main")]), id="part"))
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert "<title>&lt;x&gt;</title>" in text
    assert '<section id="part"><h2>Heading</h2>' in text
    assert '<div class="tile main"><b>1 %</b><span>of all</span></div>' in text
    for name, (light, dark) in COLOURS.items():
        assert text.index(f"--{name}: {light};") < text.index("(prefers-color-scheme: dark)")
        assert text.index(f"--{name}: {dark};") > text.index("(prefers-color-scheme: dark)")
    assert not any(word in text for word in ("http", "url(", "@import", "<script", "<link"))


def test_every_colour_that_the_style_sheet_names_is_there():
    text = document("")
    assert set(re.findall(r"var\(--([\w-]+)\)", text)) <= COLOURS.keys()
