"""What `import clearml` finds in a Python that such a program has started itself: it makes way for what stands for it.

It may be another interpreter, which has no taskstore: then it makes way for whoever comes next on the path.
"""

import importlib
import os
import sys

_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - as sys.path has it

if "." not in __name__:  # it is the package that the program asks for, and no module of taskstore's
    sys.path[:] = [each for each in sys.path if os.path.abspath(each) != _FOLDER]  # noqa: PTH100 - the same
    try:
        from taskstore.run.alias import ALIASES_VARIABLE, install_all
    except ImportError:
        pass
    else:
        install_all(os.environ.get(ALIASES_VARIABLE, ""))
    sys.modules.pop(__name__, None)
    importlib.import_module(__name__)
