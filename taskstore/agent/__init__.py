"""The agent: it takes tasks from queues, and runs each with its own code and packages."""
