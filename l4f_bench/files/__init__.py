"""Readers of files that trust nothing: no content is executed, sizes are checked first."""
