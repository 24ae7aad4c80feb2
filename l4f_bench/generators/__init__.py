"""StyleGAN2: networks, checkpoints, sampling."""
