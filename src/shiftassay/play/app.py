"""The playground as a web application: its page, and what the page asks for."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Annotated

import numpy as np
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import class_name
from shiftassay.play.batch import Batch, BatchDiagnosis
from shiftassay.play.pictures import as_url, dropped, picture_from_text, pixels_of
from shiftassay.play.playground import MOST_SHIFTS, Playground, Setting
from shiftassay.records import JsonObject, Record

ASSETS = {"index.html": "text/html", "play.css": "text/css", "play.js": "text/javascript", "icon.svg": "image/svg+xml"}
FEWEST, MOST = 50, 1000  # images of a batch
SHELF = 24  # pictures to choose from at a time

Seed = Annotated[int, Field(ge=0, lt=2**31)]


class Question(BaseModel):
    """A picture's bytes in base 64, and what is put on it."""

    model_config = ConfigDict(extra="forbid")
    picture: str
    shifts: Annotated[list[Setting], Field(max_length=MOST_SHIFTS)]
    seed: Seed = 0


class BatchQuestion(BaseModel):
    """What is put on a batch, how many images it has, and the title of the network to ask."""

    model_config = ConfigDict(extra="forbid")
    shifts: Annotated[list[Setting], Field(max_length=MOST_SHIFTS)]
    images: Annotated[int, Field(ge=FEWEST, le=MOST)]
    network: str | None = None
    seed: Seed = 0


@dataclass(frozen=True)
class Choice(Record):
    """A picture of the set that can be taken: a URL that holds it, and its class if known."""

    picture: str
    label: str | None


def application(playground: Playground, notes: Sequence[str] = ()) -> FastAPI:
    """The application, without a guard in front of it."""
    diagnosis = BatchDiagnosis()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        diagnosis.stop()

    app = FastAPI(lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)

    @app.exception_handler(BadInput)
    async def refused(request: Request, error: BadInput) -> JSONResponse:
        return JSONResponse({"error": str(error)}, 400)

    @app.exception_handler(RequestValidationError)
    async def misunderstood(request: Request, error: RequestValidationError) -> JSONResponse:
        problem = error.errors()[0]
        sentence = f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}."
        return JSONResponse({"error": str(BadInput(sentence))}, 422)  # which can be shown, whatever it quotes

    @app.get("/start")
    def start() -> JSONResponse:
        return JSONResponse(_start(playground, notes))

    @app.get("/pictures")
    def pictures(seed: Seed = 0) -> JSONResponse:
        return JSONResponse([choice.to_json() for choice in _choices(playground, seed)])

    @app.post("/picture")
    async def picture(request: Request) -> JSONResponse:
        pixels = await run_in_threadpool(dropped, await request.body(), playground.image_set.shape)
        return JSONResponse({"picture": as_url(pixels)})

    # On the loop, one after the other: two threads that ask the same models would be in each other's way.
    @app.post("/answers")
    async def answers(question: Question) -> JSONResponse:
        given = picture_from_text(question.picture, playground.image_set.shape)
        return JSONResponse(playground.answered(given, question.shifts, question.seed).to_json())

    @app.post("/diagnosis")
    async def begin(question: BatchQuestion) -> JSONResponse:
        await run_in_threadpool(diagnosis.start, _batch(playground, question))  # a process takes seconds to begin
        return JSONResponse(diagnosis.state().to_json(), 202)

    @app.get("/diagnosis")
    def state() -> JSONResponse:
        return JSONResponse(diagnosis.state().to_json())

    @app.delete("/diagnosis")
    def stop() -> JSONResponse:
        diagnosis.stop()
        return JSONResponse(diagnosis.state().to_json())

    @app.get("/")
    @app.get("/{name}")
    def asset(name: str = "index.html") -> Response:
        if name not in ASSETS:
            return JSONResponse({"error": "no such page"}, 404)
        return Response((files("shiftassay.play") / "page" / name).read_bytes(), media_type=ASSETS[name])

    return app


def _start(playground: Playground, notes: Sequence[str]) -> JsonObject:
    """What the page is built from."""
    channels, height, width = playground.image_set.shape
    return {
        "set": playground.image_set.name,
        "size": {"channels": channels, "height": height, "width": width},
        "classes": list(playground.image_set.classes or ()),
        "families": [family.to_json() for family in playground.families.values()],
        "networks": list(playground.models),
        "most_shifts": MOST_SHIFTS,
        "batch": {"fewest": FEWEST, "most": max(FEWEST, min(MOST, len(playground.image_set)))},
        "notes": list(notes),
    }


def _choices(playground: Playground, seed: int) -> list[Choice]:
    """Some pictures of the set drawn at random; with labels, as many of each class as can be."""
    image_set, order = playground.image_set, np.random.default_rng(seed).permutation(len(playground.image_set))
    if image_set.labels is not None:
        labels = image_set.labels[order]
        rank = np.zeros(len(order), np.int64)
        for label in np.unique(labels):
            rank[labels == label] = np.arange((labels == label).sum())
        order = order[np.lexsort((labels, rank))]
    order = order[:SHELF]
    if image_set.labels is not None:
        order = order[np.argsort(image_set.labels[order], kind="stable")]
    return [Choice(as_url(pixels_of(image_set.images[place])), _class_of(playground, int(place))) for place in order]


def _class_of(playground: Playground, place: int) -> str | None:
    image_set = playground.image_set
    if image_set.labels is None:
        return None
    return class_name(int(image_set.labels[place]), image_set.classes)


def _batch(playground: Playground, question: BatchQuestion) -> Batch:
    """Images drawn from the set, and the same with the shifts put on. Raises `BadInput`."""
    if question.network is not None and question.network not in playground.models:
        raise BadInput(f"{question.network!r} is no network of this page. Load it again.")
    image_set, rng = playground.image_set, np.random.default_rng(question.seed)
    some = rng.permutation(len(image_set))[: question.images]
    reference = image_set.subset(np.sort(some))
    shift = playground.shift(question.shifts)
    model = None if question.network is None else playground.models[question.network]
    return Batch(reference, playground.shifted(reference, shift, question.seed), shift, model, question.seed)
