"""Models and data of MLflow's runs, in both of its stores."""

from __future__ import annotations

from pathlib import Path

from taskstore.share.importers.base import Imported
from taskstore.share.importers.mlflow.content import model_id
from taskstore.store import artifacts, doctor, models
from taskstore.store.store import Store

from .mlruns import BEGAN_MS, ELSEWHERE, EXPERIMENT, Made, database, folders, run_id, whole, write
from .test_mlflow import BEGAN, Make, bring, make, one, paths_of

__all__ = ["make"]
"""The fixture, for pytest to find."""

FIRST, SECOND, DELETED = (f"m-{run_id(number)}" for number in (7, 8, 9))
TABLES = f"""
CREATE TABLE logged_models (model_id VARCHAR(36) PRIMARY KEY, experiment_id INTEGER, name VARCHAR(500),
    artifact_location VARCHAR(1000), creation_timestamp_ms BIGINT, lifecycle_stage VARCHAR(32), model_type VARCHAR(500),
    source_run_id VARCHAR(32));
CREATE TABLE logged_model_params (model_id VARCHAR(36), param_key VARCHAR(255), param_value TEXT);
CREATE TABLE logged_model_tags (model_id VARCHAR(36), tag_key VARCHAR(255), tag_value TEXT);
CREATE TABLE inputs (input_uuid VARCHAR(36), source_type VARCHAR(36), source_id VARCHAR(36),
    destination_type VARCHAR(36), destination_id VARCHAR(36), step BIGINT);
CREATE TABLE input_tags (input_uuid VARCHAR(36), name VARCHAR(255), value VARCHAR(500));
CREATE TABLE datasets (dataset_uuid VARCHAR(36), experiment_id INTEGER, name VARCHAR(500), digest VARCHAR(36),
    dataset_source_type VARCHAR(36), dataset_source TEXT, dataset_schema TEXT, dataset_profile TEXT);
INSERT INTO logged_models VALUES
    ('{FIRST}', 1, 'clf', '/old/mlartifacts/1/models/{FIRST}/artifacts', {BEGAN_MS}, 'active', NULL, '{run_id(1)}'),
    ('{SECOND}', 1, 'clf', '/old/mlartifacts/1/models/{SECOND}/artifacts', {BEGAN_MS}, 'active', '', '{run_id(1)}'),
    ('{DELETED}', 1, 'clf', 's3://bucket/x', {BEGAN_MS}, 'deleted', NULL, '{run_id(1)}');
INSERT INTO logged_model_params VALUES ('{FIRST}', 'depth', '3');
INSERT INTO logged_model_tags VALUES ('{FIRST}', 'kind', 'tree');
INSERT INTO inputs VALUES
    ('a', 'RUN_OUTPUT', '{run_id(1)}', 'MODEL_OUTPUT', '{FIRST}', 0),
    ('b', 'RUN_OUTPUT', '{run_id(1)}', 'MODEL_OUTPUT', '{SECOND}', 5),
    ('c', 'RUN_INPUT', '{run_id(2)}', 'MODEL_INPUT', '{SECOND}', 0),
    ('d', 'RUN_INPUT', '{run_id(2)}', 'MODEL_INPUT', '{FIRST}', 0),
    ('e', 'DATASET', 'd1', 'RUN', '{run_id(2)}', 0);
INSERT INTO input_tags VALUES ('e', 'mlflow.data.context', 'eval');
INSERT INTO datasets VALUES ('d1', 1, 'numbers', 'abc', 'local', '{{"uri": "/data/x"}}', NULL, NULL);
"""  # noqa: S608 - a test's own


def test_a_folder_with_an_mlmodel_is_an_output_model(make: Make, store: Store) -> None:
    mlmodel = "flavors:\n  python_function: {}\n  sklearn: {}\nmlflow_version: 2.9.0\nsignature:\n  inputs: '[]'\n"
    made = Made(artifacts={"best/MLmodel": mlmodel.encode(), "best/data/model.pkl": b"weights", "x.txt": b"x"})
    paths = paths_of(store, one(store, make(made)))
    assert artifacts.read(paths).artifacts.keys() == {"x.txt"}
    (model,) = models.read(paths).output.values()
    assert (model.name, model.framework, model.is_package) == ("best", "ScikitLearn", True)
    assert model.metadata["mlflow_version"].value == "2.9.0"
    assert model.metadata["signature"].value == '{"inputs":"[]"}'
    assert model.file is not None
    assert model.file.path == "files/models/best/best.zip"


def logged_model(root: Path, model: str) -> None:
    home = root / EXPERIMENT / "models" / model
    said = f"artifact_location: {ELSEWHERE}/{EXPERIMENT}/models/{model}/artifacts\ncreation_timestamp: {BEGAN_MS}\n"
    write(home / "meta.yaml", f"{said}model_id: {model}\nname: clf\nsource_run_id: '{run_id(1)}'\nstatus: 2\n")
    write(home / "params" / "depth", "3")
    write(home / "tags" / "kind", "tree")
    write(home / "artifacts" / "MLmodel", "flavors:\n  xgboost: {}\n")
    write(home / "artifacts" / "model.bin", b"weights")


def test_a_logged_model_is_an_output_model_of_its_run(store: Store, tmp_path: Path) -> None:
    root = folders(tmp_path / "mlruns", whole(), whole(id=run_id(2)))
    logged_model(root, f"m-{run_id(8)}")
    found = [each for each in bring(store, root) if isinstance(each, Imported)]
    (model,) = models.read(paths_of(store, found[0])).output.values()
    assert (model.name, model.framework, model.created) == ("clf", "XGBoost", BEGAN)
    assert (model.metadata["param/depth"].value, model.metadata["tag/kind"].value) == ("3", "tree")
    assert model.size > 0
    assert models.read(paths_of(store, found[1])).output == {}


def test_data_that_was_read_is_an_artifact_that_was_given(store: Store, tmp_path: Path) -> None:
    root = folders(tmp_path / "mlruns", whole())
    link = "destination_type: RUN\nsource_id: d1\nsource_type: DATASET\ntags:\n  mlflow.data.context: training\n"
    write(root / EXPERIMENT / run_id(1) / "inputs" / "i1" / "meta.yaml", link)
    said = "digest: abc\nname: numbers\nsource_type: http\nprofile: '{\"n\": 3}'\n"
    said += 'source: \'{"url": "https://u:p@x/y.csv"}\'\n'
    write(root / EXPERIMENT / "datasets" / "d1" / "meta.yaml", said)
    item = artifacts.read(paths_of(store, one(store, root))).artifacts["numbers"]
    assert (item.mode, item.uri, item.type) == ("input", "https://x/y.csv", "dataset")
    assert ["digest", "abc"] in item.display_data
    assert ["context", "training"] in item.display_data
    assert '"n": 3' in item.type_data.preview


def test_a_database_says_of_models_who_made_them_and_who_was_given_them(store: Store, tmp_path: Path) -> None:
    path = database(tmp_path / "mlflow.db", Made(), Made(id=run_id(2)), more=TABLES)
    for name, text in ((FIRST, "one"), (SECOND, "two")):
        write(
            tmp_path / "mlartifacts" / "1" / "models" / name / "artifacts" / "MLmodel", f"flavors: {{{text}: {{}}}}\n"
        )
    maker, user = (each for each in bring(store, path) if isinstance(each, Imported))
    output = models.read(paths_of(store, maker)).output
    assert output.keys() == {model_id(FIRST), model_id(SECOND)}
    assert [(item.framework, item.iteration) for item in output.values()] == [("one", None), ("two", 5)]
    assert len({item.file.path for item in output.values() if item.file is not None}) == 2
    assert output[model_id(FIRST)].metadata["param/depth"].value == "3"
    assert output[model_id(FIRST)].metadata["tag/kind"].value == "tree"
    assert maker.notes == ("a deleted model was left out",)
    given = models.read(paths_of(store, user)).input.values()
    assert {(item.model, item.task) for item in given} == {
        (model_id(FIRST), maker.task_id),
        (model_id(SECOND), maker.task_id),
    }
    assert [item.about for item in given] == [None, None]
    data = artifacts.read(paths_of(store, user)).artifacts["numbers"]
    assert (data.mode, data.uri) == ("input", "/data/x")
    assert ["context", "eval"] in data.display_data
    assert doctor.check(store) == []


def test_of_a_model_whose_files_are_elsewhere_the_address_is_kept(store: Store, tmp_path: Path) -> None:
    more = TABLES.replace(f"/old/mlartifacts/1/models/{FIRST}/artifacts", "s3://key:secret@bucket/clf")
    found = one(store, database(tmp_path / "mlflow.db", Made(), more=more))
    output = models.read(paths_of(store, found)).output
    assert (output[model_id(FIRST)].uri, output[model_id(FIRST)].file) == ("s3://bucket/clf", None)
    assert "the files of model 'clf' are not here: they were at s3://bucket/clf" in found.notes


def test_the_step_that_a_model_was_logged_at_is_its_iteration(store: Store, tmp_path: Path) -> None:
    root = folders(tmp_path / "mlruns", whole())
    logged_model(root, FIRST)
    logged_model(root, SECOND)
    for name, step in ((FIRST, "40"), (SECOND, "[1]")):
        write(root / EXPERIMENT / run_id(1) / "outputs" / name / "meta.yaml", f"destination_id: {name}\nstep: {step}\n")
    output = models.read(paths_of(store, one(store, root))).output
    assert {key: item.iteration for key, item in output.items()} == {model_id(FIRST): 40, model_id(SECOND): None}
