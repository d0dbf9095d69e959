import os
from pathlib import Path

import pytest

from shiftassay import report


def test_a_folder_for_fonts_is_the_users_own(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    folder = report._own_folder()
    assert folder is not None
    assert Path(folder).stat().st_mode & 0o777 == 0o700
    assert report._own_folder() == folder


@pytest.mark.parametrize("trap", ["link", "file", "open to all"])
def test_a_folder_that_somebody_else_may_have_laid_out_is_not_used(trap, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    place = tmp_path / f"shiftassay-matplotlib-{os.getuid()}"
    if trap == "link":
        (tmp_path / "elsewhere").mkdir()
        place.symlink_to(tmp_path / "elsewhere")
    elif trap == "file":
        place.write_text("")
    else:
        place.mkdir()
        place.chmod(0o777)
    assert report._own_folder() is None
