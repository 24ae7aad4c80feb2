"""Competing methods, one package each; they join the benchmark by entry points like any other."""
