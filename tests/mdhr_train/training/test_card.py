"""What a model card says, by its facts."""

import hashlib
import json
import re

import pytest
import yaml
from runs import AUS, write_crossval

from mdhr_train.report.runs import card_source, read
from mdhr_train.training.card import is_card, names_checkpoint, renew_card, statements, write_card


def change(run, change):
    """Change what a run's summary says."""
    path = run / "summary.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def card_of(folder):
    write_card(folder / "card.md", card_source(read(folder)))
    return (folder / "card.md").read_text()


def said(folder):
    """All sentences."""
    return " ".join(sentence for part in statements(card_source(read(folder))).values() for sentence in part)


def test_the_head_is_what_hubs_read(run):
    head = yaml.safe_load(re.match(r"---\n(.*?)---\n", card_of(run), re.S)[1])
    best = json.loads((run / "summary.json").read_text())["best"]["clips"]
    assert head["datasets"] == ["bp4d"]
    assert head["metrics"] == ["f1", "roc_auc"]
    assert "license" not in head
    (model,) = head["model-index"]
    (result,) = model["results"]
    assert result["task"]["type"] == head["pipeline_tag"] == "video-classification"
    assert result["dataset"] == {"type": "bp4d", "name": "bp4d", "split": "test part of fold 1"}
    assert [metric["value"] for metric in result["metrics"]] == [
        round(best["mean_f1"], 4),
        round(best["mean_auc"], 4),
    ]


def test_the_table_has_prevalence_and_both_protocols_with_intervals(run):
    best = json.loads((run / "summary.json").read_text())["best"]
    rows = [line.strip("| ").split(" | ") for line in card_of(run).splitlines() if line.startswith("| AU")][1:]
    assert [row[0] for row in rows] == list(AUS)
    assert rows[1][1:3] == ["Outer brow raiser", "1.0%"]
    for column, part, score in ((3, "clips", "f1"), (4, "clips", "auc"), (5, "stream", "f1"), (6, "stream", "auc")):
        low, high = best[part]["intervals"][score]["AU02"]
        assert rows[1][column] == f"{best[part][score]['AU02']:.3f} ({low:.3f}–{high:.3f})"


def test_it_names_data_labels_and_limits(run):
    text = said(run)
    assert "Whose labels they are: coded by hand." in text
    assert "another tool" not in text
    assert "test part, of other people: subjects: 5, recordings: 1, frames: 20" in text
    assert "epoch 12 of 12, the best of 6" in text
    assert "chosen on the test part itself" in text
    assert "Never seen in training: AU24." in text
    assert "In less than 2% of the training's frames: AU02." in text
    assert "People tested: 5." in text
    assert "Not tested across skin tones" in text
    assert "rendered" not in text


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"origin": "scores of OpenFace", "soft": True}, ["scores of OpenFace.", "soft", "labels of another tool"]),
        ({"origin": "coded by hand; occurrences of LibreFace"}, ["occurrences of LibreFace.", "another tool"]),
        ({"origin": ""}, ["Whose labels they are: unknown.", "another tool"]),
        ({"origin": "two\nlines"}, ["Whose labels they are: two lines."]),
        (
            {"recorded": False, "origin": "what was drawn"},
            ["labels they are: what was drawn.", "nothing here says how well real ones are read"],
        ),
        ({"test_subjects": 10}, ["test part, of other people: subjects: 10,"]),
    ],
)
def test_where_labels_come_from_is_said_plainly(run, facts, words):
    change(run, lambda summary: summary["data"].update(facts))
    text = said(run)
    assert all(word in text for word in words)
    assert ("People tested" in text) == (facts.get("test_subjects") != 10)


def test_an_au_that_is_not_tested_is_named(run):
    def never(summary):
        summary["best"]["clips"]["auc"]["AU15"] = None

    change(run, never)
    assert "Always or never there in the test part: AU15." in said(run)
    assert "| – |" in card_of(run)


def test_settings_are_those_of_the_run(run):
    assert "in use: unknown" in said(run)
    settings = {"pretrained": True, "data": {"test_view": "resize", "context": True}}
    (run / "config.yaml").write_text(yaml.safe_dump(settings))
    change(run, lambda summary: summary.update(validated_on="subjects"))
    text = said(run)
    assert "starts from ImageNet weights" in text
    assert "all of it, made smaller" in text
    assert "trained as it runs in a stream" in text
    assert "the test part was seen once" in text


def test_what_a_run_began_with_is_said(run):
    began = {"file": "a.pt", "layout": "BP4D", "parts": {}, "unused": []}
    before = [{"dataset": "bp4d", "fold": 2, "fingerprint": ""}, {"dataset": "mine", "fold": 1, "fingerprint": ""}]
    change(run, lambda summary: summary.update(init=began | {"trained_on": before}))
    assert "starts from another checkpoint, of BP4D, trained on: bp4d, fold 2; mine, fold 1." in said(run)
    change(run, lambda summary: summary.update(init=began | {"trained_on": []}))
    assert "trained on: unknown." in said(run)


def test_what_an_older_run_does_not_say_is_unknown(run):
    def older(summary):
        for name in ("train_subjects", "test_subjects", "origin", "soft", "prevalence"):
            del summary["data"][name]
        for part in (summary["best"]["clips"], summary["best"]["stream"]):
            for name in ("mean_auc", "auc", "intervals", "subjects"):
                del part[name]

    change(run, older)
    (run / "config.yaml").unlink()
    text = card_of(run)
    assert text.count("unknown") >= 12 + 5
    assert "There are no intervals" in text
    assert "Never seen" not in text


def test_a_name_that_hubs_refuse_is_left_out(run):
    change(run, lambda summary: summary.update(dataset="my videos"))
    head = yaml.safe_load(re.match(r"---\n(.*?)---\n", card_of(run), re.S)[1])
    assert "datasets" not in head
    assert head["model-index"][0]["name"] == "mdhr-my-videos-resnet10t"


def test_a_cross_validation_has_a_card_of_all_folds(data, tmp_path):
    folder = write_crossval(tmp_path / "crossval", data)
    text = card_of(folder)
    assert "On the test parts of folds 1, 2, 3, means over folds, F1" in text
    assert "People tested" not in text  # five in each fold
    for fold in (1, 2, 3):
        assert names_checkpoint(folder / "card.md", sha256(folder / f"fold{fold}" / "best.pt"))
    assert "mdhr-export --ckpt fold1/best.pt" in text


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_card_names_its_checkpoint_and_knows_whether_it_was_edited(run, capsys):
    text = card_of(run)
    card = run / "card.md"
    assert is_card(card)
    assert names_checkpoint(card, sha256(run / "best.pt"))
    assert not names_checkpoint(card, "0f" * 32)
    card.write_text(text.replace("# mdhr", "# My"))
    assert not is_card(card)
    assert names_checkpoint(card, sha256(run / "best.pt"))
    renew_card(run, read(run).summary)
    assert "was edited and stays as it is" in capsys.readouterr().err
    assert "# My" in card.read_text()
    card.unlink()
    renew_card(run, read(run).summary)
    assert card.read_text() == text


def test_no_path_of_this_machine_and_no_subject_is_in_a_card(run, data):
    text = card_of(run)
    assert str(data) not in text
    assert str(run) not in text
    assert "F001" not in text
