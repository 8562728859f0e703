"""The compiler behind `tgl.function`: a Python function of tensors becomes a program of NumPy calls."""
