"""A diagnosis of a batch that was made with known shifts, and whether it names them.

It runs in a process of its own.
"""

import multiprocessing
import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pickle import PicklingError
from typing import Literal

import torch
from torch import nn

from shiftassay import interrupts
from shiftassay.diagnosis.diagnose import diagnose
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.diagnosis.wording import confidence_in_words
from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.records import Record
from shiftassay.shifts.compose import in_normal_form
from shiftassay.shifts.family import Shift
from shiftassay.shifts.wording import in_words

POLITE = 10  # added to the niceness of the process, so that the page stays quick


@dataclass(frozen=True)
class BatchVerdict(Record):
    """What was set and what was found, in words, and the whole diagnosis as a terminal shows it."""

    named: bool
    sentence: str
    set_to: str
    verdict: str
    confidence: str
    report: str


@dataclass(frozen=True)
class BatchState(Record):
    """How a diagnosis stands: `seconds` since it began, its result when done, or why it failed."""

    state: Literal["none", "running", "done", "failed"]
    seconds: float = 0.0
    result: BatchVerdict | None = None
    error: str = ""


@dataclass(frozen=True)
class Batch:
    """A reference, the shifted images, what was put on them, and the model to ask."""

    reference: ImageSet
    shifted: ImageSet
    shift: Shift
    model: nn.Module | None
    seed: int = 0

    def diagnosed(self) -> BatchVerdict:
        """The diagnosis, which is not told what was put on."""
        diagnosis = diagnose(self.reference, self.shifted, model=self.model, seed=self.seed)
        named, sentence = judged(self.shift, diagnosis.verdict)
        verdict = diagnosis.verdict
        words = in_words(verdict, verdict.intervals) if verdict.shift else verdict.family
        confidence = confidence_in_words(verdict.confidence)
        return BatchVerdict(named, sentence, str(self.shift), words, confidence, str(diagnosis))


def judged(put_on: Shift, verdict: Verdict) -> tuple[bool, str]:
    """Whether a verdict names what was put on, and a sentence that says it.

    >>> from shiftassay.shifts.catalog import parse
    >>> judged(parse("invert"), Verdict(parse("invert"), {}, {}, 1.0, 0.99))
    (True, 'The diagnosis names what was set.')
    """
    wanted = [part.family for part in in_normal_form(put_on).components]
    families = [part.family for part in verdict.parts]
    if families == wanted:
        return True, "The diagnosis names what was set."
    if sorted(families) == sorted(wanted):
        return True, "The diagnosis names the shifts that were set, in another order."
    if len(wanted) == 1 and wanted[0] in verdict.equivalent:
        return True, f"The diagnosis says {verdict.family}, and that {wanted[0]} fits these images as well."
    if verdict.shift is None:
        return False, "The diagnosis finds nothing in the catalogue that makes these images."
    return False, "The diagnosis names something else."


class BatchDiagnosis:
    """One diagnosis at a time, in a process that ends with this one. Any thread may ask."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process: BaseProcess | None = None
        self._results: Connection | None = None
        self._began = 0.0
        self._last = BatchState("none")

    def start(self, batch: Batch) -> None:
        """Begin a diagnosis, which takes seconds; one that still runs is stopped.

        Raises `BadInput` for a model that can't be sent to another process.
        """
        with self._turn:
            self._end()
            context = multiprocessing.get_context("spawn")
            self._results, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, batch), daemon=True)
            try:
                process.start()
            except (TypeError, AttributeError, PicklingError):  # what pickle raises for what it can't take
                self._end()
                raise BadInput("this network can't be sent to another process. Diagnose without a network.") from None
            finally:
                theirs.close()
            self._process, self._began, self._last = process, time.monotonic(), BatchState("running")

    def state(self) -> BatchState:
        """How it stands."""
        with self._turn:
            if self._results is None:
                return self._last
            seconds = time.monotonic() - self._began
            try:
                if not self._results.poll():
                    return BatchState("running", seconds)
                received = self._results.recv()
            except (EOFError, OSError):
                received = "the process of the diagnosis ended early. Is there enough memory?"
            self._end()
            if isinstance(received, BatchVerdict):
                self._last = BatchState("done", seconds, received)
            else:
                self._last = BatchState("failed", seconds, error=str(received))
            return self._last

    def stop(self) -> None:
        """Stop what runs."""
        with self._turn:
            self._end()

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._results is not None:
            self._results.close()
        self._process, self._results, self._last = None, None, BatchState("none")


def _work(results: Connection, batch: Batch) -> None:
    """In a process of its own: send the verdict, or what was wrong."""
    threading.Thread(target=_end_with_parent, args=(results,), daemon=True).start()
    with suppress(OSError, AttributeError):
        os.nice(POLITE)
    torch.set_num_threads(1)
    try:
        results.send(batch.diagnosed())
    except BadInput as error:
        results.send(str(error))
    except KeyboardInterrupt:  # which the whole group of the terminal is sent
        return


def _end_with_parent(results: Connection) -> None:
    """End this process once the other one closes its end of the pipe, or is gone."""
    with suppress(EOFError, OSError):
        results.recv()
    os._exit(interrupts.EXIT_CODE)
