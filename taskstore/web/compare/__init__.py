"""The parts of the page that compares tasks: its address, the strip of tasks, and its tabs."""
