"""How much memory work takes: it runs in a fresh process, whose own peak says it.

What `resource` calls the largest resident size is inherited from whoever started the process; the peak in /proc is not.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


def in_fresh_process(call: str, *arguments: Any, address_space: int | None = None, timeout: float = 300) -> Any:
    """What `module:function` answers, called with the arguments in a fresh process; all of it passes through JSON.

    `address_space` limits that process, in bytes, as `ulimit -v` does.
    """
    code = "import sys; from tests.memory import answer; answer(*sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, call, json.dumps(arguments), str(address_space or 0)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def answer(call: str, arguments: str, address_space: str) -> None:
    """What the fresh process does."""
    module, _, name = call.partition(":")
    function = getattr(__import__(module, fromlist=[name]), name)
    if int(address_space):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (int(address_space),) * 2)
    print(json.dumps(function(*json.loads(arguments))))


def peak_above_idle(work: Callable[[], Any]) -> tuple[Any, int]:
    """What the work returns, and by how many bytes it raised this process's peak. For a fresh process."""
    with suppress(OSError):  # where the system has no such file, the peak of starting stands, which is lower still
        Path("/proc/self/clear_refs").write_text("5")
    idle = _peak()
    result = work()
    return result, _peak() - idle


def _peak() -> int:
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1]) << 10
