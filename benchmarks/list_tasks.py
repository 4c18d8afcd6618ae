"""Listing 10,000 tasks through the API in a fresh process, all of them and with a filter."""

from __future__ import annotations

import harness_placeholder
