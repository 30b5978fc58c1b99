"""`ownwords bench NAME`: what the figures in docs/figures.md are made with."""
