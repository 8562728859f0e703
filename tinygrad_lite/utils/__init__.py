"""What needs no tensors: look-up by name, the user's line of code, files of arrays, types."""
