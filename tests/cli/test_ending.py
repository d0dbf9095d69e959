"""Whatever goes wrong, a command ends with an exit code and one sentence."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from shiftassay.cli import places
from shiftassay.cli.ending import BAD_INPUT, FAILED, ending, run_command_line
from shiftassay.errors import LONGEST, BadInput, unknown_name
from shiftassay.words.text import is_printable

SOURCE = Path(places.__file__).parents[1]


def run(monkeypatch, capsys, *arguments):
    """Exit code, and the lines on stdout and stderr, of a command in this process."""
    monkeypatch.setattr(sys, "argv", ["shiftassay", *map(str, arguments)])
    code = run_command_line()
    out, err = capsys.readouterr()
    return code, out.splitlines(), err.splitlines()


def failing(monkeypatch, error):
    """A verb that fails as no other does."""

    def fail(*_, **__):
        raise error

    monkeypatch.setattr("shiftassay.studies.built_in.built_in_studies", fail)


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (BadInput("x.npy: no such file."), BAD_INPUT, "x.npy: no such file."),
        (MemoryError(), FAILED, "not enough memory"),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to"),
            FAILED,
            "not enough memory",
        ),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"), FAILED, "not enough memory"),
        (
            PermissionError(13, "Permission denied", "secret\x1b.npy"),
            BAD_INPUT,
            r"secret\x1b.npy: can't be read or written",
        ),
        (
            FileNotFoundError(2, "No such file or directory", b"gone\xff"),
            BAD_INPUT,
            r"gone\udcff: can't be read or written",
        ),
        (BrokenPipeError(32, "Broken pipe"), FAILED, "could not be written (Broken pipe)"),
        (
            ZeroDivisionError("division by zero"),
            FAILED,
            "a fault of Shiftassay's own, not of what you gave: ZeroDivisionError: division",
        ),
        (RecursionError("maximum recursion depth"), FAILED, "a fault of Shiftassay's own"),
        (AssertionError(), FAILED, "AssertionError (cli/list_.py:"),
        (ValueError("x\x1b[2J" + "y" * 10**6), FAILED, r"ValueError: x\x1b[2Jyyy"),
        (SystemExit(0), FAILED, "SystemExit"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), FAILED, "UnicodeDecodeError"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_any_error_is_one_sentence(error, code, sentence, monkeypatch, capfd):
    failing(monkeypatch, error)
    monkeypatch.setattr("shiftassay.cli.ending.hang_up", lambda: None)
    actual, out, err = run(monkeypatch, capfd, "list", "studies")
    assert (actual, out) == (code, [])
    assert len(err) == 1
    assert sentence in err[0]
    assert is_printable(err[0])
    assert len(err[0].encode()) <= LONGEST


def test_the_traceback_of_an_unexpected_error_is_shown_on_demand(monkeypatch, capfd):
    failing(monkeypatch, ZeroDivisionError("division by zero"))
    monkeypatch.setenv("SHIFTASSAY_TRACEBACK", "1")
    code, _, err = run(monkeypatch, capfd, "list", "studies")
    assert code == FAILED
    assert err[0].startswith("Traceback")
    assert "SHIFTASSAY_TRACEBACK" in err[-1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train"], "Missing argument 'NETWORK[:k=v,…]'. See 'shiftassay train --help'."),
        (["nonsense\x1b[2J"], r"No such command 'nonsense\x1b[2J'. See 'shiftassay --help'."),
        (["train", "mlp", "--nonsense"], "No such option: --nonsense"),
        (["train", "mlp", "--seeds", "x\x1b"], "Invalid value for '--seeds'"),
        (["list", "networks", "more"], "unexpected extra argument"),
    ],
)
def test_usage_errors_are_one_sentence_and_exit_code_two(arguments, sentence, monkeypatch, capfd):
    code, out, err = run(monkeypatch, capfd, *arguments)
    assert (code, out, len(err)) == (BAD_INPUT, [], 1)
    assert sentence in err[0]


def test_help_is_no_error(monkeypatch, capfd):
    assert run(monkeypatch, capfd, "train", "--help")[0] == 0
    code, out, err = run(monkeypatch, capfd)
    assert (code, err) == (BAD_INPUT, [])
    assert out


@pytest.mark.parametrize("arguments", [["list", "networks"], ["--help"]])
def test_a_full_disk_and_a_closed_pipe_end_with_one_and_one_sentence(arguments):
    command = [sys.executable, "-m", "shiftassay.cli", *arguments]
    reading, writing = os.pipe()
    os.close(reading)
    with Path("/dev/full").open("w") as full, os.fdopen(writing, "w") as closed:
        for stdout in (full, closed):
            result = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
            assert result.returncode == FAILED
            assert len(result.stderr.splitlines()) == 1
            assert "could not be written" in result.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_the_letters_is_no_error(encoding):
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    command = [sys.executable, "-m", "shiftassay.cli", "list", "shifts"]
    result = subprocess.run(command, capture_output=True, env=environment, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    assert b"rotate" in result.stdout
    assert not result.stderr


def test_no_message_is_longer_than_two_kilobytes_and_its_end_is_kept():
    message = str(BadInput("a" * 10**6 + "é" * 10**6 + ". Do this."))
    assert len(message.encode()) <= LONGEST
    assert message.startswith("aaa")
    assert message.endswith("Do this.")
    long = str(unknown_name("thing", "x" * 10**6, [f"name {n}" for n in range(20_000)]))
    assert len(long.encode()) <= LONGEST
    assert "unknown thing 'xxx" in long


@pytest.mark.parametrize("name", ["v[/a]", "[/x]", "[bold]", "a\x1b[31mb", "\udce9", "$x^$", "<b>", "a`b`"])
def test_names_are_shown_whatever_they_hold(name, tmp_path, monkeypatch, capfd):
    path = Path(str(tmp_path) + "/" + name.replace("/", "") + ".npy")
    np.save(path, np.zeros((60, 4, 4), np.uint8))
    monkeypatch.chdir(tmp_path)
    code, out, err = run(monkeypatch, capfd, "shift", "gain:factor=0.5", path.name, "o.npy")
    assert code == 0, err
    code, _, err = run(monkeypatch, capfd, "evaluate", name, path.name)
    assert code == BAD_INPUT
    assert all(map(is_printable, [*out, *err]))


def test_a_title_is_no_markup(tmp_path, monkeypatch, capfd):
    study = tmp_path / "study.toml"
    study.write_text(
        'kind = "shifted-test-sets"\ntitle = "[/x] [bold]"\nquestion = "Q"\n'
        'network = "mlp"\nrecipe = "mlp"\nfolder = "absent"\n'
    )
    code, out, err = run(monkeypatch, capfd, "run", study, "--out", tmp_path / "out")
    assert code == BAD_INPUT
    assert "[/x] [bold]: 1 seed" in out[0]
    assert "absent" in err[0]


def calls(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_everything_that_is_said_is_made_printable_first(path):
    """Only `say` writes to a terminal, and Rich is given `spoken` text alone."""
    for call in calls(ast.parse(path.read_text(encoding="utf-8"))):
        called = ast.unparse(call.func)
        if called.endswith("console.print") or called == "console().print":
            first = call.args[0]
            assert (isinstance(first, ast.Call) and ast.unparse(first.func) == "spoken") or ast.unparse(
                first
            ) == "shown"
        assert (
            called not in ("print", "typer.echo", "sys.stdout.write", "sys.stderr.write") or path.name == "terminal.py"
        )
        if called == "TextColumn":
            keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
            assert keywords.get("markup") == "False" or "{" not in ast.unparse(call.args[0])


def test_the_exit_code_and_sentence_are_those_of_the_error():
    assert ending(BadInput("no.")) == (BAD_INPUT, "no.")
