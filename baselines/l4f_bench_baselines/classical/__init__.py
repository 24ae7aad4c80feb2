"""Classical methods, which learn nothing: the floor that scores on real images stand on."""
