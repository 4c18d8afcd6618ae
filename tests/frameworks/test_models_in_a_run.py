"""Whole runs of programs that save models: the library is imported after `Task.init`, or before it and by name."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from taskstore.store import places, tasks

from ..run.programs import INIT, only_task, run

PRELUDE = """
import warnings; warnings.simplefilter("ignore")
from taskstore.run.sink import StoreSink
saved, loaded = StoreSink.model_saved, StoreSink.model_loaded
def model_saved(self, framework, path, **named):
    saved(self, framework, path, **named); print("SAVED", framework, path.name)
def model_loaded(self, framework, path, **named):
    loaded(self, framework, path, **named); print("LOADED", framework, path.name)
StoreSink.model_saved, StoreSink.model_loaded = model_saved, model_loaded
"""
KERAS = "model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])"
SKLEARN = "model = LinearRegression().fit([[0.], [1.]], [0., 1.])"
PROGRAMS = {
    "torch": (
        "from torch import save, load\nfrom torch.nn import Linear",
        "save(Linear(1, 1).state_dict(), 'a.pt'); load('a.pt')",
        "PyTorch a.pt",
    ),
    "safetensors": (
        "import torch\nfrom safetensors.torch import save_file, load_file",
        "save_file({'a': torch.ones(1)}, 'a.safetensors'); load_file('a.safetensors')",
        "PyTorch a.safetensors",
    ),
    "joblib": (
        "from joblib import dump, load\nfrom sklearn.linear_model import LinearRegression",
        f"{SKLEARN}; dump(model, 'a.joblib'); load('a.joblib')",
        "ScikitLearn a.joblib",
    ),
    "sklearn": (
        "import pickle\nfrom sklearn.linear_model import LinearRegression",
        f"{SKLEARN}\nwith open('a.pkl', 'wb') as file: pickle.dump(model, file)\n"
        "with open('a.pkl', 'rb') as file: pickle.load(file)",
        "ScikitLearn a.pkl",
    ),
    "xgboost": (
        "import numpy\nfrom xgboost import Booster, DMatrix, train",
        "train({}, DMatrix(numpy.ones((4, 1)), numpy.ones(4)), 1).save_model('a.json'); Booster(model_file='a.json')",
        "XGBoost a.json",
    ),
    "lightgbm": (
        "import numpy\nfrom lightgbm import Booster, Dataset, train",
        "train({'verbosity': -1}, Dataset(numpy.ones((40, 1)), numpy.ones(40)), 1).save_model('a.txt');"
        "Booster(model_file='a.txt')",
        "LightGBM a.txt",
    ),
    "catboost": (
        "from catboost import CatBoostRegressor",
        "model = CatBoostRegressor(iterations=1, verbose=False).fit([[0], [1]], [0, 1]);"
        "model.save_model('a.cbm'); model.load_model('a.cbm')",
        "CatBoost a.cbm",
    ),
    "keras": (
        "import keras\nfrom keras.models import load_model",
        f"{KERAS}; model.save('a.keras'); load_model('a.keras')",
        "Keras a.keras",
    ),
    "tensorflow": (
        "import tensorflow as tf",
        "tf.saved_model.save(tf.Module(), 'a'); tf.saved_model.load('a')",
        "TensorFlow a",
    ),
    "fastai": (
        "import torch\nfrom fastai.learner import Learner\nfrom fastai.data.core import DataLoaders",
        "rows = [(torch.ones(2), torch.ones(1))]; loaders = DataLoaders.from_dsets(rows, rows, bs=1, device='cpu');"
        "learner = Learner(loaders, torch.nn.Linear(2, 1), loss_func=torch.nn.MSELoss());"
        "learner.save('a'); learner.load('a')",
        "PyTorch a.pth",
    ),
    "lightning": (
        "from lightning import Fabric\nfrom torch.nn import Linear",
        "fabric = Fabric(accelerator='cpu', devices=1); fabric.save('a.ckpt', {'model': Linear(1, 1)});"
        "fabric.load('a.ckpt')",
        "PyTorch a.ckpt",
    ),
    "transformers": (
        "from transformers import BertConfig, BertModel",
        "BertModel(BertConfig(vocab_size=8, hidden_size=4, num_hidden_layers=1, num_attention_heads=1,"
        " intermediate_size=4)).save_pretrained('a'); BertModel.from_pretrained('a')",
        "PyTorch a",
    ),
}


@pytest.mark.parametrize("order", ["after", "before"])
@pytest.mark.parametrize("library", PROGRAMS)
def test_a_model_is_seen_whether_the_library_was_imported_before_or_after(
    tmp_path: Path, library: str, order: str
) -> None:
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    imports, body, what = PROGRAMS[library]
    first, second = (INIT, imports) if order == "after" else (imports, INIT)
    ended = run(tmp_path / "run", f"{PRELUDE}\n{first}\n{second}\n{body}\n")
    assert ended.code == 0, ended.stderr
    assert [line for line in ended.stdout.splitlines() if line.startswith(("SAVED", "LOADED"))] == [
        f"SAVED {what}",
        f"LOADED {what}",
    ]
    assert ended.told == []


EVALUATED = {
    "xgboost": (
        "import numpy, xgboost",
        "data = xgboost.DMatrix(numpy.ones((4, 1)), numpy.ones(4));"
        "xgboost.train({}, data, 2, evals=[(data, 'train')], verbose_eval=False)",
        ("train", "rmse"),
    ),
    "lightgbm": (
        "import numpy, lightgbm",
        "data = lightgbm.Dataset(numpy.ones((40, 1)), numpy.ones(40));"
        "lightgbm.train({'verbosity': -1, 'metric': 'l2'}, data, 2, valid_sets=[data], valid_names=['test'])",
        ("test", "l2"),
    ),
    "catboost": (
        "from catboost import CatBoostRegressor",
        "CatBoostRegressor(iterations=2, verbose=False).fit([[0], [1]], [0, 1])",
        ("learn", "RMSE"),
    ),
}


@pytest.mark.parametrize("library", EVALUATED)
def test_what_a_training_evaluates_is_in_the_store(tmp_path: Path, library: str) -> None:
    pytest.importorskip(library)
    imports, body, series = EVALUATED[library]
    ended = run(tmp_path / "run", f"{INIT}\n{imports}\n{body}\n")
    assert ended.code == 0, ended.stderr
    assert ended.told == []
    assert {name: len(values) for name, values in only_task(ended).points.items()} == {series: 2}


def test_the_parameters_of_a_lightgbm_training_are_in_the_store(tmp_path: Path) -> None:
    pytest.importorskip("lightgbm")
    imports, body, _ = EVALUATED["lightgbm"]
    ended = run(tmp_path / "run", f"{INIT}\n{imports}\n{body}\n")
    found = only_task(ended)
    section = tasks.read_params(places.locate(found.store, found.record.id)).hyperparams["General"]
    assert {name: (one.value, one.type) for name, one in section.items()} == {
        "verbosity": ("-1", "int"),
        "metric": ("l2", "str"),
    }
