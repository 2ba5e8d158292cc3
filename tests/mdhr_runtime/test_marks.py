import pytest

from mdhr_runtime.marks import is_marked, marked

PAGE = "<!DOCTYPE html>\n<p>größer <!-- than --> 1</p>\n"


def test_an_unchanged_text_is_recognised(tmp_path):
    path = tmp_path / "a.html"
    path.write_text(marked(PAGE, "a report"), encoding="utf-8")
    assert path.read_text(encoding="utf-8").startswith(PAGE)
    assert is_marked(path, "a report")
    assert not is_marked(path, "another report")


@pytest.mark.parametrize(
    "text",
    [
        PAGE,
        "",
        marked(PAGE, "a report") + "my note\n",
        marked(PAGE, "a report").replace("1", "2", 1),
        "<!-- a report -->",
    ],
)
def test_all_else_is_not(tmp_path, text):
    (tmp_path / "a.html").write_text(text, encoding="utf-8")
    assert not is_marked(tmp_path / "a.html", "a report")


def test_what_is_no_text_is_not(tmp_path):
    (tmp_path / "a.html").write_bytes(b"\x89PNG\r\n\xff\xfe")
    assert not is_marked(tmp_path / "a.html", "a report")
