"""What one process took: wall seconds, CPU seconds and peak memory, its children included.

Peak memory is what stands in the process's status (`VmHWM`, pages of mapped files included), seen every
10 ms; of several processes at once, the sum of what they hold. The kernel's figure at exit (`ru_maxrss`) is
taken where it tells more than what a child inherits from this program.
"""

import dataclasses
import os
import resource
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

SAMPLE_SECONDS = 0.01
GROUPS = Path("/sys/fs/cgroup/memory")


@dataclasses.dataclass(frozen=True)
class Measured:
    """A process that has ended."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    peak_anonymous_bytes: int
    problem: str | None  # why it did not do its work
    output: str


def measure(
    command: list[str],
    limit_seconds: float,
    environment: dict[str, str],
    group: Path | None = None,
) -> Measured:
    """Runs a command to its end, in a memory cgroup where one is given."""
    os.sync()  # nobody waits for what another wrote
    if group is not None:
        join = 'echo $$ >"$0/cgroup.procs" && exec "$@"'
        command = ["sh", "-c", join, str(group), *command]
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        begun = time.monotonic()
        child = subprocess.Popen(
            command,
            stdout=output,
            stderr=errors,
            env=os.environ | environment,
            start_new_session=True,
        )
        watch = Watch(child.pid, begun + limit_seconds)
        watch.start()
        try:
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        except BaseException:  # interrupted: nothing is left behind
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            raise
        finally:
            wall_seconds = time.monotonic() - begun
            watch.stop()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        text, error = (file.read().decode(errors="replace") for file in (output, errors))
    exit_bytes = usage.ru_maxrss * 1024
    inherited_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Measured(
        wall_seconds=wall_seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_bytes=max(watch.resident_bytes, exit_bytes if exit_bytes > inherited_bytes else 0),
        peak_anonymous_bytes=watch.anonymous_bytes,
        problem=problem(child.returncode, limit_seconds if watch.late else None, error, group),
        output=text,
    )


def problem(code: int, late_seconds: float | None, error: str, group: Path | None) -> str | None:
    """Why a process failed, in a few words."""
    if late_seconds is not None:
        return f"did not finish in {late_seconds:.0f} s"
    if code == -signal.SIGKILL and group is not None:
        return f"killed at {limit_of(group) >> 20} MiB"
    if code != 0:
        return f"failed ({code}): {error.strip().splitlines()[-1] if error.strip() else ''}"
    return None


class Watch(threading.Thread):
    """The most memory that a process and its descendants were seen to hold; ends them when it is late."""

    def __init__(self, pid: int, last_moment: float) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.last_moment = last_moment
        self.late = False
        self.resident_bytes = 0
        self.anonymous_bytes = 0
        self.ended = threading.Event()

    def run(self) -> None:
        """Looks until told to stop."""
        while not self.ended.is_set():
            self.sample()
            if not self.late and time.monotonic() > self.last_moment:
                self.late = True
                os.killpg(self.pid, signal.SIGKILL)
            self.ended.wait(SAMPLE_SECONDS)

    def stop(self) -> None:
        """Stops looking; the process has ended and is not yet forgotten."""
        self.ended.set()
        self.join()

    def sample(self) -> None:
        """Looks once."""
        seen = [memory_of(pid) for pid in descendants(self.pid)]
        for name in ("VmHWM", "VmRSS"):
            held = [process.get(name, 0) for process in seen]
            # A peak of one process is exact; peaks of several need not have been at the same time.
            total = max(held, default=0) if name == "VmHWM" else sum(held)
            self.resident_bytes = max(self.resident_bytes, total)
        anonymous = sum(process.get("RssAnon", 0) for process in seen)
        self.anonymous_bytes = max(self.anonymous_bytes, anonymous)


def descendants(pid: int) -> list[int]:
    """A process and all below it that are alive."""
    found, unseen = [], [pid]
    while unseen:
        pid = unseen.pop()
        found.append(pid)
        for path in Path(f"/proc/{pid}/task").glob("*/children"):
            try:
                unseen += map(int, path.read_text().split())
            except OSError:  # ended meanwhile
                pass
    return found


def memory_of(pid: int) -> dict[str, int]:
    """Bytes of the memory lines of a process's status; nothing of one that has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    fields = (line.split() for line in lines if line.endswith(" kB"))
    return {field[0].rstrip(":"): int(field[1]) * 1024 for field in fields}


def make_group(limit_bytes: int) -> Path | None:
    """A memory cgroup (version 1) of this size; nothing where none can be made."""
    group = GROUPS / f"voxstore-peers-{os.getpid()}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(limit_bytes))
    except OSError:
        remove_group(group)
        return None
    return group


def limit_of(group: Path) -> int:
    """The most memory that the processes of a group may hold."""
    return int((group / "memory.limit_in_bytes").read_text())


def remove_group(group: Path | None) -> None:
    """Removes a group, as far as there is one."""
    if group is not None and group.is_dir():
        group.rmdir()
