"""The linear block that MDHR uses wherever it changes features."""

from torch import Tensor, nn


class LinearBlock(nn.Module):
    """Linear, batch normalisation over the features, ReLU, at each position alike.

    Args:
        in_features: Features of the input.
        out_features: Features of the output.
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.fc = nn.Linear(in_features, out_features)
        self.bn = nn.BatchNorm1d(out_features)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., in_features) to (..., out_features), both floating point."""
        y = self.fc(x)
        return self.bn(y.flatten(0, -2)).relu().view_as(y)
