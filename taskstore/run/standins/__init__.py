"""The folder that a program's PYTHONPATH begins with where one package stands for another (`taskstore.run.alias`)."""
