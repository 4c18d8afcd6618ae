"""Queues of tasks that wait to be run."""
