"""The streaming engine: one backbone pass per frame, and many streams through the graphs together."""
