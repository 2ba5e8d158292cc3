"""The page on videos of one's own: its four commands lead from videos and a table to a labelled new video."""

import csv
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from raw_faces import faces, write_video

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).parents[2] / "docs" / "own-videos.md").read_text()
PATH_TAKEN, CORRECTED = ([*block.splitlines()] for block in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.M | re.DOTALL))
SMALL = {
    "fit": "--backbone test_resnet --node-features 16 --dynamics-channels 16 --frames 4 --epochs 1 --batch 2 "
    "--workers 0",
    "mdhr-export": "--no-identity",
}
"""What a test adds to a command, so that it takes seconds: the last of two options counts."""


def run(command, folder):
    words = shlex.split(command)
    more = next((more for word, more in SMALL.items() if word in words[:2]), "")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [*words, *more.split()], cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A folder with videos of three people, a table of when they smile and raise their brows, and a new video."""
    folder = tmp_path_factory.mktemp("lab")
    for person in ("anna", "ben", "carla"):
        write_video(folder / "videos" / f"{person}.avi", faces(12))
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [("video", "start", "end", "code")]
            + [(person, 0.1, 0.4, "AU12") for person in ("anna", "ben", "carla")]
            + [(person, 0.3, 0.6, "AU1") for person in ("anna", "ben", "carla")]
        )
    (folder / "openface").mkdir()
    for person in ("anna", "ben", "carla"):
        rows = [("frame", "timestamp", "confidence", "success", "pose_Rx", "AU01_r", "AU12_r")]
        rows += [(frame, (frame - 1) / 20, 0.98, 1, 0, frame / 4, 3) for frame in range(1, 13)]
        with (folder / "openface" / f"{person}.csv").open("w", newline="") as file:
            csv.writer(file).writerows(rows)
    write_video(folder / "new.avi", faces(12))
    os.rename(folder / "new.avi", folder / "new.mp4")  # what is in a file tells what it is
    return folder


def test_four_commands_lead_to_a_labelled_new_video(lab):
    told, trained, exported, labelled = (run(command, lab) for command in PATH_TAKEN)
    assert re.search(r"^AU12 +36 +18 +50\.0% +3 of 3$", told, re.MULTILINE)
    assert "epoch 1" in trained
    assert "AU01 AU12" in exported
    assert "12 with a face" in labelled
    card = (lab / "run/card.md").read_text()
    assert "Dataset: mine, recorded." in card
    assert (lab / "mine.mdhr/README.md").read_text() == card
    with (lab / "au.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12
    assert {"AU01_p", "AU12_p"} <= rows[0].keys()


def test_another_tool_s_scores_are_corrected_by_hand(lab):
    (command,) = CORRECTED
    (lab / "corrected.csv").write_text("video,frame,AU12\nanna,1,0\nanna,2,0\n")
    told = run(command.replace("data/mine", "data/soft"), lab)
    assert "soft: true" in (lab / "data/soft/dataset.yaml").read_text()
    assert "36 crops of 36 labelled frames" in told
    labels = [line.split() for path in (lab / "data/soft/list").glob("test_label_*") for line in path.open()]
    assert sorted({float(au12) for _, au12 in labels}) == [0, 0.75]
    assert {float(au1) for au1, _ in labels} >= {0.0625, 0.5, 0.75}
