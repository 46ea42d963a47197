"""The site file: TOML and points CSV in, a validated site out; every problem says what, where and how to fix it."""

from gateway.config.draft import Plugins
from gateway.config.report import render
from gateway.config.site_file import Loaded, SiteFile, load

__all__ = ["Loaded", "Plugins", "SiteFile", "load", "render"]
