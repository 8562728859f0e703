"""Training: data in batches, the loop of `fit`, its compiled step, and the checks that watch it."""
