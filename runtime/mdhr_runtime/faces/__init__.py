"""Finding faces and cutting them out as the model expects them."""
