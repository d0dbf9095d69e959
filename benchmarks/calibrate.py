"""`python -m benchmarks.calibrate`: fit what the diagnosis takes from measurements, and write its calibration.json.

The cases are drawn as those of the benchmark (`benchmarks.diagnosis.drawn`), from a seed that no benchmark uses:

- complexity penalties: the posterior mode of a conditional logit (McFadden 1974). Which of the candidates that fit is
  the right one? Its priors are normal about penalties that were chosen before any case was seen.
- confidence: logistic regressions of whether the best candidate is right, and of whether the shift is unknown, with a
  small ridge penalty. No probability is higher than the expected share of right ones among the surest of the cases, by
  the rule of succession.
- same source: by how much more fresh samples of one source differ than halves of one of them.
"""

import argparse
import json
import multiprocessing
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import cycle, islice
from time import perf_counter

import numpy as np
from benchmarks.calibration_case import CalibrationCase, calibration_case
from benchmarks.diagnosis import fashion, kept
from benchmarks.diagnosis.build import dataset
from scipy.optimize import minimize
from scipy.special import log_softmax

from shiftassay.diagnosis.calibration import Calibration, Logistic, Penalties
from shiftassay.diagnosis.unpaired.null import distances_of_halves
from shiftassay.files import write_whole
from shiftassay.random_stream import seed_for
from shiftassay.runs.environment import environment
from shiftassay.shifts.estimation.summary_statistics import feature_basis, summary_statistics

SEED = 500
"""For development, as all below 1000; neither the benchmark nor its development uses it."""
COUNTS = {
    "paired": 90,
    "small": 40,
    "compositions": 60,
    "triples": 12,
    "unknown": 60,
    "left_out": 30,
    "unpaired": 60,
    "null": 30,
    "unpaired unknown": 40,
}
FILE = kept.ROOT / "src" / "shiftassay" / "diagnosis" / "calibration.json"
PRIOR = Penalties(doubling=0.3, per_image=0.3, orders=3.0, part=0.25, general=0.4, noise=0.7, unpaired=3.0)
"""The means of the priors: chosen before any case was seen, so that fitting again does not drift."""
PRIOR_SD = 0.3  # of a penalty
UP, DOWN, EITHER = (0.0, None), (None, 0.0), (None, None)
SIGNS = {
    "known": {"distance": UP, "lead": UP, "log images": UP, "parts": EITHER},
    "unknown": {"distance": DOWN, "log images": UP},
}
"""Which sign a weight may have: no better fit, larger lead or more images make a verdict less sure."""
FEWEST = 20  # cases, of whose right ones a share is taken
RIDGE = 0.05  # of a logistic regression, on features as they are
SAMPLES = 200  # pairs of samples of one source
WEIGHTS = {
    "paired known": ("distance", "lead", "log images", "parts"),
    "paired unknown": ("distance", "log images"),
    "unpaired known": ("distance", "lead", "log images", "parts"),
    "unpaired unknown": ("distance", "log images"),
}
"""Of each regression: its features."""


def main() -> None:
    asked = _arguments()
    began = perf_counter()
    cases = _cases(asked.seed, COUNTS, asked.workers)
    fitted = fit(cases, _same_source(asked.seed))
    content = {
        "schema": "shiftassay.calibration/1",
        "command": " ".join(["python -m benchmarks.calibrate", *sys.argv[1:]]),
        "environment": environment().to_json(),
        "seed": asked.seed,
        **fitted.to_json(),
    }
    outer = json.dumps({**content, "cases": []}, indent=1)
    rows = ",\n".join(f"  {json.dumps(case.shown())}" for case in cases)
    write_whole(FILE, (outer.replace('"cases": []', f'"cases": [\n{rows}\n ]') + "\n").encode())
    print(json.dumps(fitted.to_json(), indent=1))
    print(f"{len(cases)} cases in {perf_counter() - began:.0f} s")


def fit(cases: Sequence[CalibrationCase], same_source: float) -> Calibration:
    """All that is fitted to the cases."""
    return Calibration(
        penalties=_penalties([case for case in cases if case.right and len(case.rows) > 1]),
        confidence={kind: _logistic(kind, cases, names) for kind, names in WEIGHTS.items()},
        same_source=same_source,
    )


def _penalties(cases: Sequence[CalibrationCase]) -> Penalties:
    """The penalties under which the right candidates are most probable among those that fit."""
    prior = PRIOR.to_json()
    names = list(prior)
    before = np.array([prior[name] for name in names])
    choices = [
        (np.array([[row.features[name] for name in names] for row in case.rows]), _logs(case), _right(case))
        for case in cases
    ]

    def cost(at: np.ndarray) -> float:
        scale, penalties = np.exp(at[0]), before + PRIOR_SD * at[1:]
        # The last one multiplies, where the others are added.
        costs = (
            features[:, :-1] @ penalties[:-1] + logs + penalties[-1] * features[:, -1] for features, logs, _ in choices
        )
        chances = sum(
            float(np.logaddexp.reduce(log_softmax(-scale * each)[right]))
            for each, (_, _, right) in zip(costs, choices, strict=True)
        )
        return -chances + 0.5 * float(at @ at)

    best = minimize(cost, np.zeros(1 + len(names)), method="L-BFGS-B").x
    values = np.maximum(before + PRIOR_SD * best[1:], 0)
    return Penalties(**{name: round(float(value), 3) for name, value in zip(names, values, strict=True)})


def _logs(case: CalibrationCase) -> np.ndarray:
    return np.array([row.log_misfit for row in case.rows])


def _right(case: CalibrationCase) -> np.ndarray:
    return np.array([row.right for row in case.rows])


def _logistic(kind: str, cases: Sequence[CalibrationCase], names: tuple[str, ...]) -> Logistic:
    """The regression of one kind of verdict, on the cases where it could be given."""
    pairing, _, what = kind.partition(" ")
    of_kind = [case for case in cases if case.evidence.pairing == pairing and case.fits == (what == "known")]
    right = np.array([case.right if what == "known" else case.unknown for case in of_kind], float)
    features = np.array([[case.evidence.features()[name] for name in names] for case in of_kind])

    def cost(at: np.ndarray) -> float:
        logits = at[0] + features @ at[1:]
        return float(np.sum(np.logaddexp(0, logits) - right * logits) + 0.5 * RIDGE * np.sum(at**2))

    bounds = [EITHER, *(SIGNS[what][name] for name in names)]
    weights = minimize(cost, np.zeros(1 + len(names)), method="L-BFGS-B", bounds=bounds).x
    surest = np.cumsum(right[np.argsort(-(features @ weights[1:]), kind="stable")])
    sizes = np.arange(1, len(right) + 1)
    most = ((surest + 1) / (sizes + 2))[min(FEWEST, len(right)) - 1 :].max()
    return Logistic(
        round(float(weights[0]), 4),
        {name: round(float(weight), 4) for name, weight in zip(names, weights[1:], strict=True)},
        round(float(most), 4),
    )


def _same_source(seed: int) -> float:
    """The largest of the ratios of the distance of two samples to the mean distance of halves of one of them.

    One sample is of the test images, the other of the training images, which other people wrote.
    """
    names = ["mnist", *([fashion.DATASET] if fashion.INSTALLED_HERE else [])]
    rng = np.random.default_rng(seed_for("calibrate", seed, "same source"))
    ratios = []
    for name in islice(cycle(names), SAMPLES):
        n = int(np.exp(rng.uniform(np.log(100), np.log(1000))))
        test, train = (
            side.images[rng.choice(len(side), n, replace=False)] for side in (dataset(name).test, dataset(name).train)
        )
        basis = feature_basis(train)
        distance = summary_statistics(test, basis).distance(summary_statistics(train, basis))
        ratios.append(distance / float(np.mean(distances_of_halves(test, n, 6, n, rng))))
    return round(max(ratios), 2)


def _cases(seed: int, counts: Mapping[str, int], workers: int) -> list[CalibrationCase]:
    """The cases, from what is kept or made now; those that no search decides are left out."""
    kept.FOLDER.mkdir(parents=True, exist_ok=True)
    places = [(seed, stratum, index) for stratum, count in counts.items() for index in range(count)]
    files = {place: kept.file(f"calibrate-{place[1]}-{place[2]}", str(place)) for place in places}
    done = {place: json.loads(file.read_text()) for place, file in files.items() if file.exists()}
    missing = [place for place in places if place not in done]
    for count, (place, case) in enumerate(_made(missing, workers), 1):
        done[place] = None if case is None else case.to_json()
        write_whole(files[place], json.dumps(done[place]).encode())
        print(f"[{count}/{len(missing)}] {place[1]}-{place[2]}", flush=True)
    return [CalibrationCase.from_json(done[place]) for place in places if done[place] is not None]


def _made(
    places: Sequence[tuple[int, str, int]], workers: int
) -> Iterable[tuple[tuple[int, str, int], CalibrationCase | None]]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, kept.single_threaded) as pool:
        futures = {pool.submit(calibration_case, *place): place for place in places}
        yield from ((futures[future], future.result()) for future in as_completed(futures))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibrate", description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--workers", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
