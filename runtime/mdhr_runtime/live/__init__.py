"""The live page: a small web server that shows the analysis while it runs.

- `address.py`: where it listens, and under which names a browser may ask for it
- `guard.py`: which requests are refused
- `board.py`: the newest results, written by the analysis and read by viewers
- `pictures.py`: JPEGs of the newest frames, made when somebody looks
- `events.py`: the stream of results and figures that a viewer receives
- `server.py`: connections and answers
- `live.py`: `LivePage`, the output
- `static/`: the page itself, which needs nothing from elsewhere
"""

from .address import Address
from .live import LivePage

__all__ = ["Address", "LivePage"]
