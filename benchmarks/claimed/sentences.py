"""What the prose of each page says with numbers, composed of numbers that are worked out anew."""

from collections.abc import Callable, Mapping
from math import ceil, sqrt
from statistics import mean, median

from benchmarks.claimed import example, shifted
from benchmarks.claimed.lines import Json

Results = Mapping[str, Json]
COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def readme(results: Results) -> list[str]:
    """How much faster than the tutorial's loop the slowest and the fastest networks train; memory of diagnoses."""
    ratios = []
    for network in results["speed-cpu"]["networks"].values():
        rounds = zip(network["seconds"]["tutorial loop"], network["seconds"]["ours, 2 threads"], strict=True)
        ratios.append(median(tutorial / ours for tutorial, ours in rounds))
    most = max(row["memory_gb"] for row in results["diagnosis-speed"]["diagnoses"])
    return [
        f"Train small networks {min(ratios):.0f} to {max(ratios):.0f} times as fast",
        f"less than {ceil(most)} GB",
        *example.sentences(results["example"]),
    ]


def studies(results: Results) -> list[str]:
    """Size and training of the perceptron, what random signs do to it, and what the spatial study looks at."""
    study = results["shifted-test-sets"]
    names = [image_set["name"] for image_set in study["sets"]]
    random_signs = names.index("t3")
    margin = study["members"][0]["evaluations"][random_signs]["comparison"]["margin"]
    of_seeds = [member["evaluations"][random_signs]["comparison"] for member in study["members"]]
    worse = sum(change["lost"] > change["gained"] for change in of_seeds)
    ratio, low, high = shifted.error_ratio(study, random_signs)
    right = {
        name: [100 * m["evaluations"][place]["correct"] / m["evaluations"][place]["n"] for m in study["members"]]
        for place, name in enumerate(names)
    }
    seeds, classes = len(study["members"]), len(study["members"][0]["evaluations"][0]["recall"])
    epsilon = study["sets"][names.index("t4")]["origin"].partition("epsilon = ")[2].partition(")")[0]
    others = sorted(right["t4"][1:])
    spatial = results["spatial-attention"]
    shifts = set(results["spatial-attention"]["sections"]["robustness"]["shifts"]) - {"identity"}
    return [
        f"{shifted.PARAMETERS:,} parameters and is trained for {study['recipe']['epochs']} epochs",
        f"falls to {mean(right['t1']):.2f}% on t1 and to {mean(right['t2']):.2f}% on t2 (mean of {seeds} training",
        f"guessing gives {100 / classes:.0f}%)",
        f"ε is {epsilon} of the range from black to white",
        f"random signs are shown to cost less than {100 * margin:g} points",
        f"errors are {ratio:.2f} times [{low:.2f}, {high:.2f}] those on clean",
        f"they rise in all {COUNTS[worse]}",
        f"and by less than {100 * margin:g} points. So it is called {shifted.effect(study, random_signs)}",
        f"t3 leaves {right['t3'][0]:.2f}% and t4 {right['t4'][0]:.2f}%",
        f"not attacked and lose less ({others[0]:.2f}% to {others[-1]:.2f}% remain)",
        f"with {COUNTS[_seeds(spatial)]} training seeds and a margin of ±{100 * _margin(spatial):g} points",
        f"each of {len(shifts)} shifts",
    ]


def _seeds(spatial: Json) -> int:
    return len(next(iter(spatial["trials"].values())))


def _margin(spatial: Json) -> float:
    return spatial["sections"]["accuracies"]["comparison"]["margin"]


def diagnosis(results: Results) -> list[str]:
    """How strong some changes of digits are, and how many cases the older benchmark had."""
    strengths = {row["change"]: sqrt(row["mean_square"] / row["variance"]) for row in results["example"]["changes"]}
    turned = [f"by {angle}° {strengths[f'rotation by {angle}°']:.2f}" for angle in (1, 5, 15)]
    return [
        f"Rounding to 8 bits is {strengths['rounding to 8 bits']:.3f}",
        f"cutting to 8 bits {strengths['cutting to 8 bits']:.3f}",
        f"a rotation of MNIST {', '.join(turned)}",
        f"{0.02 / round(strengths['cutting to 8 bits'], 3):.0f} times what cutting to 8 bits does",
        f"{len(results['diagnosis-listed']['cases']):,} listed cases",
    ]


def performance(results: Results) -> list[str]:
    """Arithmetic per second on one thread, and how long a first epoch takes."""
    speed, startup = results["speed-cpu"], results["startup"]["seconds"]
    sgemm = speed["sgemm_gflops"]["1"]
    rates = {
        name: network["gflop_per_epoch"] / median(network["seconds"]["ours, 1 thread"])
        for name, network in speed["networks"].items()
    }
    slowest = max(max(took) for command, took in startup.items() if command.startswith("train") and "epochs" in command)
    return [
        f"{rates['stn']:.0f} GFLOP/s (STN), {rates['mlp']:.0f} (MLP) and {rates['attention']:.0f} (attention)",
        f"matrix product reaches {sgemm:.0f} on one thread",
        f"before the command has run for {COUNTS[ceil(slowest)]} seconds",
    ]


def playground(results: Results) -> list[str]:
    """How long answers take, on the clock and of the processors, and an attack's alone."""
    measured = results["playground"]
    clock, processor = (
        sorted(time for family in measured[kind].values() for time in family)
        for kind in ("milliseconds", "processor_milliseconds")
    )
    in_most = ceil(0.95 * len(clock)) - 1
    attack = median(measured["processor_milliseconds"]["adversarial"])
    return [
        f"{len(clock)} settings of {len(measured['milliseconds'])} families",
        f"The {COUNTS[len(measured['networks'])]} networks' answers",
        f"take {median(processor):.0f} ms of processor time in the median",
        f"and at most {processor[in_most]:.0f} ms in 95%",
        f"{median(clock):.0f} ms in the median and at most {clock[in_most]:.0f} ms in 95%",
        f"(load {measured['load'][0]:.0f})",
        f"an attack on a network, {attack:.0f} ms",
    ]


SENTENCES: dict[str, Callable[[Results], list[str]]] = {
    "README.md": readme,
    "docs/studies.md": studies,
    "docs/diagnosis.md": diagnosis,
    "docs/performance.md": performance,
    "docs/playground.md": playground,
}
"""By page."""
