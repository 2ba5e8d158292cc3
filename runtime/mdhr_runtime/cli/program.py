"""What every program imports before all else, because the rest takes a moment to import.

Ctrl-C then ends it at once and without a traceback, as SIGTERM and SIGHUP do anyway: there is nothing to complete yet
(see `console.Command` for later). Characters that the terminal's encoding lacks are printed as `?`. And OpenCV, which
asks once, when it is imported, decodes no picture of more than `MOST_PIXELS` and prints nothing by itself. NumPy, whose
products are small here, has no threads for them, which would take memory and crash where there is too little. More
files may be open than the 1,024 that shells allow: the tables and overlays of a thousand videos are.
"""

import os
import resource
import signal
import sys
from io import TextIOWrapper

from ..defaults import MOST_PIXELS

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
if isinstance(sys.stdout, TextIOWrapper):  # not where it is closed; stderr never fails
    sys.stdout.reconfigure(errors="replace")
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MOST_PIXELS))
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 1 << 16)), hard))
