"""Which shift lies between pairs of images, with which parameters, and does it fit?

A *remake* is a shift applied to the reference images; its *residual* is the shifted images minus the remake. Its
*misfit* is the share of the change that the residual is: 0 if the remake is perfect, 1 if it explains nothing. A shift
with noise can't be remade exactly: its misfit also counts how far the residual differs from the noise that the shift
would make, the *noise discrepancy* (`remake.py`, `noise_discrepancy.py`). A *candidate* is a shift with its remake and
a *cost*: log(weighted misfit + tolerance) + complexity penalty + noise penalty (`candidate.py`, `complexity.py`).

1. A task (`task.py`) has pairs to fit shared parameters to, and held-out pairs on which candidates are scored.
2. Each family estimates its parameters, simple families first (`search.py`). All estimates are screened on a few pairs,
   the best are scored on all. The others keep the misfit of the screening and stay in the ranking.
3. If no single shift is settled (its misfit so low that more parameters can't win), compositions of two and three are
   tried (`compositions.py`): a first part that explains most of the change, then any composable family after or before
   it. Two shifts that together look like one are tried as well (`hidden.py`). The parameters of all parts are fitted
   together (`joint.py`). Compositions are skipped if the change is an attack's or a move on white fits. In place of a
   nearly exact shift of many parameters, only equivalents with fewer are tried.
4. A candidate fits if its misfit is at most a limit, which is lower for more complex shifts. Of those that fit, the
   one of least cost wins. If none fits, or the winner is a composition of confidence below one half, the shift is
   unknown (`verdict.py`). The confidence follows from the distance to the limit and the lead (`confidence.py`).
5. The winner's parameters are fitted again to more pairs (`refit.py`), and on disjoint parts of them, for intervals
   (`intervals.py`).

Words that are easily confused:

| word | meaning |
| --- | --- |
| `exact` (trait) | all implementations agree up to rounding; without noise, such a shift has the lowest limit |
| inexact (`remake.py`) | moves, depends on neighbours or is approximate; others, without noise, get `STRICT_WEIGHT` |
| `approximate` (trait) | even the right estimate leaves a residual; its limit is that of a change which is all noise |
| `general` (trait) | it has enough parameters to imitate a composition of simpler shifts |
| group "noise" | changes every pixel by noise, or replaces some |
| `random` (trait) | draws what can't be inferred from the image: the group "noise", and random overlays |
| `noise_fraction` > 0 | two remakes differ, whatever the traits say |
"""
