"""Photographs as latents of a generator: by an encoder, or by optimisation."""
