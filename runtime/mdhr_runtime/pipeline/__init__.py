"""From frames to results: threads for sources and faces, one for the model, and bounded queues between them."""
