"""The page of a suite: the networks of an ablation side by side, beside the paper's."""

from __future__ import annotations

from collections.abc import Iterator

from mdhr_runtime.plotting.page import document, element, facts, section

from ..model.variants import inferred_note
from ..training.run_files import RunSummary
from .runs import TrainedSuite
from .series import Series
from .tables import au_table, network_table

PAPER_DATASET = "bp4d"
"""The paper's ablations are of ResNet-50 on it."""


def suite_page(source: TrainedSuite) -> str:
    """The whole page."""
    summary = source.summary
    first = next(iter(source.networks.values()))
    run = first.runs[0].summary
    name = f"{summary['dataset']} · {summary['suite']} · {run['backbone']}"
    labels = [row["label"] for row in summary["rows"]]
    return document(
        name,
        element("header", element("p", "MDHR training report", class_="quiet"), element("h1", name)),
        section(
            "Mean F1 per network",
            element("p", _text(source, run)),
            network_table(labels, tuple(_series(source, run["data"]["recorded"]))),
        ),
        section(
            "F1 per action unit",
            element("p", "In per cent, mean over the folds, on clips."),
            au_table(
                run["aus"],
                {
                    label: {au: 100 * value for au, value in network.summary["f1"].items()}
                    for label, network in source.networks.items()
                },
            ),
        ),
        section(
            "The networks",
            element("p", element("code", "mdhr-train report FOLDER"), " shows each with its curves and settings."),
            element("div", facts(_facts(source)), class_="facts"),
        ),
    )


def _text(source: TrainedSuite, run: RunSummary) -> str:
    frames = run["clip_frames"]
    text = f"In per cent, mean over the folds: on consecutive clips of {frames} frames, and on whole recordings."
    if not run["data"]["recorded"]:
        return f"{text} The faces are rendered: nothing here says how well real ones are read."
    note = inferred_note(source.summary["suite"])
    return f"{text} {note}" if note and source.summary["dataset"] == PAPER_DATASET else text


def _series(source: TrainedSuite, recorded: bool) -> Iterator[Series]:
    rows = source.summary["rows"]
    columns: dict[tuple[str, str], dict[str, float]] = {
        ("clips", "bar"): {row["label"]: 100 * row["mean_f1"] for row in rows},
        ("whole recordings", "ring"): {row["label"]: 100 * row["stream_mean_f1"] for row in rows},
    }
    if recorded and source.summary["dataset"] == PAPER_DATASET:
        columns["paper, ResNet-50", "paper"] = {row["label"]: row["paper"] for row in rows if row["paper"] is not None}
    for (label, mark), f1 in columns.items():
        if f1:
            yield Series(label, mark, sum(f1.values()) / len(f1), f1)


def _facts(source: TrainedSuite) -> Iterator[tuple[str, str]]:
    for row in source.summary["rows"]:
        gone = "" if row["label"] in source.networks else " (no longer there)"
        yield row["label"], f"{source.folder / row['folder']}{gone}"
