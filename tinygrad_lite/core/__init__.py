"""The core: tensors, the tape that records what is done with them, and the walk back that differentiates it."""
