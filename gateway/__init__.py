"""Davylamp gateway. Importing this package loads nothing; see gateway.app for how the parts are put together."""

__version__ = "0.1.0"
