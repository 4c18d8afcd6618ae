"""Bundles: tasks in a zip, laid out as in a store, to be mailed or kept, and to be imported."""

from .contents import recognises as recognises
from .reading import Brought as Brought
from .reading import read as read
from .writing import Written as Written
from .writing import default_name as default_name
from .writing import homes_of as homes_of
from .writing import name_of_project as name_of_project
from .writing import target as target
from .writing import wanted as wanted
from .writing import write as write
