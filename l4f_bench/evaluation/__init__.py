"""Where data, methods and metrics meet: one evaluation makes one record."""
