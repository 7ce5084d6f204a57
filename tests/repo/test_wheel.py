"""What `pip install .` gives works anywhere: from an empty directory, with everything it needs inside."""

import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from tests.running import eventually, serving

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as pip builds it, but with the backend that is installed: without the network."""
    into = tmp_path_factory.mktemp("wheel")
    _run(
        sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check",
        "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", str(into), str(ROOT),
    )  # fmt: skip
    (built,) = into.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of an environment that holds the wheel, and borrows only what it depends on."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    _run(
        sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet",
        "--disable-pip-version-check", "--no-deps", "--no-index", str(wheel),
    )  # fmt: skip
    (site,) = home.glob("lib/python*/site-packages")
    # a directory named in a .pth comes after our own, and its own .pth files (the checkout's) are not read
    (site / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"])
    where = _run(str(python), "-c", "import pinkslip; print(pinkslip.__file__)", cwd=home)
    assert where.startswith(str(home)), where
    return home / "bin"


def test_the_wheel_holds_every_file_that_is_read_at_run_time(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    read = {
        *_under(ROOT / "src" / "pinkslip", "pinkslip"),
        *_under(ROOT / "config", "pinkslip/assets/config"),
        *_under(ROOT / "grafana" / "dashboards", "pinkslip/assets/grafana/dashboards"),
        *_under(ROOT / "grafana" / "provisioning", "pinkslip/assets/grafana/provisioning"),
        *_under(ROOT / "alerting" / "rules", "pinkslip/assets/alerting/rules"),
        *_under(ROOT / "alerting" / "runbooks", "pinkslip/assets/alerting/runbooks"),
    }

    assert read - inside == set()


def test_the_wheel_holds_nothing_of_a_machine(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    assert [
        name for name in names if "__pycache__" in name or name.endswith((".db", ".pyc"))
    ] == []


def test_it_serves_from_an_empty_directory_with_its_page_and_its_pack(
    installed: Path, tmp_path: Path
) -> None:
    with serving(tmp_path, program=[str(installed / "pinkslip")]) as service:
        page = service.get("/")
        linked = set(re.findall(r'"[^"]*(/static/[^"]+)"', page.body))
        banner = service.log.read_text()

        assert "5 policies, 0 enforcing, from the packaged default pack" in banner
        assert page.status == 200
        assert "<html" in page.body
        assert len(linked) == 3
        assert {link: service.get(link).status for link in linked} == dict.fromkeys(linked, 200)


def test_the_demo_finds_its_policies_and_its_fleet(installed: Path, tmp_path: Path) -> None:
    with serving(tmp_path, program=[str(installed / "pinkslip")], command="demo") as service:
        assert "5 policies, 5 enforcing" in service.log.read_text()
        eventually(lambda: len(service.get("/api/agents").body["items"]) == 24)


@pytest.mark.parametrize("kind", ["prometheus", "grafana", "alertmanager"])
def test_the_assets_are_those_of_the_checkout(
    installed: Path, tmp_path: Path, kind: str
) -> None:
    inside = _run(str(installed / "pinkslip"), "assets", kind, "--json", cwd=tmp_path)
    ours = _run(sys.executable, "-m", "pinkslip", "assets", kind, "--json", cwd=tmp_path)

    assert inside == ours


def test_the_packaged_policies_can_be_checked(installed: Path, tmp_path: Path) -> None:
    said = _run(str(installed / "pinkslip"), "policy", "check", cwd=tmp_path)

    assert said.startswith("5 policies, 0 enforcing")


def _under(directory: Path, name: str) -> set[str]:
    return {
        f"{name}/{path.relative_to(directory)}"
        for path in directory.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def _run(*argv: str, cwd: Path | None = None) -> str:
    done = subprocess.run(
        argv,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
