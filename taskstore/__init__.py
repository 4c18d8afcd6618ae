"""An offline-first experiment store: every run is a directory of plain files."""
