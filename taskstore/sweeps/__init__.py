"""Sweeps: many drafts of one task, each with other parameters, and which of them came out best."""
