"""What every program imports before all else, because the rest takes a moment to import.

Ctrl-C then ends it at once and without a traceback, as SIGTERM and SIGHUP do anyway: there is nothing to complete yet
(see `console.Command` for later). And characters that the terminal's encoding lacks are printed as `?`.
"""

import signal
import sys
from io import TextIOWrapper

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
if isinstance(sys.stdout, TextIOWrapper):  # not where it is closed; stderr never fails
    sys.stdout.reconfigure(errors="replace")
