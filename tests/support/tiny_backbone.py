"""A backbone of four convolutions, the cheapest with four feature scales: what a graph costs to trace is its layers."""

from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from torch import nn

NAME = "mdhr_test_tiny"
CHANNELS = (8, 12, 16, 24)

default_cfgs = generate_default_cfgs({NAME: {"num_classes": 0, "input_size": (3, 224, 224)}})


class FourConvolutions(nn.Sequential):
    """Halves the frame twice and then at every stage."""

    def __init__(self, in_chans=3, num_classes=0, **_):
        super().__init__()
        self.feature_info, before = [], in_chans
        for stage, channels in enumerate(CHANNELS):
            step = 2 if stage else 4
            self.add_module(f"stage{stage}", nn.Sequential(nn.Conv2d(before, channels, step, step), nn.ReLU()))
            self.feature_info.append({"num_chs": channels, "reduction": 4 << stage, "module": f"stage{stage}"})
            before = channels


@register_model
def mdhr_test_tiny(pretrained=False, **options):
    """timm's entry point."""
    return build_model_with_cfg(
        FourConvolutions, NAME, pretrained, feature_cfg={"out_indices": (0, 1, 2, 3)}, **options
    )
