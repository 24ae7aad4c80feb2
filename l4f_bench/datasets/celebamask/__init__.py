"""CelebAMask-HQ: photographs of faces, their parts as masks, and the splits of CelebA."""
