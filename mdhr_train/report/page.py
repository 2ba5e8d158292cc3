"""The page: what stands where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from mdhr_runtime.files import write_text
from mdhr_runtime.plotting.page import Markup, document, element, facts, section, tiles
from mdhr_runtime.targets import is_sealed, sealed

from ..training.card import statements
from ..training.run_files import CONFIG
from .curves import curves
from .insights import Figures, figures
from .runs import Trained, TrainedFolds, TrainedRun, TrainedSuite, card_source
from .series import Series, runs_of, series_of, total
from .suite import suite_page
from .tables import confusion_table, f1_table

SEAL = "<!-- report: {} -->"
"""The page's last line."""

PAPER = "https://arxiv.org/abs/2404.06443"


def write_report(source: Trained, data: Path | None, out: Path) -> str | None:
    """Write the report of a run, a cross-validation or a suite as one HTML file.

    Args:
        source: What to report.
        data: Folder of the prepared dataset, or None for the one that the run was trained on. A suite needs none.
        out: The file, which is replaced.

    Returns:
        Why the figures of the network's inside are left out, or None if the network could be run.

    Raises:
        MdhrError: The file cannot be written; or `data` was given and cannot be read.
    """
    if isinstance(source, TrainedSuite):
        text, problem = suite_page(source), None
    else:
        inside = figures(runs_of(source)[0], data)
        text, problem = page(source, inside), inside.problem
    write_text(out, sealed(text.encode(), SEAL).decode())
    return problem


def is_report(path: Path) -> bool:
    """Whether a file is an unchanged report."""
    return is_sealed(path.read_bytes(), SEAL)


def page(source: TrainedRun | TrainedFolds, inside: Figures) -> str:
    """The whole page of a run or a cross-validation.

    Args:
        source: What to report.
        inside: The figures of the network's inside.
    """
    series, runs = series_of(source), runs_of(source)
    first, aus = runs[0].summary, runs[0].summary["aus"]
    if isinstance(source, TrainedRun):
        counts, folds = [source.summary["best"]["clips"]], f"fold {first['fold']}"
    else:
        counts, folds = list(source.summary["per_fold"].values()), f"{len(source.summary['per_fold'])} folds"
    name = f"{first['dataset']} · {folds} · {first['backbone']}"
    shown = f" Fold {first['fold']}'s network." if len(runs) > 1 else ""
    means = tiles(
        ((f"{one.mean:.1f}", one.label, "main" if one.mark == "bar" else "") for one in series), class_="tiles small"
    )
    return document(
        name,
        element(
            "header",
            element("p", "MDHR training report", class_="quiet"),
            element("h1", name),
            element("p", "Mean F1 in per cent", class_="quiet"),
            means,
        ),
        section("F1 per action unit", element("p", _f1_text(source, series)), f1_table(aus, series)),
        section("Found, missed, falsely reported", element("p", CONFUSION), confusion_table(aus, total(counts, aus))),
        section("Data, choice of the epoch, limits", _statements(source)),
        section("Training", element("p", TRAINING), curves(runs)),
        section("Adaptive weights of the scales", element("p", WEIGHTS, shown), inside.weights),
        section("Edges between action units", element("p", EDGES, shown), inside.edges),
        section("The run" if len(runs) == 1 else "The runs", _details(runs)),
    )


CONFUSION = (
    "Frames of the test part, scored on clips. A bar is as long as the frames in which the action unit occurs or "
    "is reported; frames whose label is unknown count nowhere."
)
INTERVALS = (
    "A whisker is the interval in which F1 lies in 95 % of the cases when as many people are drawn anew from those of "
    "the test part, some of them twice: what hangs on who was filmed."
)
AUC = (
    "AUC, the area under the ROC curve, is how often a frame with the action unit is scored above one without: 0.5 is "
    "chance, 1 is perfect, and the threshold plays no part."
)
TRAINING = "Per epoch. A ring marks the epoch whose weights are best.pt."
WEIGHTS = (
    "How much each spatial scale of the facial dynamics counts at each place of the face; at every place the weights "
    "sum to one (the paper's figure 3). The frame is the one of its subject in which the most action units occur."
)
EDGES = (
    "An arrow m → n says that action unit n listens to m; its thickness is the weight of the attention. What is "
    "missing to one, a node keeps of itself (the paper's figure 4)."
)


def _f1_text(source: TrainedRun | TrainedFolds, series: Sequence[Series]) -> Iterator[Markup | str]:
    first = runs_of(source)[0].summary
    clips = f"on consecutive clips of {first['clip_frames']} frames, as the paper scores"
    yield (
        f"In per cent, on the test part: {clips}, and on whole videos, as the runtime does."
        if isinstance(source, TrainedRun)
        else f"In per cent, on the test parts, {clips}."
    )
    if any(row.interval for row in series[0].rows.values()):
        yield f" {INTERVALS}"
    if series[0].rows:
        yield f" {AUC}"
    if not first["data"]["recorded"]:
        yield " The faces are rendered: nothing here says how well real ones are read."
    elif any(one.mark.startswith("paper") for one in series):
        yield " The columns of "
        yield element("a", "the paper", href=PAPER)
        yield (
            f" are means over three folds of {first['dataset'].upper()} itself: other data in the same form cannot be "
            "compared with them, and a single fold only roughly."
        )


def _statements(source: TrainedRun | TrainedFolds) -> Markup:
    """What the model card says."""
    parts = (
        element("div", element("h3", title), element("ul", (element("li", each) for each in said), class_="notes"))
        for title, said in statements(card_source(source)).items()
    )
    return element("div", parts, class_="facts")


def _details(runs: Sequence[TrainedRun]) -> Markup:
    return element("div", (_detail(run, len(runs) > 1) for run in runs), class_="facts")


def _detail(run: TrainedRun, named: bool) -> Markup:
    title = element("h3", f"Fold {run.summary['fold']}") if named else None
    return element("div", title, facts(_facts(run)), _configuration(run))


def _facts(run: TrainedRun) -> Iterator[tuple[str, str]]:
    summary, data = run.summary, run.summary["data"]
    yield "Folder", str(run.folder)
    yield "Backbone", f"{summary['backbone']}; {summary['parameters'] / 1e6:.1f} M parameters in the whole network"
    if started := summary.get("init"):
        yield "Began with", f"{started['file']}, which labels {started['layout']}"
    yield "Training", f"{len(summary['epochs'])} epochs in {_duration(run)} on {summary['device']}"
    validated = sum(epoch["validation"] is not None for epoch in summary["epochs"])
    yield "best.pt", f"epoch {summary['best']['epoch']}, the best of {validated} that were validated"
    yield "Lists", f"SHA-256 {data['fingerprint'][:16]}…"
    yield "Versions", ", ".join(f"{library} {version}" for library, version in summary["versions"].items())


def _duration(run: TrainedRun) -> str:
    seconds = round(sum(epoch["seconds"] for epoch in run.summary["epochs"]))
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{seconds} s"


def _configuration(run: TrainedRun) -> Markup | None:
    path = run.folder / CONFIG
    if not path.is_file():
        return None
    text = path.read_text(encoding="utf-8", errors="replace")
    return element("details", element("summary", CONFIG), element("pre", text))
