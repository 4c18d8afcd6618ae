"""The code of a task, rebuilt from its record in an empty folder, and compared with the record hash by hash."""

from .rebuild import Tree, rebuild

__all__ = ["Tree", "rebuild"]
