"""The version of the package: in one place, since saved models name it too."""

__all__ = ["__version__"]

__version__ = "0.1.0"
