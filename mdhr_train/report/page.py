"""The page: what stands where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from mdhr_runtime.errors import OutputError
from mdhr_runtime.files import staged

from .curves import curves
from .markup import Markup, element
from .network import CONFIG, Figures, figures
from .runs import CrossValidation, Run
from .series import Series, runs_of, series_of, total
from .tables import confusion_table, f1_table

PAPER = "https://arxiv.org/abs/2404.06443"


def write_report(source: Run | CrossValidation, data: Path | None, out: Path) -> str | None:
    """Write the report of a run or a cross-validation as one HTML file.

    Args:
        source: What to report.
        data: Folder of the prepared dataset, or None for the one that the run was trained on.
        out: The file, which is replaced.

    Returns:
        Why the figures of the network's inside are left out, or None if the network could be run.

    Raises:
        MdhrError: The file cannot be written; or `data` was given and cannot be read.
    """
    run = runs_of(source)[0]
    inside = figures(run, data)
    try:
        with staged(out) as stage:
            stage.write_text(page(source, inside), encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"{out} cannot be written.",
            error.strerror or str(error),
            "Choose a file in an existing folder that you may write to and that has space.",
        ) from error
    return inside.problem


def page(source: Run | CrossValidation, inside: Figures) -> str:
    """The whole page.

    Args:
        source: What to report.
        inside: The figures of the network's inside.
    """
    series, runs = series_of(source), runs_of(source)
    run = runs[0]
    counts = list(source.per_fold.values()) if isinstance(source, CrossValidation) else [source.clips]
    name = f"{run.dataset} · {_folds(source)} · {run.backbone}"
    shown = f" Fold {run.fold}'s network." if len(runs) > 1 else ""
    body = (
        element("header", element("p", "MDHR training report", class_="quiet"), element("h1", name), _tiles(source)),
        _section("F1 per action unit", _f1_text(source, series), f1_table(run.aus, series)),
        _section("Found, missed, falsely reported", CONFUSION, confusion_table(run.aus, total(counts, run.aus))),
        _section("Training", TRAINING, curves(runs)),
        _section("Adaptive weights of the scales", WEIGHTS + shown, inside.weights),
        _section("Edges between action units", EDGES + shown, inside.edges),
        _section("The run" if len(runs) == 1 else "The runs", None, _details(runs)),
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", name),
        element("style", Markup(files(__package__).joinpath("page.css").read_text(encoding="utf-8"))),
    )
    return f"<!DOCTYPE html>\n{element('html', head, element('body', element('main', body)), lang='en')}\n"


CONFUSION = (
    "Frames of the test part, scored on clips. A bar is as long as the frames in which the action unit occurs or "
    "is reported; frames whose label is unknown count nowhere."
)
TRAINING = "Per epoch. A dot marks the epoch whose weights are best.pt."
WEIGHTS = (
    "How much each spatial scale of the facial dynamics counts at each place of the face; at every place the weights "
    "sum to one (the paper's figure 3). The frame is the one of its subject in which the most action units occur."
)
EDGES = (
    "An arrow m → n says that action unit n listens to m; its thickness is the weight of the attention. What is "
    "missing to one, a node keeps of itself (the paper's figure 4)."
)


def _section(title: str, text: Markup | str | None, content: Markup | Sequence[Markup]) -> Markup:
    return element("section", element("h2", title), element("p", text) if text else None, content)


def _f1_text(source: Run | CrossValidation, series: Sequence[Series]) -> Markup:
    clip = runs_of(source)[0].clip_frames
    ours = (
        f"In per cent, on the test part: on consecutive clips of {clip} frames, as the paper scores, and on whole "
        "videos, as the runtime does."
        if isinstance(source, Run)
        else f"In per cent, on the test parts, on consecutive clips of {clip} frames, as the paper scores."
    )
    if not runs_of(source)[0].data["recorded"]:
        return Markup(f"{element('span', ours)} The faces are rendered: nothing here says how well real ones are read.")
    if not any(one.mark.startswith("paper") for one in series):
        return Markup(element("span", ours))
    link = element("a", "the paper", href=PAPER)
    name = source.dataset.upper()
    return Markup(
        f"{element('span', ours)} The columns of {link} are means over three folds of {element('span', name)} itself: "
        "other data in the same form cannot be compared with them, and a single fold only roughly."
    )


def _folds(source: Run | CrossValidation) -> str:
    return f"fold {source.fold}" if isinstance(source, Run) else f"{len(source.per_fold)} folds"


def _tiles(source: Run | CrossValidation) -> Markup:
    tiles = (_tile(one.label, f"{one.mean:.1f}", one.mark) for one in series_of(source))
    return element("div", element("p", "Mean F1 in per cent", class_="quiet"), element("div", tiles, class_="tiles"))


def _tile(label: str, value: str, kind: str) -> Markup:
    return element("div", element("b", value), element("span", label), class_=f"tile {kind}")


def _details(runs: Sequence[Run]) -> Markup:
    return element("div", (_detail(run, len(runs) > 1) for run in runs), class_="facts")


def _detail(run: Run, named: bool) -> Markup:
    rows = (element("div", element("dt", key), element("dd", value)) for key, value in _facts(run).items())
    return element(
        "div", element("h3", f"Fold {run.fold}") if named else None, element("dl", rows), _configuration(run)
    )


def _facts(run: Run) -> Mapping[str, str]:
    data = run.data
    return {
        "Folder": str(run.folder),
        "Backbone": f"{run.backbone}; {run.parameters / 1e6:.1f} M parameters in the whole network",
        "Training": f"{len(run.epochs)} epochs in {_duration(run)} on {run.device}",
        "best.pt": f"epoch {run.best_epoch}",
        "Training part": f"{data['train_frames']:,} frames, recordings: {data['train_recordings']:,}",
        "Test part": f"{data['test_frames']:,} frames, recordings: {data['test_recordings']:,}",
        "Lists": f"SHA-256 {data['fingerprint'][:16]}…",
        "Versions": ", ".join(f"{library} {version}" for library, version in run.versions.items()),
    }


def _duration(run: Run) -> str:
    seconds = round(sum(epoch.seconds for epoch in run.epochs))
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{seconds} s"


def _configuration(run: Run) -> Markup | None:
    path = run.folder / CONFIG
    if not path.is_file():
        return None
    text = path.read_text(encoding="utf-8", errors="replace")
    return element("details", element("summary", CONFIG), element("pre", text))
