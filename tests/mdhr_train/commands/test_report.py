import html
import json
import re
import shutil
from html.parser import HTMLParser

import pytest
from click.testing import CliRunner
from runs import write_crossval, write_run, write_suite

from mdhr_train.cli import main
from mdhr_train.model.variants import rows
from mdhr_train.report.series import PAPER


@pytest.fixture(scope="module")
def run_folder(data, tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("runs") / "run", data)


@pytest.fixture
def own_run(data, tmp_path):
    """A run that a test may damage."""
    return write_run(tmp_path / "run", data)


def report(*arguments):
    result = CliRunner().invoke(main, ["report", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def pictures(page):
    return len(re.findall("data:image/jpeg", page))


class Outside(HTMLParser):
    """What a browser would fetch or run."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        addresses = {value for name, value in attributes if name in ("src", "href") and tag != "a"}
        self.found += [address for address in addresses if not address.startswith(("data:", "#"))]
        self.found += [tag] * (tag in ("script", "link", "iframe"))


def test_a_run_becomes_one_file_with_all_figures_and_nothing_from_outside(run_folder):
    result = report(run_folder)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    page = (run_folder / "report.html").read_text()
    assert pictures(page) == 6  # one face, its four maps, and the face with the graph
    assert "epoch 12, the best of 6 that were validated" in page
    assert "Whose labels they are: coded by hand." in page
    assert "Not tested across skin tones" in page
    assert all(f"{value:.1f}</td>" in page for column in PAPER["bp4d"] for value in column.f1.values())
    outside = Outside()
    outside.feed(page)
    assert outside.found == []


def old(folder):
    """Take from a run's summary what there was not yet in older ones."""
    path = folder / "summary.json"
    content = json.loads(path.read_text())
    for part in (content["best"]["clips"], content["best"]["stream"]):
        for name in ("mean_auc", "auc", "intervals", "subjects"):
            del part[name]
    path.write_text(json.dumps(content))
    return folder


def test_whiskers_and_auc_are_shown_where_the_run_has_them(run_folder, own_run):
    page = (run_folder / "report.html").read_text() if report(run_folder).exit_code == 0 else ""
    assert page.count('class="whisker"') == 12 + 1
    assert "A whisker is the interval" in page
    assert report(old(own_run)).exit_code == 0
    page = (own_run / "report.html").read_text()
    assert "whisker is" not in page
    assert 'class="whisker"' not in page
    assert ">AUC</th>" not in page


@pytest.mark.slow
def test_a_cross_validation_becomes_one_file_with_a_column_per_fold(data, tmp_path):
    folder = write_crossval(tmp_path / "crossval", data)
    out = tmp_path / "table.html"
    assert report(folder, "--out", out).exit_code == 0
    page = out.read_text()
    assert [f"fold {fold}</th>" in page for fold in (1, 2, 3, 4)] == [True, True, True, False]
    assert pictures(page) == 6


@pytest.fixture(scope="module")
def suite_folder(data, tmp_path_factory):
    return write_suite(tmp_path_factory.mktemp("suites") / "table4", data)


@pytest.mark.slow
def test_a_suite_becomes_one_file_with_a_row_per_network_beside_the_papers(suite_folder, data):
    result = report(suite_folder)
    assert result.exit_code == 0, result.output
    page = (suite_folder / "report.html").read_text()
    lines = {row.label: re.search(rf">{re.escape(row.label)}</th>(.*?)</tr>", page)[1] for row in rows("table4")}
    for row in rows("table4"):
        paper = "–" if row.paper is None else f"{row.paper:.1f}"
        assert re.findall(r">([\d.–]+)</td>", lines[row.label]) == ["50.0", "25.0", paper]
    assert "is inferred, as the table's marks were not legible: scale 1, scale 4." in html.unescape(page)
    assert page.count("no longer there") == len(rows("table4")) - 2
    assert page.count('<th scope="col">AU24</th>') == 1
    assert report(suite_folder, "--data", data).exit_code == 2


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["none is there", "other action units", "no fold"])
def test_a_suite_whose_networks_cannot_be_shown_is_an_error(data, tmp_path, damage):
    folder = write_suite(tmp_path / "suite", data, "table5")
    first, second = sorted(path for path in folder.iterdir() if path.is_dir())
    if damage == "none is there":
        shutil.rmtree(first)
        shutil.rmtree(second)
    elif damage == "no fold":
        shutil.rmtree(first / "fold1")
        shutil.rmtree(first / "fold2")
        shutil.rmtree(first / "fold3")
    else:
        summary = json.loads((second / "summary.json").read_text())
        del summary["f1"]["AU24"]
        (second / "summary.json").write_text(json.dumps(summary))
    result = report(folder)
    assert result.exit_code == 1
    assert "cannot be read" in result.stderr if damage == "other action units" else "holds no runs" in result.stderr
    assert not (folder / "report.html").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variant", "sentence", "count"),
    [
        ({"fusion": "sum"}, "without adaptive weights", 1),
        ({"relations": "none"}, "no edges between action units", 5),
    ],
)
def test_a_variant_without_a_figure_says_so(data, tmp_path, variant, sentence, count):
    folder = write_run(tmp_path / "run", data, **variant)
    assert report(folder).exit_code == 0
    page = (folder / "report.html").read_text()
    assert sentence in page
    assert pictures(page) == count


def test_text_from_files_is_escaped(own_run):
    with (own_run / "config.yaml").open("a") as file:
        file.write("name: <script>alert(1)</script>\n")
    assert report(own_run).exit_code == 0
    assert "<script>" not in (own_run / "report.html").read_text()


def no_images(folder):
    (folder / "config.yaml").write_text("data: {root: /gone}\n")


def no_configuration(folder):
    (folder / "config.yaml").unlink()


def no_checkpoint(folder):
    (folder / "best.pt").unlink()


def damaged_checkpoint(folder):
    (folder / "best.pt").write_bytes((folder / "best.pt").read_bytes()[:5000])


def unknown_dataset(folder):
    path = folder / "summary.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "dataset": "third"}))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (no_images, "/gone"),
        (no_configuration, "Where the run's dataset lies is not known"),
        (no_checkpoint, "There is no checkpoint"),
        (damaged_checkpoint, "cannot be read as a checkpoint"),
        (unknown_dataset, "There is no dataset 'third'"),
    ],
)
def test_without_images_or_network_the_rest_is_reported_and_the_lack_is_said(own_run, damage, words):
    damage(own_run)
    result = report(own_run)
    assert result.exit_code == 0, result.output
    assert words in result.stderr
    page = (own_run / "report.html").read_text()
    assert page.count("Left out.") == 2
    assert pictures(page) == 0
    assert "Inner brow raiser" in page


def test_data_that_lie_elsewhere_can_be_named(own_run, data):
    no_images(own_run)
    assert report(own_run, "--data", data).exit_code == 0
    assert pictures((own_run / "report.html").read_text()) == 6


def test_named_data_that_cannot_be_read_are_an_error(own_run, tmp_path):
    result = report(own_run, "--data", tmp_path / "nowhere")
    assert result.exit_code == 1
    assert "nowhere" in result.stderr
    assert not (own_run / "report.html").exists()


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("missing/report.html", "There is no folder"),
        (".", "It is a folder"),
        ("/proc/report.html", "cannot be written"),
    ],
)
def test_an_output_that_cannot_be_written_is_an_error(run_folder, out, words):
    result = report(run_folder, "--out", out)
    assert result.exit_code == 1
    assert words in result.stderr


def test_a_folder_that_is_no_run_is_an_error(tmp_path):
    result = report(tmp_path)
    assert result.exit_code == 1
    assert "is not a finished run" in result.stderr


def test_rendered_faces_are_not_held_against_the_paper(own_run):
    path = own_run / "summary.json"
    summary = json.loads(path.read_text())
    summary["data"]["recorded"] = False
    path.write_text(json.dumps(summary | {"clip_frames": 6}))
    assert report(own_run).exit_code == 0
    page = (own_run / "report.html").read_text()
    assert "paper, ResNet-50" not in page
    assert "The faces are rendered" in page
    assert "clips of 6" in page


def test_only_an_older_report_is_replaced_and_no_file_of_the_run_ever(own_run):
    page = own_run / "report.html"
    page.write_text("<p>my own page</p>")
    assert "is not overwritten" in report(own_run).stderr
    assert page.read_text() == "<p>my own page</p>"
    assert report(own_run, "--overwrite").exit_code == 0
    assert report(own_run).exit_code == 0
    page.write_text(page.read_text().replace("MDHR training report", "My report"))
    assert "is not overwritten" in report(own_run).stderr
    checkpoint = (own_run / "best.pt").read_bytes()
    assert "stays as it is" in report(own_run, "--out", own_run / "best.pt", "--overwrite").stderr
    assert (own_run / "best.pt").read_bytes() == checkpoint
