"""What the benchmarks compare: each module does the work of `work.py` with one framework."""
