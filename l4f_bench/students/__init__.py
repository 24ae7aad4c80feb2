"""Networks that learned to segment images from a method's samples and their masks."""
