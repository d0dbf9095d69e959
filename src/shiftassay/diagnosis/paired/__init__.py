"""Which shift lies between pairs of images, with which parameters, and does it fit?

A *remake* is a shift applied to the reference images; its *residual* is the shifted images minus the remake. Its
*misfit* is the share of the change that the residual is: 0 if the remake is perfect, 1 if it explains nothing. Of a
shift with noise, a remake can't be exact: its misfit is how far the residual differs from the noise that the shift
would make (`remake.py`, `mismatch.py`). A *candidate* is a shift with the misfit of its remake, and a *cost*:
log(misfit + tolerance) + complexity penalty + noise penalty (`candidate.py`, `complexity.py`).

1. The pairs are split (`task.py`): parameters are fitted to one part, candidates are judged on the other.
2. Each family estimates its parameters, simple families first (`search.py`). A look at a few pairs sorts out most,
   the rest are judged on all.
3. If no single shift fits, two and three in a row are tried (`compositions.py`): a first part that explains most of
   the change, then any family between its remake and the shifted images. Two that together look like one are tried as
   well (`hidden.py`). Then the parameters of all parts are fitted together (`joint.py`).
4. A candidate fits if its misfit is at most a limit, which is lower for more complex shifts. Of those that fit, the
   one of least cost wins; if none does, the shift is unknown. How sure that is follows from the distance to the limit
   and from the lead (`confidence.py`).
5. The winner's parameters are fitted again to more pairs (`refit.py`), and on disjoint parts of them, for intervals
   (`intervals.py`).
"""
