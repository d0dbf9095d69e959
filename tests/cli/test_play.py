"""`shiftassay play`: what it prints, how it ends, and what it refuses."""

import os
import re
import signal
import subprocess
import sys
import urllib.request

import pytest
from typer.testing import CliRunner

from shiftassay.cli.app import app
from shiftassay.errors import BadInput
from shiftassay.imagesets.write import write_images
from shiftassay.play.networks import networks_in


@pytest.mark.torture
def test_it_prints_its_address_and_ends_with_an_interrupt(tmp_path):
    command = [sys.executable, "-u", "-m", "shiftassay.cli", "play", "--no-browser", "--out", str(tmp_path)]
    environment = {**os.environ, "HOME": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as play:
        try:
            line = play.stdout.readline()
            address = re.search(r"http://127\.0\.0\.1:\d+/[\w-]{32}/", line)[0]
            with urllib.request.urlopen(address) as page:  # noqa: S310  # our own, on the loopback interface
                assert b"Shiftassay playground" in page.read()
            play.send_signal(signal.SIGINT)
            assert play.wait(timeout=20) == 130
        finally:
            play.kill()


def test_help_shows_an_example():
    result = CliRunner().invoke(app, ["play", "--help"])
    assert result.exit_code == 0
    assert "shiftassay play" in result.stdout


def test_a_model_that_can_not_take_the_pictures_is_refused(small, tmp_path):
    from shiftassay.training.train import train

    [member] = train("mlp", small, recipe="seed-003", epochs=1, parameters={"widths": [8]}, store=tmp_path)
    write_images(tmp_path / "small.npy", small.test.images[:60, :, :20, :20])
    result = CliRunner().invoke(app, ["play", str(member.folder), "--images", str(tmp_path / "small.npy")])
    assert isinstance(result.exception, BadInput)
    assert "can't take images of (1, 20, 20)" in str(result.exception)
    networks, notes = networks_in(tmp_path, small.test.images[:1])
    assert (list(networks), notes) == (["mlp (widths = [8]), seed 0"], [])
    networks, notes = networks_in(tmp_path, small.test.images[:1, :, :20, :20])
    assert networks == {}
    assert notes[0].startswith("left out: ")
    assert networks_in(tmp_path / "nothing", small.test.images[:1]) == ({}, [])
