"""Numbers that nobody measured: names, levels, sizes, versions, limits and settings, as they stand on each page."""

DEFINITIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "README.md": {
        "level": ("Numbers in brackets are 95% intervals",),
        "version": ("Python 3.11 or newer", "CC BY-SA 3.0"),
        "size": ("black (0) to white (1)", "28 × 28", "224 × 224"),
        "limit": ("at least 50 a set, better 1,000", "measured from 150"),
        "setting": ("rotate (angle = 15)", "turned by 15°", "60 to 10,000 images", "60 to 10,000 were measured"),
    },
    "docs/studies.md": {
        "name": ("Seed 000", "Seed 003", "training seed 0", "counted from 0"),
        "setting": ("with a margin of ±0.1",),
        "level": ("brackets are 95% intervals",),
        "what the document says": ("trained once each for 300 epochs",),
    },
    "docs/diagnosis.md": {
        "level": ("at 95%", "at most 1%", "p < 0.0001", "% [95%]"),
        "name": ("Seeds below 1000", "seed of 1000 or more", "Seed 1002 was an earlier test"),
        "size": ("float, 8 bits", "4 × 4 square"),
        "tolerance": ("within 5%",),
        "setting": (
            "60 to 10,000",
            "an sd of 0.1 to 1.2",
            "at most 3,000 images",
            "less than 0.02 in strength",
            "in no catalogue, 0.15",
            "8 standard errors",
            "less than 30% of the change",
            "less than 1.5 pixels",
            "a strength below 0.1",
            "less than 30% of the whole change (of three: 25%)",
            "600 or 200 images",
        ),
    },
    "docs/performance.md": {
        "name": ("AVX-512",),
        "size": ("16 images in the lanes",),
        "level": ("More than 100%",),
        "tolerance": ("allow 5% of the largest move", "1% elsewhere"),
    },
    "docs/reliability.md": {
        "name": ("SHA-256", "exit code 0", "exit code 130"),
        "limit": (
            "1.5 s after the signal",
            "at most 2,000 bytes, within 5 s, and in memory at most 3 × what the file decodes to",
            "300 MiB",
        ),
        "setting": ("100 mutated inputs", "500 in", "20,000 on demand", "300 images"),
    },
    "docs/usage.md": {
        "name": ("exit code is 0; 1 where", "2 for bad input", "130 after an interrupt", "if all are −1"),
        "size": ("black 0 and white 1", "from black 0 to white 1"),
        "limit": ("more than 50,000 images",),
        "version": ("PyTorch 2.13.0", "accepts 2.11 and newer"),
    },
    "docs/quickstart.md": {
        "version": ("Python 3.11 or newer",),
        "setting": ("rotate (angle = 1…)", "confidence 9…%"),
    },
    "docs/proof.md": {"level": ("0 is equal, 1 is no better than no shift at all",)},
    "docs/confidence.md": {
        "level": (
            "holds 95% of the errors. Above 1",
            "97 in 100 verdicts that say so should be right",
            "A 95% interval should hold the truth 95 times in 100",
        ),
        "size": ("28 × 28",),
    },
    "docs/statistics.md": {
        "name": ("(1927)", "(1998)", "(2003)", "(1946)", "(1979)", "seeds below 1000"),
        "level": ("near 100%", "excludes 0", "95% prediction interval", "The level of both is 1%"),
    },
    "docs/limits.md": {"size": ("28 × 28",), "setting": ("60 to 10,000 images",)},
    "docs/playground.md": {"level": ("in 95%",)},
    "docs/glossary.md": {"level": ("[0, 1]", "0 is equal, 1 is no better than no shift")},
    "docs/exercises/shifted-test-sets.md": {
        "name": ("## 1. Train", "## 2. Measure", "## 3. Explain", "## 4. Repair", "## 5. Contrast", "## 6. One model"),
        "size": ("with 500, 500, 500, 200, 200, 100, 50 and 10 units",),
        "setting": ("at most 20 epochs", "at least 95% of the clean", "chosen on 5,000"),
    },
    "docs/exercises/spatial-attention.md": {
        "name": ("## 1. Read", "## 2. Count", "## 3. Plan", "## 7. Where"),
        "what the document says": ("once for 300 epochs", "about 99.3%", "The best of 300 epochs"),
        "setting": ("trains for 300 epochs",),
    },
    "docs/tutorials/architectures.md": {"level": ("95% interval for new seeds",)},
    "docs/tutorials/camera.md": {"setting": ("gaussian_blur (sd = 1.2…)",)},
    "docs/tutorials/gate.md": {
        "name": ("exit code 1 and says why", "| 0 | as expected", "| 1 | what was", "| 2 | the input"),
        "setting": ("exit code 1 if accuracy on any later set is more than 0.5 percentage points", "more than 0.5% of"),
    },
    "docs/tutorials/own-model.md": {"setting": ("gamma (exponent = 2.5…",), "size": ("black 0 and white 1",)},
    "docs/tutorials/production.md": {
        "setting": ("gain (factor = 0.6…", "1,000 images a set"),
    },
    "docs/tutorials/serving.md": {
        "name": ("channel_order (order = [2, 1, 0]…", "exit code 1 if anything"),
        "setting": ("| 0 … 255 where 0 … 1 was expected",),
    },
}
"""By page and kind. Keep it short: what could be measured is a claim, and belongs to `sentences`."""
