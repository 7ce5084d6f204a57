"""A real Prometheus, a real Alertmanager and a webhook receiver for the tests, on loopback.

Prometheus needs about five seconds from its start, or from a reload, to the first scrape of a new target.
So there is one of each per session, and tests share them: each watches a job name of its own.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest
import yaml
from tests.postgres import free_port

START_WITHIN_S = 30
SCRAPED_WITHIN_S = 30
TEXT = "text/plain; version=0.0.4; charset=utf-8"

T = TypeVar("T")


class Missing(RuntimeError):
    """Prometheus or Alertmanager is not installed. The tests fail then: they never skip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """The programs of one version of the Prometheus family."""

    prometheus: Path
    promtool: Path
    alertmanager: Path
    amtool: Path

    @classmethod
    def installed(cls) -> "Suite":
        """What the machine has."""
        return cls(
            prometheus=_program("prometheus", package="prometheus"),
            promtool=_program("promtool", package="prometheus"),
            alertmanager=_program(
                "prometheus-alertmanager", "alertmanager", package="prometheus-alertmanager"
            ),
            amtool=_program("amtool", package="prometheus-alertmanager"),
        )

    @classmethod
    def unpacked(cls, root: Path) -> "Suite":
        """A version unpacked beside the machine's own, under `root`."""
        programs = root / "usr" / "bin"
        return cls(
            prometheus=programs / "prometheus",
            promtool=programs / "promtool",
            alertmanager=programs / "prometheus-alertmanager",
            amtool=programs / "amtool",
        )

    def version(self) -> str:
        """As Prometheus names itself: `2.42.0+ds`."""
        shown = subprocess.run(
            [self.prometheus, "--version"], capture_output=True, text=True, check=True
        )
        return (shown.stdout or shown.stderr).split()[2]


@dataclass(frozen=True, slots=True)
class Sample:
    """One row of an instant query's answer."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Watched:
    """One scrape job: where its page is, and the rule files that look at it."""

    address: str
    """host:port."""
    path: str = "/metrics"
    rules: Mapping[str, str] = field(default_factory=dict)
    """File name to text."""


@dataclass(slots=True)
class Prometheus:
    """A running Prometheus that scrapes and evaluates every second."""

    url: str
    home: Path
    alertmanager: str
    """host:port of where alerts go."""
    jobs: dict[str, Watched] = field(default_factory=dict)

    def watch(self, jobs: Mapping[str, Watched]) -> None:
        """Scrape these too, and return once each has been scraped. Takes five seconds.

        Their rules follow then, and five seconds more: until the first scrape each would be an absent
        monitor, and Prometheus has to find its Alertmanager again.
        """
        self.jobs.update({job: replace(watched, rules={}) for job, watched in jobs.items()})
        self._reload()
        for job in jobs:
            wait_for(
                lambda job=job: self.query(f'up{{job="{job}"}} == 1'),  # type: ignore[misc]  # the default binds the loop's job
                what=f"the first scrape of {job}",
                within_s=SCRAPED_WITHIN_S,
            )
        if not any(watched.rules for watched in jobs.values()):
            return
        self.jobs.update(jobs)
        self._reload()
        wait_for(
            lambda: self.get("/api/v1/alertmanagers")["activeAlertmanagers"],
            what="Prometheus to find its Alertmanager again after the reload",
        )

    def forget(self, *jobs: str) -> None:
        """Stop scraping these."""
        for job in jobs:
            del self.jobs[job]
        self._reload()

    def _reload(self) -> None:
        self.configure()
        fetch(f"{self.url}/-/reload", data=b"")

    def configure(self) -> None:
        """Write the configuration that watches `jobs`, with their rules beside it."""
        rules = self.home / "rules"
        shutil.rmtree(rules, ignore_errors=True)
        rules.mkdir()
        for job, watched in self.jobs.items():
            for name, text in watched.rules.items():
                (rules / f"{job}.{Path(name).name}").write_text(text)
        (self.home / "prometheus.yml").write_text(yaml.safe_dump(self._settings()))

    def _settings(self) -> dict[str, object]:
        return {
            "global": {
                "scrape_interval": "1s",
                "scrape_timeout": "1s",
                "evaluation_interval": "1s",
            },
            "rule_files": [f"{self.home}/rules/*.yml"],
            "alerting": {
                "alertmanagers": [{"static_configs": [{"targets": [self.alertmanager]}]}]
            },
            "scrape_configs": [
                {
                    "job_name": job,
                    "metrics_path": watched.path,
                    "static_configs": [{"targets": [watched.address]}],
                }
                for job, watched in self.jobs.items()
            ],
        }

    def query(self, expression: str) -> list[Sample]:
        """The instant vector (or scalar, as one sample without labels) it answers with now."""
        answer = self.get("/api/v1/query", query=expression)
        if answer["resultType"] == "scalar":
            return [Sample({}, float(answer["result"][1]))]
        return [
            Sample(row["metric"], float(row["value"][1]))
            for row in answer["result"]
            if "value" in row
        ]

    def value(self, expression: str) -> float:
        """The one number it answers with."""
        (sample,) = self.query(expression)
        return sample.value

    def firing(self, job: str) -> set[str]:
        """Names of the alerts that fire now in the rules of `job`."""
        found = self.query(f'ALERTS{{job="{job}", alertstate="firing"}}')
        return {sample.labels["alertname"] for sample in found}

    def get(self, path: str, **parameters: str) -> Any:
        """The `data` of an API answer; an error answer raises with what Prometheus said."""
        query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
        return json.loads(fetch(f"{self.url}{path}{query}"))["data"]


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """A running Alertmanager."""

    url: str
    address: str
    """host:port."""
    home: Path

    def configure(self, text: str) -> None:
        """Replace its configuration."""
        (self.home / "alertmanager.yml").write_text(text)
        fetch(f"{self.url}/-/reload", data=b"")

    def tell(self, **labels: str) -> None:
        """Hand it a firing alert, as Prometheus would."""
        alert = json.dumps([{"labels": labels, "annotations": {}}]).encode()
        fetch(f"{self.url}/api/v2/alerts", data=alert, content_type="application/json")

    def alerts(self, **labels: str) -> list[dict[str, Any]]:
        """What it holds with these labels, inhibited ones too, as its API tells."""
        wanted = [("filter", f'{name}="{value}"') for name, value in labels.items()]
        found: list[dict[str, Any]] = json.loads(
            fetch(f"{self.url}/api/v2/alerts?{urllib.parse.urlencode(wanted)}")
        )
        return found


@dataclass(frozen=True, slots=True)
class Notification:
    """One webhook call, as Alertmanager made it."""

    path: str
    body: Mapping[str, Any]

    @property
    def group(self) -> Mapping[str, str]:
        """The labels its alerts are grouped by."""
        labels: Mapping[str, str] = self.body["groupLabels"]
        return labels

    @property
    def is_firing(self) -> bool:
        return bool(self.body["status"] == "firing")

    def agents(self) -> list[str]:
        """The agents of its firing alerts, sorted."""
        return sorted(
            alert["labels"].get("agent", "")
            for alert in self.body["alerts"]
            if alert["status"] == "firing"
        )


class Receiver:
    """A webhook receiver that remembers every call."""

    def __init__(self, address: str) -> None:
        self.url = f"http://{address}"
        self._calls: list[Notification] = []

    def take(self, path: str, body: bytes) -> None:
        self._calls.append(Notification(path, json.loads(body)))

    def calls(self, **labels: str) -> list[Notification]:
        """Every call so far whose group carries these labels."""
        return [call for call in self._calls if labels.items() <= call.group.items()]

    def firing(self, **labels: str) -> list[Notification]:
        """Those of them that say something fires."""
        return [call for call in self.calls(**labels) if call.is_firing]


class Page:
    """An HTTP endpoint whose pages a test writes; one path per job."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.pages: dict[str, Callable[[], str]] = {}

    def show(self, path: str, text: Callable[[], str]) -> None:
        """Serve at `path`, from now on, what `text` answers at each scrape."""
        self.pages[path] = text

    def take_down(self, path: str) -> None:
        """Answer 503 there, as a service does that has gone or holds no lease."""
        self.pages.pop(path, None)


def fetch(
    url: str,
    *,
    data: bytes | None = None,
    content_type: str = "application/x-www-form-urlencoded",
    within_s: float = 10,
) -> bytes:
    """The body at `url`; an error answer raises with the body in the message."""
    request = urllib.request.Request(url, data=data, headers={"Content-Type": content_type})
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # it is on loopback
    try:
        with direct.open(request, timeout=within_s) as answer:
            body: bytes = answer.read()
            return body
    except urllib.error.HTTPError as error:
        with error:
            said = error.read().decode(errors="replace")
        raise RuntimeError(f"{url} answered {error.code}: {said}") from None


def wait_for(
    probe: Callable[[], T], *, what: str, within_s: float = 20, every_s: float = 0.1
) -> T:
    """The first truthy answer of `probe`; fails naming `what` was waited for."""
    deadline = time.monotonic() + within_s
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {within_s:.0f} s in vain for {what}")
        time.sleep(every_s)


@contextmanager
def running_prometheus(
    home: Path, *, alertmanager: str, suite: Suite | None = None
) -> Iterator[Prometheus]:
    """Prometheus in `home`, watching nothing yet."""
    address = f"127.0.0.1:{free_port()}"
    home.mkdir(parents=True, exist_ok=True)
    server = Prometheus(f"http://{address}", home, alertmanager)
    server.configure()
    command = [
        str((suite or Suite.installed()).prometheus),
        f"--config.file={home}/prometheus.yml",
        f"--storage.tsdb.path={home}/data",
        "--storage.tsdb.retention.time=1h",
        f"--web.listen-address={address}",
        f"--web.external-url=http://{address}",
        "--web.enable-lifecycle",
        "--rules.alert.resend-delay=1s",
        "--log.level=warn",
    ]
    with _process(command, home=home, ready=f"{server.url}/-/ready"):
        yield server


@contextmanager
def running_alertmanager(
    home: Path, *, configuration: str, suite: Suite | None = None, port: int | None = None
) -> Iterator[Alertmanager]:
    """Alertmanager in `home`, without gossip, on a free port unless one is given."""
    address = f"127.0.0.1:{port or free_port()}"
    home.mkdir(parents=True, exist_ok=True)
    (home / "alertmanager.yml").write_text(configuration)
    server = Alertmanager(f"http://{address}", address, home)
    command = [
        str((suite or Suite.installed()).alertmanager),
        f"--config.file={home}/alertmanager.yml",
        f"--storage.path={home}/data",
        f"--web.listen-address={address}",
        f"--web.external-url=http://{address}",
        "--cluster.listen-address=",  # without it, gossip opens a port to the world
        "--log.level=warn",
    ]
    with _process(command, home=home, ready=f"{server.url}/-/ready"):
        yield server


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    """A webhook receiver on a free port."""
    with _serving(_ReceiverHandler) as server:
        receiver = Receiver(_address(server))
        server.owner = receiver
        yield receiver


@contextmanager
def running_page() -> Iterator[Page]:
    """A page server on a free port."""
    with _serving(_PageHandler) as server:
        page = Page(_address(server))
        server.owner = page
        yield page


@dataclass(frozen=True, slots=True)
class Stack:
    """The whole way an alert goes."""

    page: Page
    prometheus: Prometheus
    alertmanager: Alertmanager
    receiver: Receiver


@contextmanager
def running_stack(
    home: Path, *, configuration: Callable[[Receiver], str], suite: Suite | None = None
) -> Iterator[Stack]:
    """A page server, Prometheus, Alertmanager and receiver, wired to each other."""
    with ExitStack() as started:
        receiver = started.enter_context(running_receiver())
        page = started.enter_context(running_page())
        alertmanager = started.enter_context(
            running_alertmanager(
                home / "alertmanager", configuration=configuration(receiver), suite=suite
            )
        )
        prometheus = started.enter_context(
            running_prometheus(
                home / "prometheus", alertmanager=alertmanager.address, suite=suite
            )
        )
        yield Stack(page, prometheus, alertmanager, receiver)


QUIET = """\
route: {receiver: nobody}
receivers: [{name: nobody}]
"""
"""An Alertmanager configuration that tells nobody; tests give their own with `configure`."""


@pytest.fixture(scope="session")
def prometheus_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One Prometheus, Alertmanager, receiver and page server for the session. Missing is a failure.

    Whoever watches jobs gives them names nobody else uses; whoever needs Alertmanager to tell
    somebody configures it.
    """
    home = tmp_path_factory.mktemp("prometheus")
    with running_stack(home, configuration=lambda _: QUIET) as stack:
        yield stack


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where tests run on several workers, those that share the stack run on one: it stays one per session."""
    for item in items:
        if "prometheus_stack" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("prometheus"))


@pytest.fixture(scope="session")
def suite() -> Suite:
    """The installed programs."""
    return Suite.installed()


def check(command: Sequence[str | Path], *, expected: int = 0, cwd: Path | None = None) -> str:
    """Run a checker; its output, or a failure that shows it when it exits otherwise than expected."""
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, cwd=cwd
    )
    said: str = done.stdout + done.stderr
    assert done.returncode == expected, f"{' '.join(map(str, command))} said:\n{said}"
    return said


def _program(*names: str, package: str) -> Path:
    for name in names:
        found = shutil.which(name)
        if found:
            return Path(found)
    raise Missing(
        f"these tests need {names[0]}; install the Debian package `{package}`: "
        f"apt-get install {package}"
    )


@contextmanager
def _process(command: list[str], *, home: Path, ready: str) -> Iterator[None]:
    setpriv = shutil.which("setpriv")
    prefix = [setpriv, "--pdeathsig", "TERM"] if setpriv else []  # die when the tests die
    log = home / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*prefix, *command],
            cwd=home,
            stdout=output,
            stderr=output,
            env=_clean_environment(),
        )
    try:
        _wait_until_ready(process, ready, log)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=START_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _clean_environment() -> dict[str, str]:
    """Without proxies: everything here is on loopback."""
    return {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}


def _wait_until_ready(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while True:
        try:
            fetch(url, within_s=2)
        except (OSError, RuntimeError):
            if process.poll() is not None or time.monotonic() > deadline:
                said = log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{process.args!r} did not start:\n{said}") from None
            time.sleep(0.02)
        else:
            return


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    owner: object

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that goes away in the middle is no error of ours; anything else is."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[_Server]:
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def _address(server: _Server) -> str:
    return f"127.0.0.1:{server.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    timeout: ClassVar[float | None] = 10

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Stay quiet."""

    def answer(self, status: int, body: bytes, *, content_type: str = TEXT) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _ReceiverHandler(_Handler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert isinstance(self.server.owner, Receiver)
        self.server.owner.take(self.path, body)
        self.answer(200, b"")


class _PageHandler(_Handler):
    def do_GET(self) -> None:
        assert isinstance(self.server.owner, Page)
        text = self.server.owner.pages.get(self.path)
        if text is None:
            self.answer(503, b"")
        else:
            self.answer(200, text().encode())
