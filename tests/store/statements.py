#!/usr/bin/env python3
"""Every statement of the sources can be prepared on the engine.

usage: statements.py BUILD_FOLDER PROGRAM

The texts are what the compiler's preprocessor makes of each SQL(…), by the commands with which the
build compiles the files; PROGRAM prepares those that it is given.
"""
import json
import os
import re
import shlex
import subprocess
import sys

STATEMENT = re.compile(r'\.text = \(((?:\s*"(?:\\.|[^"\\])*")+\s*)\)')
LITERAL = re.compile(r'"((?:\\.|[^"\\])*)"')
LEAST = 20  # fewer than these means that they were not found


def sources(build):
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as f:
        for entry in json.load(f):
            path = os.path.normpath(os.path.join(entry["directory"], entry["file"]))
            if "/src/" in path and path.endswith(".c") and os.path.exists(path):
                with open(path, encoding="utf-8") as source:
                    if re.search(r"\bSQL\(", source.read()):
                        yield path, entry


def preprocess(entry):
    words = shlex.split(entry["command"])
    kept, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word in ("-o", "-MF", "-MQ"):
            skip = True
        elif word not in ("-c", "-MD"):
            kept.append(word)
    done = subprocess.run(kept + ["-E", "-P"], cwd=entry["directory"], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"statements: {entry['file']}: {done.stderr[:500]}")
    return done.stdout


def statements_of(text):
    for found in STATEMENT.finditer(text):
        literal = "".join(LITERAL.findall(found[1]))
        yield literal.replace("\\n", "\n").replace("\\t", "\t").replace('\\"', '"')


def gap_in_places(statement):
    places = sorted({int(n) for n in re.findall(r"\$(\d+)", statement)})
    return places != list(range(1, len(places) + 1))


def main():
    build, program = sys.argv[1:]
    found, bad = {}, 0
    for path, entry in sources(build):
        if path in found:
            continue
        found[path] = list(statements_of(preprocess(entry)))
        for statement in found[path]:
            if gap_in_places(statement):
                bad += 1
                print(f"{path}: the places do not run from $1 without a gap: {statement}")
    texts = [text for each in found.values() for text in each]
    if len(texts) < LEAST:
        sys.exit(f"statements: only {len(texts)} found in {len(found)} files")
    done = subprocess.run([program], input="\0".join(texts).encode() + b"\0", check=False)
    print(f"{len(texts)} statements of {len(found)} files")
    sys.exit(1 if bad or done.returncode else 0)


main()
