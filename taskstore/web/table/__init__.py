"""The table of tasks, in parts: what it fetches, the grid, what is done to those that are selected."""
