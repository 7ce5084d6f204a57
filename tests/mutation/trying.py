"""Tries mutants, each in a process forked off a pytest session that has collected every test. A plugin of pytest.

In place of running the tests it reads jobs, and for each one forks, swaps the code of the mutated function, runs
the tests that reach the changed lines until one fails, and writes down which. Nothing is imported or collected
twice, and no file is changed. A mutant that uses much more processor time than its tests did is stopped: timeout.
"""

import ast
import gc
import json
import os
import resource
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import _lru_cache_wrapper
from pathlib import Path
from types import CodeType, FunctionType

import pytest
from tests.mutation.suite import fails

SOURCE = Path("src/pinkslip").resolve()
AT_ONCE = int(os.environ.get("PINKSLIP_TEST_MUTATION_PROCESSES", str(os.cpu_count() or 1)))
SLOWER_AT_MOST = 2
SPARE_CPU_S = 2
SPARE_WALL_S = 60
SURVIVED, EQUIVALENT, CRASHED, TIMEOUT, BROKEN = (
    "survived",
    "equivalent",
    "crashed",
    "timeout",
    "broken",
)


@dataclass(slots=True)
class Choice:
    """Those that reach one place, in the order to try them."""

    names: tuple[str, ...]
    cpu_s: float
    """What they take unchanged."""


@dataclass(slots=True)
class Job:
    """A mutant to try, as read."""

    key: str
    module: str
    function: str
    first_line: int
    source: str
    tests: Choice


@dataclass(slots=True)
class Trial:
    """One that runs."""

    job: Job
    order: list[str]
    said: int
    """Where the child writes."""
    began: float


@dataclass
class Bench:
    """All there is to run a trial with."""

    items: dict[str, pytest.Item]
    functions: dict[tuple[str, str], list[FunctionType]]
    killers: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def start(self, job: Job) -> tuple[int, Trial]:
        """Fork one off."""
        here, around = self.killers[_place(job)], self.killers[job.module]
        likely = [test for test, _ in (*here.most_common(), *around.most_common(5))]
        likely = [test for test in dict.fromkeys(likely) if test in job.tests.names]
        order = [*likely, *(test for test in job.tests.names if test not in likely)]
        reads, writes = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reads)
            gc.disable()  # it would touch, and so copy, every page
            try:
                verdict = self._verdict(job, order)
            except BaseException as error:  # noqa: BLE001 - a child says what went wrong, whatever it was
                verdict = f"{BROKEN} {error!r}"
            os.write(writes, verdict.encode())
            os._exit(0)
        os.close(writes)
        return child, Trial(job, order, reads, time.monotonic())

    def _verdict(self, job: Job, order: list[str]) -> str:
        limit = int(SPARE_CPU_S + SLOWER_AT_MOST * job.tests.cpu_s)
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
        resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
        _say_nothing()
        if not self.swap(job):
            return EQUIVALENT
        for test in order:
            if fails(self.items[test]):
                return f"killed {test}"
        return SURVIVED

    def swap(self, job: Job) -> bool:
        """Give the live function the changed code and defaults; False where both are the same."""
        found = [
            function
            for function in self.functions[job.module, job.function]
            if function.__code__.co_firstlineno <= job.first_line
        ]
        assert found, f"{job.module} {job.function} is not there to be changed"
        code = _compiled(job)
        is_other = False
        for function in found:
            is_other |= not _is_same(function.__code__, code)
            is_other |= _set_defaults(function, job.source)
            function.__code__ = code
        return is_other


class Trying:
    """The session's loop."""

    def __init__(self, jobs: Path, results: int) -> None:
        """From a file to a file descriptor."""
        self.jobs = jobs
        self.results = results

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        jobs = _read(self.jobs)
        bench = Bench({item.nodeid: item for item in session.items}, _live_functions())
        for cache in [
            each for each in gc.get_objects() if isinstance(each, _lru_cache_wrapper)
        ]:
            cache.cache_clear()
        gc.collect()
        gc.freeze()
        began = time.monotonic()
        with os.fdopen(self.results, "w") as results:
            for count, (key, verdict) in enumerate(_tried(bench, jobs), start=1):
                results.write(json.dumps([key, verdict]) + "\n")
                results.flush()
                if count % 250 == 0:
                    rate = count / (time.monotonic() - began)
                    print(
                        f"{count} of {len(jobs)} tried, {rate:.1f} a second",
                        file=sys.__stderr__,
                        flush=True,
                    )
        return True


def _read(path: Path) -> list[Job]:
    wanted = json.loads(path.read_text())
    lists = [
        Choice(tuple(map(sys.intern, names)), cpu_s)
        for names, cpu_s in zip(wanted["lists"], wanted["costs"], strict=True)
    ]
    return [Job(*row, tests=lists[number]) for *row, number in wanted["jobs"]]


def _tried(bench: Bench, jobs: list[Job]) -> Iterator[tuple[str, str]]:
    waiting, running = list(reversed(jobs)), dict[int, Trial]()
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            child, trial = bench.start(waiting.pop())
            running[child] = trial
        child, status = os.waitpid(-1, os.WNOHANG)
        if not child:
            _stop_overdue(running)
            time.sleep(0.002)
            continue
        if child not in running:
            continue
        trial = running.pop(child)
        verdict = _said(trial, status)
        if verdict.startswith("killed "):
            for place in (_place(trial.job), trial.job.module):
                bench.killers[place][verdict.removeprefix("killed ")] += 1
        yield trial.job.key, verdict


def _stop_overdue(running: dict[int, Trial]) -> None:
    for child, trial in running.items():
        if (
            time.monotonic() - trial.began
            > SPARE_WALL_S + 4 * SLOWER_AT_MOST * trial.job.tests.cpu_s
        ):
            os.kill(child, signal.SIGXCPU)


def _said(trial: Trial, status: int) -> str:
    with os.fdopen(trial.said) as pipe:
        verdict = pipe.read()
    if os.WIFSIGNALED(status):
        return TIMEOUT if os.WTERMSIG(status) in {signal.SIGXCPU, signal.SIGKILL} else CRASHED
    return verdict or CRASHED


def _place(job: Job) -> str:
    return f"{job.module} {job.function}"


def _say_nothing() -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)


def _compiled(job: Job) -> CodeType:
    """The changed function's code, with the lines it had."""
    is_method = job.source[0] == " "
    above = "\n" * (job.first_line - 1 - is_method)
    text = f"{above}class _:\n{job.source}" if is_method else above + job.source
    module = compile(text, str(SOURCE / job.module), "exec", dont_inherit=True)
    around = _inner(module, "_") if is_method else module
    return _inner(around, job.function.rpartition(".")[2])


def _inner(code: CodeType, name: str) -> CodeType:
    return next(
        each for each in code.co_consts if isinstance(each, CodeType) and each.co_name == name
    )


def _is_same(one: CodeType, other: CodeType) -> bool:
    """Whether two pieces of code do the same, wherever they stand."""
    return (
        one.co_code == other.co_code
        and one.co_exceptiontable == other.co_exceptiontable
        and one.co_names == other.co_names
        and len(one.co_consts) == len(other.co_consts)
        and all(
            _is_same_constant(*both)
            for both in zip(one.co_consts, other.co_consts, strict=True)
        )
    )


def _is_same_constant(one: object, other: object) -> bool:
    if isinstance(one, CodeType) and isinstance(other, CodeType):
        return _is_same(one, other)
    return type(one) is type(other) and repr(one) == repr(other)  # (1,) == (True,)


def _set_defaults(function: FunctionType, source: str) -> bool:
    tree = ast.parse("class _:\n" + source if source[0] == " " else source).body[0]
    stated = (tree.body[0] if isinstance(tree, ast.ClassDef) else tree).args  # type: ignore[attr-defined]
    before = (function.__defaults__, function.__kwdefaults__)

    def value(default: ast.expr) -> object:
        return eval(ast.unparse(default), function.__globals__)

    function.__defaults__ = tuple(value(each) for each in stated.defaults) or None
    function.__kwdefaults__ = {
        name.arg: value(default)
        for name, default in zip(stated.kwonlyargs, stated.kw_defaults, strict=True)
        if default is not None
    } or None
    return before != (function.__defaults__, function.__kwdefaults__)


def _live_functions() -> dict[tuple[str, str], list[FunctionType]]:
    """Everything of ours that can be called, by module and qualified name."""
    found = defaultdict(list)
    for each in gc.get_objects():
        if isinstance(each, FunctionType) and each.__code__.co_filename.startswith(
            f"{SOURCE}/"
        ):
            module = each.__code__.co_filename.removeprefix(f"{SOURCE}/")
            found[module, each.__qualname__].append(each)
    return found


def pytest_configure(config: pytest.Config) -> None:
    """Take over the loop."""
    jobs, results = (
        os.environ[f"PINKSLIP_TEST_MUTATION_{name}"] for name in ("JOBS", "RESULTS")
    )
    config.pluginmanager.register(Trying(Path(jobs), int(results)))
