"""Which shift lies between pairs of images, with which parameters, and does it fit?

A *remake* is a shift applied to the reference images; its *residual* is the shifted images minus the remake. Its
*misfit* is the share of the change that the residual is: 0 if the remake is perfect, 1 if it explains nothing. A shift
with noise can't be remade exactly: its misfit also counts how far the residual differs from the noise that the shift
would make, the *noise discrepancy* (`remake.py`, `noise_discrepancy.py`). A *candidate* is a shift with its remake and
a *cost*: log(misfit + tolerance) + complexity penalty + noise penalty (`candidate.py`, `complexity.py`).

1. A task (`task.py`) has pairs to fit shared parameters to, and held-out pairs on which candidates are scored. Its
   *tolerance* is the misfit by which implementations of a shift differ on these images (`interpolation.py`).
2. Each family estimates its parameters, simple families first (`search.py`). All estimates are screened on a few pairs,
   the best are scored on all. The others keep the misfit of the screening and stay in the ranking.
3. A candidate fits if its misfit is no larger than those of its own remakes by other code and with other noise: its
   *null distribution* (`null.py`), at one level. The cheapest candidate that fits goes ahead of all others, unless one
   with the same noise and no more parameters leaves clearly less of the same pixels.
4. If that has few parameters, costs least, and leaves so little that another part would not pay for itself, the search
   is over. Otherwise compositions of two and three are tried (`compositions.py`): a first part that explains some of
   the change (`first_parts.py`), then any composable family after or before it (`further_parts.py`). Two shifts that
   together look like one are tried as well (`hidden.py`), and noise between others (`noise_between.py`). The parameters
   of all parts are fitted together (`joint.py`). Of the nearest that does not fit, each part is estimated again beside
   the other, and whole numbers step by step (`whole_steps.py`). Compositions are skipped if the change is an attack's
   or a move on white fits. In place of a shift that fits without noise but has many parameters, only equivalents with
   fewer are tried.
5. If nothing fits, or what fits is more probably wrong than right, the shift is unknown (`verdict.py`). The confidence
   follows from how far the misfit is below its limit, from the lead over the next families, and from the number of
   images, by a regression on cases that no benchmark uses (`evidence.py`, `calibration.py`).
6. The winner's parameters are fitted again to more pairs (`refit.py`), with their intervals (`intervals.py`).

Words that are easily confused:

| word | meaning |
| --- | --- |
| `exact` (trait) | all implementations agree up to rounding |
| `general` (trait) | it has enough parameters to imitate a composition of simpler shifts |
| group "noise" | changes every pixel by noise, or replaces some |
| `random` (trait) | draws what can't be inferred from the image: the group "noise", and overlays, save lines |
| `noise_fraction` > 0 | two remakes differ, whatever the traits say |
"""
