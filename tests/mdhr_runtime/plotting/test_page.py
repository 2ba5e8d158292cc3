from mdhr_runtime.plotting.page import element


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
