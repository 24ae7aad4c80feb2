"""Pixel counts, the scores derived from them, and the protocols that pool them."""
