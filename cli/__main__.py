"""`python -m taskstore_cli`: the command `taskstore`, where that is not on the path."""

from .main import main

main()
