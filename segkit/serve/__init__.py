"""The dashboards' server: Voila with safe settings, behind a token."""

from .app import is_loopback, serve
from .kernels import kernel_environment

__all__ = ["is_loopback", "kernel_environment", "serve"]
