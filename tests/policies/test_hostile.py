"""Hostile files are refused in time, and never by a traceback or a crash.

Each is read by a process of its own, which the kernel ends when it has used three seconds of a processor:
other tests running beside it must not decide.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

LIMIT_S = 3
PATIENCE_S = 120

PROGRAM = """
import json, signal, sys
from pathlib import Path
from pinkslip.policies.load import load, read_sources

sources = read_sources(Path(sys.argv[1]))
load(sources[:0])
signal.setitimer(signal.ITIMER_PROF, float(sys.argv[2]))
loaded = load(sources)
signal.setitimer(signal.ITIMER_PROF, 0)
print(json.dumps({
    "loaded": loaded.policy_set is not None,
    "problems": [problem.as_json() for problem in loaded.problems],
    "rendered": [problem.render() for problem in loaded.problems],
}))
"""

HEAD = "version: 1\npolicies:\n"


def policy(when: str, number: int = 0) -> str:
    return f"- name: p{number}\n  when: {when}\n"


HOSTILE = {
    "deep flow": "[" * 500_000,
    "deep flow mappings": "{a: " * 200_000,
    "deep blocks": "".join(" " * level + "a:\n" for level in range(1_400)),
    "deep dashes": "- " * 500_000,
    "deep questions": "? " * 500_000,
    "billion laughs": "a: &a [1, 1]\n"
    + "".join(f"b{level}: &b{level} [*a, *a]\n" for level in range(50)),
    "anchors": "&a " * 300_000,
    "huge integer": "version: " + "9" * 1_000_000,
    "huge integer in guards": "version: 1\nguards: {min_active: " + "9" * 1_000_000 + "}",
    "huge word": HEAD + "- name: " + "x" * 1_000_000,
    "huge condition": HEAD + policy("x" * 1_000_000),
    "many keys": HEAD + "- name: a\n" + "".join(f"  kk{i}: 1\n" for i in range(24_000)),
    "many items": "version: 1\npolicies: [" + "a," * 500_000 + "]",
    "many bad policies": HEAD + "- {nam: a, wen: b}\n" * 5_000,
    "many long conditions": HEAD
    + "".join(policy("+".join(["1"] * 2_040), i) for i in range(250)),
    "long condition": HEAD + policy("age > 1s or " * 400 + "age > 1s"),
    "deep parentheses": HEAD + policy("(" * 2_000 + "age > 1s" + ")" * 2_000),
    "deep not": HEAD + policy("not " * 1_000 + "age > 1s"),
    "deep minus": HEAD + policy("-" * 4_000 + "1 > 2"),
    "deep sum": HEAD + policy("age > " + "+".join(["1s"] * 1_300)),
    "deep calls": HEAD + policy("abs(" * 1_000 + "age" + ")" * 1_000 + " > 1s"),
    "huge number in a condition": HEAD + policy("age > " + "9" * 4_000 + "s"),
    "huge exponent": HEAD + policy("age > 1e999999999999s"),
    "huge window": HEAD + policy("tasks[" + "9" * 4_000 + " tasks] > 3"),
    "patterns": HEAD
    + "".join(
        f"- {{name: p{i}, when: age > 1s, match: {{role: '~{'(a|b)' * 39}'}}}}\n"
        for i in range(3_000)
    ),
    "nested repeats": HEAD
    + "- {name: a, when: age > 1s, match: {role: '~"
    + "(" * 90
    + "a"
    + ")+" * 90
    + "'}}",
    "many bad evidence calls": HEAD
    + "".join(policy(" and ".join(["proven(succes < 7, eror=1)"] * 125), i) for i in range(32)),
    "many outliers": HEAD
    + "".join(policy(" and ".join(["outlier(score[7d]) > 3"] * 140), i) for i in range(32)),
    "many named arguments": HEAD + policy("proven(" + "a=1, " * 800 + "b=1)"),
    "huge version to extend": "version: 1\nextends: builtin@" + "9" * 1_000_000,
    "long ladder": HEAD + "- {name: a, when: age > 1s, ladder: [" + "fire 5m, " * 24_000 + "]}",
    "many labels": HEAD
    + "- {name: a, when: age > 1s, labels: {"
    + "".join(f"l{i}: x, " for i in range(12_000))
    + "}}",
    "line breaks": "\n" * 1_000_000,
    "comments": "#" * 1_000_000,
    "too large": "# " + "x" * 2_000_000,
    "nul": "\x00" * 1_000,
    "quotes": '"' + "\\u0041" * 170_000 + '"',
    "open quote": '"' + "x" * 1_000_000,
    "directives": "%YAML 1.1\n" * 100_000,
    "merge keys": "version: 1\n<<: {a: b}\n" * 1_000,
    "same name": HEAD + policy("age > 1s") * 5_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_file_is_refused_within_three_seconds(text: str, tmp_path: Path) -> None:
    file = tmp_path / "hostile.yaml"
    file.write_text(text, encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", PROGRAM, str(file), str(LIMIT_S)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-2_000:]
    answer = json.loads(done.stdout)
    assert answer["loaded"] is False
    assert answer["problems"]
    assert all(len(line) < 400 for text in answer["rendered"] for line in text.splitlines())


def test_bytes_that_are_no_text_are_refused_with_their_place(tmp_path: Path) -> None:
    file = tmp_path / "hostile.yaml"
    file.write_bytes(b"version: 1\n" + bytes(range(128, 256)) * 1_000)

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(file), str(LIMIT_S)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )

    [problem] = json.loads(done.stdout)["problems"]
    assert (problem["line"], problem["column"]) == (2, 1)
    assert problem["message"] == "the byte 0x80 is not UTF-8"
