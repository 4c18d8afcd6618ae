"""What is installed is what stands in the checkout."""

from __future__ import annotations

import re
from pathlib import Path

_ROOT = Path(__file__).parent.parent
_EXTRA = re.compile(r"\btaskstore\[(\w+)\]")


def _section(title: str) -> str:
    return (_ROOT / "pyproject.toml").read_text("utf-8").partition(f"\n[{title}]\n")[2].partition("\n[")[0]


def _extras() -> dict[str, list[str]]:
    lines = re.findall(r"^(\w+) = \[(.*)\]$", _section("project.optional-dependencies"), re.M)
    return {extra: re.findall(r'"([\w-]+)[^"]*"', listed) for extra, listed in lines}


def test_every_package_of_the_checkout_is_installed() -> None:
    listed = re.search(r"^packages = \[(.*?)^\]", (_ROOT / "pyproject.toml").read_text(), re.M | re.S)
    assert listed is not None
    inits = (_ROOT / "taskstore").rglob("__init__.py")
    packages = {".".join(path.parent.relative_to(_ROOT).parts) for path in inits} | {"taskstore_cli"}
    assert set(re.findall(r'"([\w.]+)"', listed[1])) == packages


def test_the_extras_are_those_that_messages_and_pages_name() -> None:
    code = [path for folder in ("taskstore", "cli") for path in (_ROOT / folder).rglob("*.py")]
    pages = [_ROOT / "README.md", *(_ROOT / "docs").rglob("*.md")]
    users = [path for path in (*code, *pages) if path.parent.name != "decisions"]
    named = {name for path in users for name in _EXTRA.findall(path.read_text("utf-8"))}
    assert named == set(_extras())


def test_what_an_extra_brings_is_what_the_code_imports() -> None:
    text = "".join(path.read_text("utf-8") for path in (_ROOT / "taskstore").rglob("*.py"))
    modules = {
        "nvidia-ml-py": "pynvml",
        "protobuf": "google.protobuf",
        "detect-secrets": "detect_secrets.core.plugins.util",
        "s3fs": "fsspec",  # which imports it
        "markdown-it-py": "markdown_it",
    }
    for extra, distribution in ((extra, each) for extra, listed in _extras().items() for each in listed):
        module = modules.get(distribution, distribution)
        spellings = (f'import_module("{module}")', f"            import {module}\n", f"        from {module} import ")
        whole = (
            f"\n    from {module} import ",
            f"\nfrom {module}",
            f"\nimport {module}",
        )  # of a package that is imported late itself
        assert any(spelled in text for spelled in (*spellings, *whole)), (extra, distribution)
