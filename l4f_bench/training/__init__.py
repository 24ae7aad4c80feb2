"""Training: one loop with checkpoints for every network, and the trainers."""
