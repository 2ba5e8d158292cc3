#!/bin/sh
# The whole chain on one small video, with nothing from outside the package registry:
# a face that makes expressions → a small trained model → a bundle → a table of action units.
#   examples/demo.sh FOLDER
set -eu
mkdir -p "$1"
cd "$1"

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

say "1. A video: one photograph (scikit-image's astronaut), made to move"
mdhr-train synthetic-video face.mp4 --labels truth.csv --seed 11

say "2. A checkpoint: a small model learns from synthetic clips, a minute or two"
mdhr-train fit --synthetic --out demo.pt

say "3. A bundle: ONNX graphs, checked against PyTorch"
mdhr-export --ckpt demo.pt --out demo.mdhr

say "4. Action units, frame by frame, in the lean runtime"
mdhr-run demo.mdhr face.mp4 --out au.csv --overlay overlay.mp4

say "5. Their timeline as a picture"
mdhr-plot au.csv
