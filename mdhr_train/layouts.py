"""The layouts of the published datasets. A third dataset is one more entry here.

Orders and regions are those of the published implementation. The paper's lower region holds seven of BP4D's AUs; it
is split in two, as 2^7 combinations would be too many for one classifier. Crop points were measured on the published
256×256 examples.
"""

from mdhr_runtime.layout import CropGeometry, Layout, Region

BP4D = Layout(
    name="BP4D",
    aus=(1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24),
    regions=(
        Region("up", (1, 2, 4, 7), (0, 3)),
        Region("mid", (6,), (2, 5)),
        Region("low-a", (12, 14, 15), (4, 7)),
        Region("low-b", (10, 17, 23, 24), (4, 7)),
    ),
    region_projection=True,
    crop=CropGeometry(left_eye=(0.33, 0.28), right_eye=(0.70, 0.28), mouth=(0.51, 0.70), rotate=True),
)

DISFA = Layout(
    name="DISFA",
    aus=(1, 2, 4, 6, 9, 12, 25, 26),
    regions=(
        Region("up", (1, 2, 4), (0, 3)),
        Region("mid", (6, 9), (2, 5)),
        Region("low", (12, 25, 26), (4, 7)),
    ),
    region_projection=False,
    crop=CropGeometry(left_eye=(0.38, 0.29), right_eye=(0.66, 0.30), mouth=(0.50, 0.64), rotate=False),
)

LAYOUTS = {layout.name: layout for layout in (BP4D, DISFA)}
