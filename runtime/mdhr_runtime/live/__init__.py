"""The live page: a small web server that shows the analysis while it runs.

- `page.py`: `LivePage`, the sink, and the address that it is served at
- `page_state.py`: the newest results, written by the analysis and read by viewers
- `events.py`: the stream of results and figures that a viewer receives
- `pictures.py`: JPEGs of the newest frames, made when a viewer asks
- `server.py`: connections and answers
- `guard.py`: which requests are refused
- `static/`: the page itself, which needs nothing from elsewhere
"""
