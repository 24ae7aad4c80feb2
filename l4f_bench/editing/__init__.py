"""Edits of a generator's images by their latents, with and without the background preserved."""
