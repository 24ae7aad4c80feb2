"""Networks whose features image sets are compared in."""
