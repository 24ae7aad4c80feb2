"""Methods: what is being benchmarked."""
