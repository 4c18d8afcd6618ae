"""What chooses the next trial by how the earlier ones came out: Optuna's TPE, where that is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.errors import Refused
from .space import Choices, Domain, Name, Space

if TYPE_CHECKING:
    import optuna


class Tpe:
    """Asks Optuna's tree-structured Parzen estimator for parameters, and tells it what came of them."""

    def __init__(self, space: Space, *, is_to_minimise: bool, seed: int) -> None:
        try:
            import optuna
        except ImportError:
            raise Refused("--sampler tpe needs Optuna; `pip install 'taskstore[sweep]'` installs it") from None
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._space = space
        self._distributions = {"/".join(name): _distribution(optuna, domain) for name, domain in space.items()}
        self._study = optuna.create_study(
            sampler=optuna.samplers.TPESampler(seed=seed), direction="minimize" if is_to_minimise else "maximize"
        )
        self._failed = optuna.trial.TrialState.FAIL
        self._asked: dict[str, optuna.trial.Trial] = {}

    def ask(self) -> tuple[str, dict[Name, str]]:
        """Return a key, and parameters to try."""
        trial = self._study.ask(self._distributions)
        key = str(trial.number)
        self._asked[key] = trial
        return key, {name: _spelled(domain, trial.params["/".join(name)]) for name, domain in self._space.items()}

    def tell(self, key: str, value: float | None) -> None:
        """Say what came out of it; None where nothing did."""
        trial = self._asked.pop(key)
        if value is None:
            self._study.tell(trial, state=self._failed)
        else:
            self._study.tell(trial, value)


def _distribution(library: Any, domain: Domain) -> Any:  # noqa: ANN401 - Optuna's own types
    kinds = library.distributions
    if isinstance(domain, Choices):
        return kinds.CategoricalDistribution(domain.values)
    if domain.is_whole:
        return kinds.IntDistribution(int(domain.low), int(domain.high), log=domain.is_log)
    return kinds.FloatDistribution(domain.low, domain.high, log=domain.is_log)


def _spelled(domain: Domain, value: object) -> str:
    return str(value) if isinstance(domain, Choices) else domain.spelled(float(value))  # type: ignore[arg-type]  # a number
