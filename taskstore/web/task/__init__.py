"""The parts of a task's page that are no tabs."""
