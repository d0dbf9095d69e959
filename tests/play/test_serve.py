"""The server answers its own page alone, and survives whatever else is sent."""

import base64
import http.client
import json
import random
import socket
import sys
from urllib.parse import urlsplit

import numpy as np
import pytest

from shiftassay.errors import BadInput
from shiftassay.play.guard import LARGEST_BODY
from shiftassay.play.playground import Playground
from shiftassay.play.serve import serve

PICTURE = base64.b64encode(bytes(784)).decode()
QUESTION = {"picture": PICTURE, "shifts": [{"family": "rotate", "parameters": {"angle": 20}}], "seed": 0}


def ask(address, method, path="", body=None, **headers):
    """Status, headers and content of an answer."""
    split = urlsplit(address)
    connection = http.client.HTTPConnection(split.hostname, split.port, timeout=20)
    given = {"Origin": f"http://{split.netloc}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    given = {name: value for name, value in given.items() if value is not None}
    try:
        connection.request(method, split.path + path, body, given)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def post(address, path, content):
    status, _, body = ask(address, "POST", path, json.dumps(content), Content_Type="application/json")
    return status, json.loads(body)


@pytest.mark.parametrize(
    ("path", "kind"),
    [("", "text/html"), ("play.js", "text/javascript"), ("play.css", "text/css"), ("icon.svg", "image/svg")],
)
def test_the_page_is_served_and_loads_nothing_from_elsewhere(address, path, kind):
    status, headers, body = ask(address, "GET", path)
    assert status == 200
    assert headers["content-type"].startswith(kind)
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert headers["referrer-policy"] == "no-referrer"
    assert not any(word in body for word in (b"//cdn", b"https:", b"@import"))


def test_it_says_what_can_be_set(address, playground):
    status, _, body = ask(address, "GET", "start")
    content = json.loads(body)
    assert status == 200
    assert content["networks"] == list(playground.models)
    assert {family["family"] for family in content["families"]} == set(playground.families)


def test_its_shelf_has_pictures_of_every_class(address):
    shelf = json.loads(ask(address, "GET", "pictures?seed=3")[2])
    assert {choice["label"] for choice in shelf} == set("0123456789")


def test_it_answers_a_question(address):
    status, content = post(address, "answers", QUESTION)
    assert status == 200
    assert [len(answer["after"]) for answer in content["answers"]] == [10, 10, 10]
    assert sum(content["answers"][0]["after"]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"picture": "AAAA"}, 400, "Load the page again"),
        ({"shifts": [{"family": "rotate", "parameters": {"angle": 1e9}}]}, 400, "from -180 to 180"),
        ({"shifts": [{"family": "rotate", "parameters": []}]}, 422, "parameters"),
        ({"shifts": [{"family": "invert", "parameters": {}}] * 9}, 422, "shifts"),
        ({"seed": -1}, 422, "seed"),
        ({"more": 1}, 422, "more"),
        ({"\ud800": 1}, 422, "unicode"),
        ({"shifts": [{"family": "\ud800", "parameters": {}}]}, 400, "can't be put on"),
        ({"shifts": [{"family": "rotate", "parameters": {"\ud800": 1}}]}, 400, "no control"),
    ],
)
def test_a_question_that_is_wrong_is_answered_with_a_sentence(address, change, status, words):
    got, content = post(address, "answers", {**QUESTION, **change})
    assert got == status
    assert words in content["error"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": None}, 403),
        ({"Content-Length": str(LARGEST_BODY + 1)}, 413),
        ({"Content-Length": None, "Transfer-Encoding": "chunked"}, 411),
    ],
)
def test_who_else_asks_is_refused(address, headers, status):
    split = urlsplit(address)
    given = {"Host": split.netloc, "Origin": f"http://{split.netloc}", "Content-Length": "2", **headers}
    lines = [f"{name}: {value}" for name, value in given.items() if value is not None]
    with socket.create_connection((split.hostname, split.port), timeout=20) as connection:
        connection.sendall("\r\n".join([f"POST {split.path}answers HTTP/1.1", *lines, "", ""]).encode())
        assert connection.recv(1000).split()[1] == str(status).encode()


@pytest.mark.parametrize("path", ["/", "/start", "//start", "/x/start", "/../start", "/%00/start"])
def test_without_the_token_there_is_nothing(address, path):
    split = urlsplit(address)
    assert ask(f"http://{split.netloc}", "GET", path)[0] == 404


def test_it_survives_a_thousand_bad_requests(address):
    rng, split = random.Random(5), urlsplit(address)
    good = json.dumps(QUESTION)
    for number in range(1000):
        kind = number % 5
        try:
            if kind == 0:  # no HTTP at all
                with socket.create_connection((split.hostname, split.port), timeout=5) as connection:
                    connection.sendall(rng.randbytes(rng.randrange(200)))
            elif kind == 1:  # a question with some bytes changed
                body = bytearray(good.encode())
                for _ in range(rng.randrange(1, 20)):
                    body[rng.randrange(len(body))] = rng.randrange(256)
                assert ask(address, "POST", "answers", bytes(body), Content_Type="application/json")[0] < 500
            elif kind == 2:  # nested without end
                deep = "[" * 20_000 if number % 2 else '{"a":' * 5000 + "1" + "}" * 5000
                assert ask(address, "POST", "answers", deep, Content_Type="application/json")[0] < 500
            elif kind == 3:  # any method and path
                method = rng.choice(["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"])
                assert (
                    ask(address, method, f"{rng.choice(['', 'answers', 'picture', '../..', 'page/x'])}?{number}")[0]
                    < 500
                )
            else:  # a picture's file that is none
                assert ask(address, "POST", "picture", rng.randbytes(300))[0] == 400
        except (ConnectionError, http.client.HTTPException):  # refused without an answer
            continue
    assert post(address, "answers", QUESTION)[0] == 200


def test_a_port_that_is_taken_is_said(playground, address):
    with pytest.raises(BadInput, match="can't be had"):
        serve(playground, port=urlsplit(address).port)


@pytest.mark.parametrize("package", ["fastapi", "uvicorn"])
def test_without_its_packages_the_extra_is_named(playground, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, "shiftassay.play.app", raising=False)
    with pytest.raises(BadInput, match=rf"needs {package}, which is not installed: pip install 'shiftassay\[play\]'"):
        serve(playground)


def test_a_playground_without_networks_still_shifts(playground):
    answered = Playground(playground.image_set, {}).answered(np.zeros((1, 1, 28, 28), np.float32), [], 0)
    assert answered.answers == ()
