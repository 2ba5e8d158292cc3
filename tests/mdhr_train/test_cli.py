import subprocess
import sys

import pytest

from mdhr_train.cli import main


@pytest.mark.slow
@pytest.mark.parametrize("command", sorted(main.commands))
def test_help_needs_no_heavy_library(command):
    code = (
        "import sys\n"
        "from mdhr_train.cli import main\n"
        "main([sys.argv[1], '--help'], standalone_mode=False)\n"
        "heavy = {'torch', 'timm', 'cv2', 'skimage', 'tensorboard'}\n"
        "assert not heavy & set(sys.modules), 'imported too early'\n"
    )
    shown = subprocess.run([sys.executable, "-c", code, command], capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    assert "Usage" in shown.stdout
