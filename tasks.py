"""Invoke finds this file; the tasks themselves are in the package."""

from holdpoint.tasks import ns

__all__ = ["ns"]
