"""The model card: what a checkpoint learned from, how well it does, and where not to trust it, in Markdown.

It begins with the YAML that model hubs read (https://huggingface.co/docs/hub/model-cards). The sentences are those of
the report, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from mdhr_runtime.au_names import NAMES
from mdhr_runtime.bundle import file_hash
from mdhr_runtime.errors import ConfigError
from mdhr_runtime.files import write_text
from mdhr_runtime.layout import CENTRE, RESIZE
from mdhr_runtime.targets import is_sealed, sealed

from ..datasets.base import CODED_BY_HAND
from ..metrics import Agreement, Interval, score_rows
from .config import read_config
from .run_files import BEST, CARD, CONFIG, CrossValidationSummary, RunSummary

SEAL = "<!-- card: {} -->"
"""The card's last line."""

RARE = 0.02
"""Share of frames below which an AU is called rare."""

FEW = 10
"""People below which there are few."""

UNKNOWN = "unknown"
"""What is said of what the runs of older versions do not tell."""

DATA, TRAINING, VIEW, LIMITS = "Data", "Training and choice of the epoch", "What the network sees", "Limits"
OF_TOOL = (
    "Where these are labels of another tool, the network has learned that tool's judgement with all its mistakes, and "
    "the results say how well it agrees with the tool, not with people who code by hand."
)
CHOSEN = {
    "test": "The epoch was chosen on the test part itself, as in the published code: on people of whom nothing was "
    "known, results may be worse.",
    "subjects": "The epoch was chosen on held-out training subjects; the test part was seen once, at the end.",
}
VIEWS = {CENTRE: "its middle, 224×224 pixels", RESIZE: "all of it, made smaller to 224×224 pixels"}
CONTEXT = {
    True: "They showed the frames around them as well: it was trained as it runs in a stream.",
    False: "They ended in padding, which a stream has only at its ends.",
}
ALWAYS = (
    "Not tested across skin tones, ages, sexes, glasses, beards, make-up, or after palsy or surgery of the face; "
    "results may be worse for people who are rare in the training part.",
    "For faces that are seen from the front: turned, hidden, dark or small ones are read worse.",
    "Action units are movements of the face and no emotions. The model is not made to identify or to diagnose people, "
    "nor for decisions about them.",
)
TEXT = """---
{head}---

# {name}

A network that scores {aus} facial action units (AUs) in every frame of a video: MDHR (Wang et al., *Multi-scale Dynamic
and Hierarchical Relationship Modeling for Facial Action Units Recognition*, CVPR 2024) with the backbone {backbone},
{parameters:.1f} M parameters. A score is between 0 and 1 and no intensity; from 0.5 on the AU counts as occurring.

## Results

On the {tested}, F1 and area under the ROC curve (AUC): in consecutive clips of {frames} frames, as the paper scores,
and in whole recordings, as the runtime does. {intervals}

{table}
{statements}
## How to run it

```sh
mdhr-export --ckpt {first} --out model.mdhr
mdhr-run model.mdhr video.mp4 --out au.csv
```

## Files and versions

{files}
- trained with {versions}

## Licence

None is stated here. Before you pass the model on, add `license:` to the head of this file, and mind the terms of the
dataset: many allow research only, for models that were trained on it, too.
"""


@dataclass(frozen=True)
class CardSource:
    """What a card is made from.

    Attributes:
        folder: The run's, or the cross-validation's.
        runs: Summaries by the folder below it: of a run itself under ".", else of those folds' that are still there.
        whole: That of the cross-validation; None for a run.
    """

    folder: Path
    runs: Mapping[str, RunSummary]
    whole: CrossValidationSummary | None = None

    @property
    def first(self) -> RunSummary:
        """The run, or that of the first fold."""
        return next(iter(self.runs.values()))

    @property
    def clips(self) -> Agreement:
        """Scores on consecutive clips, of a cross-validation the means over folds."""
        return self.whole or self.first["best"]["clips"]

    @property
    def stream(self) -> Agreement | None:
        """The same of whole recordings, if there are any."""
        return self.whole["stream"] if self.whole else self.first["best"]["stream"]

    @property
    def tested(self) -> str:
        """What the scores are of."""
        if self.whole is None:
            return f"test part of fold {self.first['fold']}"
        return f"test parts of folds {', '.join(map(str, self.whole['folds']))}, means over folds"

    @property
    def prevalence(self) -> dict[str, float]:
        """The share of the training's frames in which each AU occurs; of several folds, in that where it is least."""
        parts = [run["data"].get("prevalence", {}) for run in self.runs.values()]
        return {au: min(part[au] for part in parts) for au in parts[0] if all(au in part for part in parts)}


def write_card(path: Path, source: CardSource) -> None:
    """Write the card of a run or a cross-validation; what stands there is replaced.

    Raises:
        OutputError: It cannot be written.
    """
    write_text(path, sealed(_card(source).encode(), SEAL).decode())


def renew_card(folder: Path, run: RunSummary) -> None:
    """Write the card of a run into its folder, unless somebody has edited the one that is there, which is said.

    Raises:
        OutputError: It cannot be written.
    """
    path = folder / CARD
    if path.exists() and not is_card(path):
        click.echo(f"{path} was edited and stays as it is; mdhr-train card {folder} --overwrite renews it", err=True)
    else:
        write_card(path, CardSource(folder, {".": run}))


def is_card(path: Path) -> bool:
    """Whether a file is a card that nobody has changed since it was written."""
    return is_sealed(path.read_bytes(), SEAL)


def names_checkpoint(card: Path, digest: str) -> bool:
    """Whether a card, edited or not, is that of the checkpoint with this SHA-256."""
    return digest.encode() in card.read_bytes()


def statements(source: CardSource) -> dict[str, list[str]]:
    """What is to be said of data, training and limits: sentences in plain text by their title."""
    try:
        settings = read_config(source.folder / next(iter(source.runs)) / CONFIG)
    except ConfigError:
        settings = {}
    return {
        DATA: list(_data(source)),
        TRAINING: list(_training(source, settings)),
        VIEW: list(_view(source, settings)),
        LIMITS: list(_limits(source)),
    }


def _data(source: CardSource) -> Iterator[str]:
    data = source.first["data"]
    origin, soft = " ".join(data.get("origin", "").split()), data.get("soft", False)
    yield f"Dataset: {source.first['dataset']}, {'recorded' if data['recorded'] else 'rendered faces, not recorded'}."
    yield f"Whose labels they are: {origin or UNKNOWN}."
    if soft:
        yield "Labels are soft: they say how likely it is that an AU occurs. Where one is counted, they are rounded."
    if data["recorded"] and (soft or not all(part.startswith(CODED_BY_HAND) for part in origin.split("; "))):
        yield OF_TOOL
    for run in source.runs.values():
        facts = run["data"]
        train = _amounts(facts.get("train_subjects"), facts["train_recordings"], facts["train_frames"])
        test = _amounts(facts.get("test_subjects"), facts["test_recordings"], facts["test_frames"])
        yield f"Fold {run['fold']}, training part: {train}."
        yield f"Fold {run['fold']}, test part, of other people: {test}."


def _amounts(subjects: int | None, recordings: int, frames: int) -> str:
    return f"subjects: {UNKNOWN if subjects is None else subjects}, recordings: {recordings:,}, frames: {frames:,}"


def _training(source: CardSource, settings: Mapping[str, Any]) -> Iterator[str]:
    begun = source.first.get("init")
    if begun:
        before = [f"{each['dataset']}, fold {each['fold']}" for each in begun["trained_on"]]
        yield f"It starts from another checkpoint, of {begun['layout']}, trained on: {'; '.join(before) or UNKNOWN}."
    else:
        start = {True: "ImageNet", False: "random"}.get(settings.get("pretrained", ""), UNKNOWN)
        yield f"The backbone starts from {start} weights."
    for run in source.runs.values():
        validated = sum(epoch["validation"] is not None for epoch in run["epochs"])
        best, epochs = run["best"]["epoch"], len(run["epochs"])
        yield f"Fold {run['fold']}: epoch {best} of {epochs}, the best of {validated} that were validated."
    yield CHOSEN[source.first["validated_on"]]


def _view(source: CardSource, settings: Mapping[str, Any]) -> Iterator[str]:
    view = VIEWS.get(settings.get("data.test_view", ""), UNKNOWN)
    yield f"Upright faces, aligned by eyes and mouth to 256×256 pixels; of such a crop, in use: {view}."
    context = CONTEXT.get(settings.get("data.context", ""), f"Whether they showed the frames around them is {UNKNOWN}.")
    yield f"It was trained on clips of {source.first['clip_frames']} frames. {context}"


def _limits(source: CardSource) -> Iterator[str]:
    aus, shares, auc = source.first["aus"], source.prevalence, source.clips.get("auc", {})
    tested = [run["data"].get("test_subjects") for run in source.runs.values()]
    people = sum(count or 0 for count in tested)
    if not source.first["data"]["recorded"]:
        yield "The faces are rendered: nothing here says how well real ones are read."
    if never := [au for au in aus if shares.get(au) == 0]:
        yield f"Never seen in training: {', '.join(never)}. Their scores mean nothing."
    if rare := [au for au in aus if 0 < shares.get(au, 1) < RARE]:
        yield f"In less than {RARE:.0%} of the training's frames: {', '.join(rare)}. Expect misses."
    if untested := [au for au in aus if au in auc and auc[au] is None]:
        yield f"Always or never there in the test part: {', '.join(untested)}. How well they are found is not known."
    if None in tested:
        yield f"How many people were tested is {UNKNOWN}."
    elif people < FEW:
        yield f"People tested: {people}. So few say little about others: intervals are wide, or too narrow."
    yield from ALWAYS


def _card(source: CardSource) -> str:
    run = source.first
    paths = [(Path(name) / BEST).as_posix() for name in source.runs]
    hashes = {path: file_hash(source.folder / path) for path in paths if (source.folder / path).is_file()}
    parts = statements(source).items()
    known = bool(source.clips.get("intervals"))
    return TEXT.format(
        head=_head(source),
        name=_name(run),
        aus=len(run["aus"]),
        backbone=run["backbone"],
        parameters=run["parameters"] / 1e6,
        tested=source.tested,
        frames=run["clip_frames"],
        intervals="In brackets 95 % intervals, by the bootstrap over the people of the test part."
        if known
        else "There are no intervals: too few people were tested, or an older version trained it.",
        table=_table(source),
        statements="".join(f"\n## {title}\n\n" + "".join(f"- {each}\n" for each in said) for title, said in parts),
        first=paths[0],
        files="\n".join(f"- `{path}`, SHA-256 `{digest}`" for path, digest in hashes.items()),
        versions=", ".join(f"{library} {version}" for library, version in run["versions"].items()),
    )


def _name(run: RunSummary) -> str:
    return re.sub(r"[^\w.]+", "-", f"mdhr-{run['dataset']}-{run['backbone']}")


def _head(source: CardSource) -> str:
    """The metadata as YAML."""
    import yaml

    task, mean = "video-classification", score_rows(source.clips, ())[-1]
    dataset = source.first["dataset"] + ("" if source.first["data"]["recorded"] else "-rendered")
    metrics = [{"type": "f1", "name": "Mean F1, clips", "value": round(mean.f1, 4)}]
    if mean.auc is not None:
        metrics.append({"type": "roc_auc", "name": "Mean AUC, clips", "value": round(mean.auc, 4)})
    result = {
        "task": {"type": task, "name": "Facial action unit detection"},
        "dataset": {"type": dataset, "name": dataset, "split": source.tested},
        "metrics": metrics,
    }
    head = {
        "library_name": "mdhr-edge",
        "pipeline_tag": task,
        "tags": ["facial-action-units", "facial-expression-recognition", "mdhr"],
        # Hubs refuse the head where this is no possible name of a dataset.
        **({"datasets": [dataset]} if re.fullmatch(r"[\w.-]+(/[\w.-]+)?", dataset) else {}),
        "metrics": [metric["type"] for metric in metrics],
        "model-index": [{"name": _name(source.first), "results": [result]}],
    }
    return yaml.safe_dump(head, sort_keys=False, allow_unicode=True)


def _table(source: CardSource) -> str:
    """Share of the frames in training, F1 and AUC per AU, as Markdown."""
    aus, shares = source.first["aus"], source.prevalence
    columns = [score_rows(each, aus) for each in (source.clips, source.stream) if each]
    titles = [f"{score}, {part}" for part in ("clips", "whole")[: len(columns)] for score in ("F1", "AUC")]
    lines = [["AU", "", "in training", *titles], ["---", "---", *["---:"] * (1 + len(titles))]]
    for row in zip(*columns, strict=True):
        name = row[0].name
        share = f"{shares[name]:.1%}" if name in shares else "" if name == "mean" else UNKNOWN
        pairs = (pair for each in row for pair in ((each.f1, each.interval), (each.auc, each.auc_interval)))
        lines.append([name, NAMES.get(name, ""), share, *(_with_interval(*pair) for pair in pairs)])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _with_interval(value: float | None, interval: Interval | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" + (f" ({interval[0]:.3f}–{interval[1]:.3f})" if interval else "")
