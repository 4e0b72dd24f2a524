"""The command line: ``segkit run|check|score|compare|export|runs|params|settings|init|serve``."""

from .main import main

__all__ = ["main"]
