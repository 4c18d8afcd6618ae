"""Debug samples: what a program gives as a picture, a sound, a page or any file, made ready to be stored."""

from __future__ import annotations

from ...store.samples import Sample
from .files import of_file, of_stream, of_url
from .images import of_image
from .png import encode_png

__all__ = ["Sample", "encode_png", "of_file", "of_image", "of_stream", "of_url"]
