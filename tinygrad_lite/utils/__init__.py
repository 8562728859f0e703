"""What knows nothing of tensors: look-up by name, the user's line of code, files of arrays."""
