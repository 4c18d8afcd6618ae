"""The terminal screen, `taskstore tui`: a table of tasks, a page for each, and what can be done to them."""
