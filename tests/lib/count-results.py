#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sums what meson's test logs (JSON lines) say: TAP and pytest lines count each test case, other programs count as one.

Prints "N passed, N failed[, N skipped]"; exit status 1 when anything failed or nothing ran. An argument FIRST,AGAIN names a log
and that of the failed tests' second run, whose results stand instead. count-results.py --failed LOG prints the names of failed tests;
count-results.py --slowest LOG… those that took longest, and those that needed a second try.
"""

import collections
import json
import re
import sys

PYTEST = re.compile(r"^=+ (?:.*, )?\d+ (?:passed|failed|skipped|error|errors|deselected|xfailed)\b.* in [\d.]+s.*=+$", re.M)
PYTEST_PART = re.compile(r"(\d+) (passed|failed|skipped|errors?|xfailed)\b")
TAP = re.compile(r"^(ok|not ok) \d+(.*)$", re.M)


def of_tap(text):
    found = collections.Counter()
    for verdict, rest in TAP.findall(text):
        if re.search(r"# *(skip|todo)", rest, re.I):
            found["skipped"] += 1
        else:
            found["passed" if verdict == "ok" else "failed"] += 1
    return found


def of_pytest(text):
    found = collections.Counter()
    lines = PYTEST.findall(text)
    for number, kind in PYTEST_PART.findall(lines[-1]) if lines else ():
        found["failed" if kind.startswith("error") else "skipped" if kind == "xfailed" else kind] += int(number)
    return found


def of_test(test):
    text = test.get("stdout", "")
    found = of_pytest(text) or of_tap(text)
    result = test["result"]
    if result in ("OK", "EXPECTEDFAIL"):
        return found or collections.Counter(passed=1)
    if result == "SKIP":
        return collections.Counter(skipped=max(1, found["skipped"]))
    if not found["failed"]:  # died, timed out, or failed outside its test cases
        found["failed"] += 1
    return found


def results_of(paths):
    """The last result of each test."""
    tests = {}
    for path in paths:
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                test = json.loads(line)
                tests[test["name"]] = test
    return tests.values()


def print_failed(path):
    for test in results_of([path]):
        if test["result"] not in ("OK", "EXPECTEDFAIL", "SKIP"):
            print(re.split(r" / | - ", test["name"])[-1])  # the second is of newer mesons


def print_slowest(arguments):
    tests = [test for argument in arguments for test in results_of(argument.split(","))]
    for test in sorted(tests, key=lambda test: -test["duration"])[:10]:
        print(f"{test['duration']:7.1f} s  {test['name']}")
    again = [test["name"] for argument in arguments if "," in argument for test in results_of(argument.split(",")[1:])]
    if again:
        print("Needed a second try:", ", ".join(again))


def main():
    if sys.argv[1:2] == ["--slowest"]:
        print_slowest(sys.argv[2:])
        return 0
    if sys.argv[1:2] == ["--failed"]:
        print_failed(sys.argv[2])
        return 0
    total = collections.Counter()
    for argument in sys.argv[1:]:
        for test in results_of(argument.split(",")):
            total += of_test(test)
    skipped = f", {total['skipped']} skipped" if total["skipped"] else ""
    print(f"{total['passed']} passed, {total['failed']} failed{skipped}")
    return 1 if total["failed"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
