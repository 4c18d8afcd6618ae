"""What importers share that is below them: how other programs' files are framed, and how a run of theirs comes in."""
