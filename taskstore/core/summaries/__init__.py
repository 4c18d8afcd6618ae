"""What TensorBoard's summaries hold, and what that is called here: of a live run, and of files that are read later."""
