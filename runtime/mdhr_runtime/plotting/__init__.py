"""Reading tables of results, and drawing them."""
