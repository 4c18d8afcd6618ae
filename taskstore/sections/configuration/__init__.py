"""Configuration objects: a dictionary, a list, or a file of any kind, kept as a file that a person can edit."""

from __future__ import annotations

from .connect import GENERAL, Recorder, connect, content_of, content_of_text, suffix_of
from .masking import restored
from .text import loads

__all__ = ["GENERAL", "Recorder", "connect", "content_of", "content_of_text", "loads", "restored", "suffix_of"]
