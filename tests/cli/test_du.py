from .conftest import Cli, Workshop


def test_projects_and_the_total_are_measured_in_bytes(workshop: Workshop, cli: Cli) -> None:
    workshop.task("small run", "one")
    workshop.task("large run", "two/deep", files={"files/blob": b"x" * 100_000})
    done = cli("du")
    assert done.rows[0] == ["size", "files", "kind", "name"]
    sizes = {(kind, name): int(size) for size, _, kind, name in done.rows[1:]}
    assert sizes["project", "two"] >= sizes["project", "two/deep"] >= 100_000 > sizes["project", "one"]
    assert sizes["total", ""] >= sizes["project", "two"] + sizes["project", "one"]


def test_tasks_are_listed_the_greatest_first(workshop: Workshop, cli: Cli) -> None:
    large = workshop.task("large run", files={"files/blob": b"x" * 100_000})
    small = workshop.task("small run")
    rows = cli("du", "--tasks").rows[1:]
    assert [row[3].split()[0] for row in rows] == [large.id, small.id]
    assert rows[0][3] == f"{large.id}  examples/large run"


def test_json_has_bytes_and_files(workshop: Workshop, cli: Cli) -> None:
    workshop.task()
    objects = cli("du", "--json").objects
    assert objects[-1]["kind"] == "total"
    assert set(objects[0]) == {"kind", "name", "disk_bytes", "apparent_bytes", "file_count"}
    assert objects[0]["disk_bytes"] >= objects[0]["apparent_bytes"] > 0


def test_a_terminal_gets_units(workshop: Workshop, terminal: Cli) -> None:
    workshop.task()
    assert " KiB" in terminal("du").out


def test_a_damaged_task_is_measured_all_the_same(workshop: Workshop, cli: Cli) -> None:
    paths = workshop.task()
    paths.record.write_text("{")
    done = cli("du", "--tasks")
    assert done.code == 0
    assert done.rows[1][3] == paths.id
