"""PSeg: layered generators whose layers must stay plausible when they are moved.

Source: Emergence of Object Segmentation in Perturbed Generative Models (NeurIPS 2019).
"""
