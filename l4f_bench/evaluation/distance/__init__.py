"""How far two sets of images are apart, by their features."""
