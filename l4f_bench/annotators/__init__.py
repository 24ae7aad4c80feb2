"""Annotators: networks that are trusted to say where the foreground is."""
