"""MLflow: a run for each trial.

It is on the server that `MLFLOW_TRACKING_URI` names, else in a file beside the results.
"""

import os
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from shiftassay.errors import BadInput
from shiftassay.runs.results import EpochMetrics
from shiftassay.runs.trial import Trial
from shiftassay.training.tracking import TRACKERS, Tracker, numbers_of, settings_of

if TYPE_CHECKING:
    from mlflow.entities import Experiment

EXPERIMENT = "shiftassay"
TRIAL = "shiftassay.trial"


@TRACKERS.register("mlflow")
class MLflow(Tracker):
    """MLflow: look with `mlflow ui --backend-store-uri sqlite:///OUT/mlflow.db`."""

    requires: ClassVar[tuple[str, ...]] = ("mlflow", "sqlalchemy", "alembic")
    extra: ClassVar[str] = "mlflow"

    def __init__(self, root: Path):
        root.mkdir(parents=True, exist_ok=True)
        place = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{(root / 'mlflow.db').absolute()}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # those of its own dependencies
            from mlflow.exceptions import MlflowException
            from mlflow.tracking import MlflowClient

            try:
                self._client = MlflowClient(tracking_uri=place)
                self._experiment = self._client.get_experiment_by_name(EXPERIMENT) or self._new_experiment(root)
            except MlflowException as error:
                why = str(error).strip().partition(". ")[0]
                raise BadInput(f"--log-to mlflow: {why}. See MLFLOW_TRACKING_URI.") from None
        self._runs: dict[str, str] = {}

    def begin(self, trial: Trial) -> bool:
        of_trial = f"tags.`{TRIAL}` = '{trial.digest}'"
        for run in self._client.search_runs([self._experiment.experiment_id], of_trial):
            if run.info.status == "FINISHED":  # equal trials have equal numbers
                return False
            self._client.delete_run(run.info.run_id)
        tags = {TRIAL: trial.digest}
        run = self._client.create_run(self._experiment.experiment_id, tags=tags, run_name=trial.name)
        self._runs[trial.digest] = run.info.run_id
        for name, value in settings_of(trial).items():
            self._client.log_param(run.info.run_id, name, value)
        return True

    def add(self, trial: Trial, metrics: EpochMetrics) -> None:
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        numbers = [Metric(name, value, now, metrics.epoch) for name, value in numbers_of(metrics).items()]
        self._client.log_batch(self._runs[trial.digest], metrics=numbers)

    def end(self, trial: Trial, finished: bool) -> None:
        self._client.set_terminated(self._runs.pop(trial.digest), "FINISHED" if finished else "FAILED")

    def _new_experiment(self, root: Path) -> "Experiment":
        # Else MLflow would keep files of runs, of which there are none, in the folder that the command stands in.
        place = None if os.environ.get("MLFLOW_TRACKING_URI") else (root / "mlflow").absolute().as_uri()
        return self._client.get_experiment(self._client.create_experiment(EXPERIMENT, artifact_location=place))
