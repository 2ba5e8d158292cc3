import re

from mdhr_train.metrics import ScoreRow
from mdhr_train.report.series import Series
from mdhr_train.report.tables import confusion_table, f1_table


def test_every_au_has_its_numbers_and_a_bar_as_long_as_its_f1():
    series = (
        Series("ours", "bar", 50.0, {"AU01": 40.0, "AU02": 60.0}),
        Series("paper", "paper", 55.0, {"AU01": 58.3, "AU02": 51.7}),
    )
    text = f1_table(("AU01", "AU02"), series)
    rows = re.findall(r"<tr.*?</tr>", text)
    assert [re.findall(r">([\d.]+)</td>", row) for row in rows[1:]] == [
        ["40.0", "58.3"],
        ["60.0", "51.7"],
        ["50.0", "55.0"],
    ]
    assert [re.search(r'width="([\d.]+%)" height="10"', row)[1] for row in rows[1:]] == ["40.00%", "60.00%", "50.00%"]
    assert "Inner brow raiser" in rows[1]


def test_the_main_scores_have_their_interval_and_auc():
    known = {
        "AU01": ScoreRow("AU01", 0.4, [0.3, 0.55], 0.8125),
        "AU02": ScoreRow("AU02", 0.6),
        "mean": ScoreRow("mean", 0.5, [0.45, 0.6], 0.7),
    }
    series = (
        Series("ours", "bar", 50.0, {"AU01": 40.0, "AU02": 60.0}, known),
        Series("paper", "paper", 55.0, {"AU01": 58.3, "AU02": 51.7}),
    )
    head, *rows = re.findall(r"<tr.*?</tr>", f1_table(("AU01", "AU02"), series))
    assert re.findall(r">([^>]+)</th>", head)[-4:] == ["ours", "95 % interval", "AUC", "paper"]
    assert [re.findall(r">([\d.–]+)</td>", row) for row in rows] == [
        ["40.0", "30.0–55.0", "0.812", "58.3"],
        ["60.0", "–", "–", "51.7"],
        ["50.0", "45.0–60.0", "0.700", "55.0"],
    ]
    assert [row.count('class="whisker"') for row in rows] == [1, 0, 1]
    assert 'x1="30.00%" x2="55.00%"' in rows[0]


def test_confusion_gives_precision_recall_and_a_dash_where_there_is_nothing_to_share():
    counts = {
        "true_positives": {"AU01": 30, "AU02": 0},
        "false_positives": {"AU01": 10, "AU02": 0},
        "false_negatives": {"AU01": 20, "AU02": 0},
        "true_negatives": {"AU01": 40, "AU02": 1100},
    }
    rows = re.findall(r"<tr.*?</tr>", confusion_table(("AU01", "AU02"), counts))[1:]
    cells = [re.findall(r'<td class="number">(.*?)</td>', row) for row in rows]
    assert cells[0] == ["50.0 %", "30", "20", "10", "40", "75.0 %", "60.0 %"]
    assert cells[1] == ["0.0 %", "0", "0", "0", "1,100", "–", "–"]
    assert re.findall(r'width="([\d.]+)%"', rows[0]) == ["50.00", "33.33", "16.67"]
