#!/bin/sh
# Learning, to see in minutes on a CPU: drawn faces → a small model → its scores on people that it has not seen.
#   examples/rendered.sh FOLDER
# RECORDINGS and EPOCHS make it smaller or larger, OPTIONS are further ones of `mdhr-train synthesize`.
set -eu
recordings=${RECORDINGS:-8}
epochs=${EPOCHS:-26}
mkdir -p "$1"
cd "$1"

mdhr-train synthesize data --recordings "$recordings" ${OPTIONS:-}
mdhr-train fit --data data --dataset bp4d --fold 1 --out run \
    --backbone test_resnet --node-features 64 --dynamics-channels 64 \
    --frames 6 --batch 8 --epochs "$epochs" --validate-every "$epochs" --lr 4e-3 --set schedule.warmup=20 \
    --initialisation library \
    --precision bfloat16 --channels-last --workers 1
mdhr-train report run
