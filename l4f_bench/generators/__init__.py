"""StyleGAN2 networks, the background generator, and readers of their checkpoints."""
