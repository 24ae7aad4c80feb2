"""Why the method works: what each layer of a generator paints, and which one holds the object."""
