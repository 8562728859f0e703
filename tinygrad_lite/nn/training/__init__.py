"""Training: batches of data, the loops of `fit`, `evaluate` and `predict`, compiled steps, and checks."""
