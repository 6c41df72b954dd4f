"""What other programs take to download from and upload to an S3 server, beside its own limit.

``python -m tests.benchmarks.s3_peers --small`` prints it for small sets.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks import s3_programs
from tests.benchmarks.table import MB
from tests.benchmarks.transfers import SMALL_SETS, Set
from tests.s3 import serving
from tests.tools import fill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.s3 import Server

    Command = Callable[["Task"], list[str]]

SETS = (Set(2000, 100_000), Set(40, 50 * MB), Set(1, 2000 * MB))
BOTO3 = "boto3==1.44.5"
_SCRIPTS = Path(sysconfig.get_path("scripts"))
# The child of a large process would be charged with that one's memory, which it has until it
# becomes another program; so a small one starts it and counts.
_COUNT = """
import json, os, sys, time
begin = time.perf_counter()
pid = os.posix_spawn(
    sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, 2, 1)]
)
_, status, used = os.wait4(pid, 0)
seconds = time.perf_counter() - begin
print(json.dumps([status, seconds, used.ru_utime + used.ru_stime, used.ru_maxrss]))
"""


@dataclass(frozen=True)
class Cost:
    """What one run took.

    Attributes
    ----------
    seconds : float
        Wall time; of ours, without the half second in which Python reads its modules.
    cpu : float
        Seconds of processor time of the program and of what it started.
    peak : int
        Bytes of its largest resident set; about 10 MB is the least that can be told.
    """

    seconds: float
    cpu: float
    peak: int


@dataclass(frozen=True)
class Task:
    """Files to move between a directory and a prefix of the bucket ``raw``."""

    server: Server
    prefix: str
    directory: Path
    many: bool

    @property
    def side_by_side(self) -> int:
        """How many files to move at a time."""
        return 16 if self.many else 4

    @property
    def remote(self) -> str:
        """Bucket and prefix."""
        return f"{s3_programs.BUCKET}/{self.prefix}"


def rclone(source: str, dest: str, task: Task, *options: str) -> list[str]:
    """``rclone copy``, in several streams for a large file, as is its default."""
    settings = (f"--transfers={task.side_by_side}", f"--checkers={task.side_by_side}", *options)
    return [str(_SCRIPTS / "rclone"), "copy", source, dest, *settings]


def s5cmd(source: str, dest: str, task: Task) -> list[str]:
    """``s5cmd cp``, which verifies nothing."""
    workers = f"--numworkers={2 * task.side_by_side}"
    return [str(_SCRIPTS / "s5cmd"), "--log=error", workers, "cp", source, dest]


def program(name: str, task: Task, python: str = sys.executable) -> list[str]:
    """One of `s3_programs`."""
    what = [name, task.prefix, str(task.directory), str(task.side_by_side)]
    return [python, "-P", s3_programs.__file__, *what]


def downloads(boto3: str) -> Mapping[str, Command]:
    """Commands that download, by name; `boto3` is a Python that has it."""
    return {
        "reference": lambda task: program("reference_download", task),
        "ceiling": lambda task: program("ceiling_download", task),
        "rclone, unverified": lambda task: rclone(
            f":s3:{task.remote}", str(task.directory), task, "--ignore-checksum"
        ),
        "rclone": lambda task: rclone(f":s3:{task.remote}", str(task.directory), task),
        "s5cmd": lambda task: s5cmd(f"s3://{task.remote}/*", f"{task.directory}/", task),
        "s3transfer": lambda task: program("boto3_download", task, boto3),
    }


def uploads(boto3: str) -> Mapping[str, Command]:
    """Commands that upload, by name; `boto3` is a Python that has it."""
    return {
        "reference": lambda task: program("reference_upload", task),
        "ceiling": lambda task: program("ceiling_upload", task),
        "rclone, unverified": lambda task: rclone(
            str(task.directory), f":s3:{task.remote}", task, "--ignore-checksum"
        ),
        "rclone": lambda task: rclone(str(task.directory), f":s3:{task.remote}", task),
        "s5cmd": lambda task: s5cmd(f"{task.directory}/", f"s3://{task.remote}/", task),
        "s3transfer": lambda task: program("boto3_upload", task, boto3),
    }


def environment(server: Server, role: str = "raw_rw") -> dict[str, str]:
    """Everything that any of the commands is told, so that no file has a secret in it."""
    key = server.keys[role]
    return {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "S3_ENDPOINT_URL": server.endpoint,
        "RCLONE_CONFIG": os.devnull,
        "RCLONE_S3_PROVIDER": "Other",
        "RCLONE_S3_ENV_AUTH": "true",
        "RCLONE_S3_ENDPOINT": server.endpoint,
        "RCLONE_S3_REGION": "us-east-1",
        "RCLONE_S3_NO_CHECK_BUCKET": "true",
    }


def measured(command: list[str], environment: Mapping[str, str]) -> Cost:
    """Run a command to its end and return what it took."""
    counter = [sys.executable, "-S", "-E", "-c", _COUNT, *command]
    done = subprocess.run(
        counter, env=dict(environment), capture_output=True, text=True, check=True
    )
    status, seconds, cpu, peak = json.loads(done.stdout)
    if status:
        raise RuntimeError(f"{Path(command[0]).name} failed: {done.stderr[-2000:]}")
    if "tests.benchmarks.s3_ours" in command:
        seconds = float(done.stderr.split()[-1])
    return Cost(seconds, cpu, peak * (1 if sys.platform == "darwin" else 1024))


def boto3_python(directory: Path) -> str:
    """Return the Python of a new environment with boto3, which needs older packages than Ursa."""
    uv, python = str(_SCRIPTS / "uv"), str(directory / "bin" / "python")
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, directory], check=True)
    subprocess.run([uv, "pip", "install", "-q", "--python", python, BOTO3], check=True)
    return python


def prepared(server: Server, each: Set, directory: Path) -> Task:
    """Make files in a directory and objects of the same, with the MD5 that rclone checks."""
    for number in range(each.files):
        fill(directory / "eeg" / f"{number:04d}.bin", each.size, seed=number)
    task = Task(server, server.prefix(), directory, each.is_many)
    measured(uploads("")["rclone"](task), environment(server))
    return task


def compared(task: Task, boto3: str, scratch: Path) -> Iterator[tuple[str, str, Cost]]:
    """Run every command once in each direction; yields direction, name and what it took."""
    variables = environment(task.server)
    for name, command in downloads(boto3).items():
        dest = scratch / name
        dest.mkdir(parents=True)
        os.sync()
        yield (
            "download",
            name,
            measured(command(Task(task.server, task.prefix, dest, task.many)), variables),
        )
        assert name == "ceiling" or sizes(dest) == sizes(task.directory), name
        if not task.many:
            shutil.rmtree(dest)
    for name, command in uploads(boto3).items():
        target = Task(task.server, task.server.prefix(), task.directory, task.many)
        os.sync()
        yield "upload", name, measured(command(target), variables)
        stored = dict(s3_programs.listed(task.server.store("raw", prefix=target.prefix)))
        assert stored == sizes(task.directory), name


def sizes(directory: Path) -> dict[str, int]:
    """Size of every file below a directory, by its path in it."""
    return {key: path.stat().st_size for path, key in s3_programs.files_in(directory)}


def main() -> None:
    """Measure each set with a server of its own and print what each program took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="small sets, for a quick look")
    parser.add_argument("--dir", type=Path, help="where to work")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ursa-bench-", dir=options.dir) as name:
        top = Path(name)
        boto3 = boto3_python(top / "boto3")
        for each in SMALL_SETS if options.small else SETS:
            place = top / "set"
            (place / "server").mkdir(parents=True)
            with serving(place / "server", memory="1GiB") as server:
                task = prepared(server, each, place / "files")
                for direction, peer, cost in compared(task, boto3, place / "downloads"):
                    print(
                        f"{direction:8}  {each!s:15}  {peer:18}  {cost.seconds:7.2f} s  "
                        f"{each.bytes / MB / cost.seconds:6.0f} MB/s  cpu {cost.cpu:6.2f} s  "
                        f"peak {cost.peak / MB:5.0f} MB",
                        flush=True,
                    )
            shutil.rmtree(place)


if __name__ == "__main__":
    main()
