"""The temporal graph: relations between frames, with the state of a stream going in and out."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from mdhr_runtime.contract import COMBINATIONS, NEW_STATE, SCORES, STATE, VALID
from mdhr_train.model import MDHR

from .dynamics import FRAME_FEATURES, Shapes
from .regions import RegionNodes
from .scores import SCORINGS


class TemporalGraph(nn.Module):
    """Turns the encoder's features of T new frames per stream into scores of T earlier frames.

    With k the radius of the facial dynamics, the T new frames t … make the dynamics of the frames t − k … complete,
    and so the scores of the frames t − k − 2 …: the lookahead is k + 2. Invalid frames, those before the first and
    after the last, count as the zero padding of the network.

    A network without facial dynamics has k = 0, one without temporal convolution needs no 2 frames more. Its graph has
    the inputs and states of the parts that it has; without both it has no state, and no input `valid`.

    Args:
        model: The trained network.
        dtype: Type that the graph computes in, float32 or float16.
    """

    def __init__(self, model: MDHR, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype
        self.lookahead = model.config.lookahead
        self.features = FRAME_FEATURES[type(model.dynamics)](model, dtype)
        self.nodes = RegionNodes(model.local, model.active, dtype)
        self.cross = copy.deepcopy(model.cross).to(dtype)
        self.scores = SCORINGS[type(model.temporal)](model, dtype)
        self.labels = (SCORES, COMBINATIONS) if model.config.activated else (SCORES,)

    def state_shapes(self) -> Shapes:
        """Shapes of one stream's states by name: zeros start a stream."""
        return self.features.state_shapes() | self.scores.state_shapes()

    def frame_shapes(self) -> Shapes:
        """Shapes of a frame's inputs by name: the encoder's outputs, and whether the frame is valid."""
        return self.features.input_shapes() | ({VALID: ()} if self.state_shapes() else {})

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return (*self.frame_shapes(), *(STATE + name for name in self.state_shapes()))

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs."""
        return (*self.labels, *(NEW_STATE + name for name in self.state_shapes()))

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Advance B streams by T frames each.

        Args:
            tensors: In the order of `inputs`; the parts in `features` and `scores` describe them.

        Returns:
            scores (B, T, N) float32 of the frames t − lookahead …; where edges depend on them, combinations (B, T, R)
            int32, the likeliest combination of each region in the frames t − k …, by which an engine can be checked;
            then the new states in the order of `outputs`.
        """
        inputs = dict(zip(self.inputs, tensors, strict=True))
        features, valid, states = self.features(inputs)
        nodes, active, combinations = self.nodes(features.flatten(0, 1))
        nodes = self.cross(nodes, active).unflatten(0, features.shape[:2])
        scores, later_states = self.scores(nodes, valid, inputs)
        states |= later_states
        labels = (scores,) if combinations is None else (scores, combinations.unflatten(0, features.shape[:2]))
        return *labels, *(states[name] for name in self.state_shapes())
