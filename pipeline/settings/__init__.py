"""The configuration of an installation: `migrate.toml`, checked as a whole before anything is opened."""

from pipeline.settings.file import load_settings
from pipeline.settings.model import Settings
from pipeline.settings.source import LOADED, Source

__all__ = ["LOADED", "Settings", "Source", "load_settings"]
