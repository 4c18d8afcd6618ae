"""Capture of Hydra: its overrides become section "Hydra", the configuration that it composes becomes "OmegaConf".

What Hydra calls is the program's function, within which most programs say Task.init: that call is where all is
reported. A task that is run again takes its stored overrides in the place of the command line's of the same name. Only
where `_allow_omegaconf_edit_` is stored as true is the stored configuration object itself given to the function; the
overrides then count for nothing. A stored override with which nothing can be composed is left out, and noted; of a
multirun it is Hydra's error. Of a multirun each job is reported anew; a task that began within a job ends with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import update_wrapper, wraps
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

from ..core.errors import BadValue
from ..core.frames import leave_no_frame
from ..core.secrets import MASK
from ..core.values import from_text
from .base import Found, Sink, contained, swapped
from .relay import Relay

SECTION = "Hydra"
CONFIGURATION = "OmegaConf"
EDITABLE = "_allow_omegaconf_edit_"

_ABOUT_EDITABLE = f"If true, the configuration object {CONFIGURATION} is used as it is stored, and no override counts"


def patched(module: ModuleType, sink: Sink) -> AbstractContextManager[None]:
    """Capture the jobs that ran or run; the module is hydra._internal.hydra."""
    return RELAY.patched(module, sink)


@contextmanager
def _hooked(module: ModuleType) -> Iterator[None]:
    with ExitStack() as hooks:
        for name in ("run", "multirun"):
            hooks.enter_context(swapped(module.Hydra, name, _running))
        yield


RELAY = Relay("hydra", _hooked)


def _running(method: Any) -> Callable[..., Any]:  # noqa: ANN401 - a method of Hydra's
    @wraps(method)
    def run(
        self: Any,  # noqa: ANN401 - Hydra's own
        config_name: str | None,
        task_function: Callable[..., Any],
        overrides: list[str],
        *args: Any,  # noqa: ANN401 - Hydra's own
        **kwargs: Any,  # noqa: ANN401 - Hydra's own
    ) -> Any:  # noqa: ANN401 - Hydra's own
        job = _Job(task_function, self.config_loader, is_one_of_several=method.__name__ == "multirun")
        with contained(RELAY, RELAY.capture):
            stored = RELAY.stored(SECTION)
            if stored and not job.is_one_of_several:
                stored = job.fitting(
                    overrides, stored, lambda given: self.compose_config(config_name, given, _run_mode())
                )
            overrides = _with_stored(overrides, stored, job.is_group)
        try:
            return method(self, config_name, job, overrides, *args, **kwargs)
        except BaseException as error:
            leave_no_frame(error)
            raise

    return run


class _Misfit(NamedTuple):
    """A stored override with which no configuration can be composed."""

    name: str
    text: str
    kept: str
    why: str


def _hydras_errors() -> tuple[type[Exception], ...]:
    return import_module("hydra.errors").HydraException, import_module("omegaconf.errors").OmegaConfBaseException


def _run_mode() -> Any:  # noqa: ANN401 - a member of Hydra's RunMode
    return import_module("hydra.types").RunMode.RUN


def _first_line(error: Exception) -> str:
    return str(error.__cause__ or error).strip().partition("\n")[0]


class _Job:
    """The program's function, with a report before each call. Launchers may send it to other processes."""

    def __init__(self, function: Callable[..., Any], loader: Any, *, is_one_of_several: bool) -> None:  # noqa: ANN401
        self._function = function
        self._loader = loader
        self.is_one_of_several = is_one_of_several
        self._misfits: list[_Misfit] = []
        update_wrapper(self, function)

    def is_group(self, name: str) -> bool:
        """Tell whether an override chooses a file of a group, rather than sets a value."""
        return bool(self._loader.repository.group_exists(name.partition("@")[0]))

    def fitting(
        self, given: list[str], stored: Mapping[str, str], compose: Callable[[list[str]], Any]
    ) -> dict[str, str]:
        """Return the stored overrides with which a configuration can be composed; of the others the job will tell."""
        fitting = dict(stored)
        try:
            compose(_with_stored(given, stored, self.is_group))
        except _hydras_errors():
            pass
        else:
            return fitting
        try:
            config = compose(given)
        except _hydras_errors():
            return fitting  # Hydra's own error is the best there is
        for name, text in stored.items():
            try:
                compose(_with_stored(given, {name: text}, self.is_group))
            except _hydras_errors() as error:
                del fitting[name]
                self._misfits.append(_Misfit(name, text, self._kept(config, name, given), _first_line(error)))
        return fitting

    def _kept(self, config: Any, name: str, given: list[str]) -> str:  # noqa: ANN401 - a configuration of OmegaConf's
        bare = name.lstrip("+~")
        said = {one.lstrip("+"): value for one, value in map(_split, given)}
        if bare in said:
            return said[bare] or ""
        chosen = config.hydra.runtime.choices if self.is_group(bare) else config
        found = import_module("omegaconf").OmegaConf.select(chosen, bare)
        return "" if found is None else str(found)

    def __call__(self, config: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - Hydra's own
        with contained(RELAY, RELAY.capture):
            RELAY.forget()
            config = self._reported(config)
        ends = self.is_one_of_several and not RELAY.has_task
        try:
            result = self._function(config, *args, **kwargs)
        except BaseException as error:
            if ends:
                self._end(error)
            leave_no_frame(error)
            raise
        if ends:
            self._end()
        return result

    def _end(self, error: BaseException | None = None) -> None:
        if RELAY.has_task:
            with contained(RELAY, RELAY.capture):
                RELAY.end_task(error)

    def _reported(self, config: Any) -> Any:  # noqa: ANN401 - a configuration of OmegaConf's
        omega = import_module("omegaconf").OmegaConf
        overrides = import_module("hydra.core.hydra_config").HydraConfig.get().overrides.task
        stored = RELAY.parameters(SECTION, _found(overrides, self.is_group))
        for one in self._misfits:
            RELAY.misfit(one.name, one.text, one.kept, one.why)
            RELAY.correct(SECTION, {one.name: Found(one.kept, "str")})
        text = RELAY.configuration(CONFIGURATION, omega.to_yaml(config, resolve=False))
        if text is None or not _is_editable(stored):
            return config
        return omega.create(text)


def _split(override: str) -> tuple[str, str | None]:
    name, separator, value = override.partition("=")
    return name, value if separator else None


def _found(overrides: Any, is_group: Callable[[str], bool]) -> dict[str, Found]:  # noqa: ANN401 - a list of OmegaConf's
    found = {}
    for name, value in map(_split, overrides):
        found[name if is_group(name.lstrip("+")) else name.lstrip("+")] = Found(value, "str")
    return {**found, EDITABLE: Found(False, "bool", _ABOUT_EDITABLE)}


def _is_editable(stored: Mapping[str, str]) -> bool:
    try:
        return from_text(stored.get(EDITABLE, ""), "bool") is True
    except BadValue:
        return False


def _with_stored(overrides: list[str], stored: Mapping[str, str], is_group: Callable[[str], bool]) -> list[str]:
    """Return the overrides with the stored ones in their places; those that the command line lacks come last."""
    wanted = {name: text for name, text in stored.items() if name != EDITABLE and MASK not in text}
    if not wanted or _is_editable(stored):
        return overrides
    kept = [one for one in overrides if _split(one)[0].lstrip("+") not in {name.lstrip("+") for name in wanted}]
    for name, text in wanted.items():
        if name.startswith("~"):
            kept.append(f"{name}={text}" if text else name)
        else:
            kept.append(f"{name if is_group(name.lstrip('+')) else '++' + name.lstrip('+')}={text}")
    return kept
