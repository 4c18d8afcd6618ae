# temporary
from __future__ import annotations
import msgspec
from ...core.errors import Damaged, NotFound
from ...store import places
from ..source import FolderSource
from ..merging.bringing import blobs_of
from ..merging import *
def files_of(state):
    return {**blobs_of(state), **state.logs}
def own_state(store, task_id):
    try:
        home = places.locate(store, task_id)
    except NotFound:
        return None
    return read_state(FolderSource(home.home), task_id, places.project_of(store, home.home))
def stamp(store, task_id):
    return own_state(store, task_id)
def encode_state(state): return msgspec.json.encode(state)
def decode_state(data, path):
    try: return msgspec.json.decode(data, type=TaskState)
    except msgspec.MsgspecError as e: raise Damaged(path, str(e))
