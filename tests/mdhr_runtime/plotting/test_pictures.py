import cv2
import pytest

from mdhr_runtime.errors import OutputError
from mdhr_runtime.plotting.pictures import is_ours, save_picture

pytest.importorskip("matplotlib", reason="needs the extra 'plot'")


def figure(value):
    from matplotlib.figure import Figure

    made = Figure((2, 1))
    made.subplots().plot([0, value])
    return made


@pytest.fixture(params=[".png", ".svg"])
def picture(request, tmp_path):
    path = tmp_path / f"chart{request.param}"
    save_picture(figure(1), path)
    return path


def test_an_older_picture_is_replaced(picture):
    before = picture.read_bytes()
    save_picture(figure(2), picture)
    assert picture.read_bytes() != before
    assert is_ours(picture)
    assert list(picture.parent.iterdir()) == [picture]
    if picture.suffix == ".png":
        assert cv2.imread(str(picture)).shape == (130, 260, 3)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:-1],
        lambda data: data + b"\n",
        lambda data: data[: len(data) // 2] + b"!" + data[len(data) // 2 + 1 :],
        lambda data: data.replace(b"mdhr-plot", b"mdhr-plop"),
        lambda data: data[:8],
        lambda data: b"\x89PNG\r\n\x1a\n my photo \0\0\0\0IEND\xaeB`\x82",
        lambda data: b"<svg></svg>\n",
        lambda data: b"x",
    ],
)
def test_a_changed_or_other_picture_is_not_overwritten(picture, change):
    changed = change(picture.read_bytes())
    picture.write_bytes(changed)
    with pytest.raises(OutputError, match="not overwritten"):
        save_picture(figure(2), picture)
    assert picture.read_bytes() == changed
    save_picture(figure(2), picture, overwrite=True)
    assert is_ours(picture)


def test_a_picture_that_opencv_saved_again_is_another(picture):
    if picture.suffix == ".png":
        cv2.imwrite(str(picture), cv2.imread(str(picture)))
        assert not is_ours(picture)


def test_what_it_is_made_from_is_never_written(picture):
    with pytest.raises(OutputError, match="made from"):
        save_picture(figure(2), picture, inputs=[picture], overwrite=True)
