"""Work of the graphs, counted from their ONNX files, and the least time that a machine needs for it."""
