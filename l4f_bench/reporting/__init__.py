"""Records to tables, beside the paper's published numbers."""
