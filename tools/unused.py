"""Functions that others may call and nobody does: not static, and named nowhere in src/ but where
they are declared and where they stand. What is for tests only says so above its declaration."""

import re

import csource

# Comments and texts call nobody; what a macro says counts.
SILENT = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"", re.S)
WORD = re.compile(r"\b[a-z]\w*\b")


def is_static(lines, function):
    """Whether what stands above the brace, up to the end of what was before it, begins so."""
    for line in reversed(lines[:function.line]):
        if not line.strip() or line.startswith(("}", "#")) or line.rstrip().endswith(("*/", ";")):
            return False
        if line.startswith("static"):
            return True
    return False


def is_for_tests(headers, name):
    declared = re.search(r"/\*((?:(?!\*/).)*)\*/\s*[^;/{}]*\b" + name + r"\(", headers, re.S)
    return declared is not None and re.search(r"\btests?\b", declared[1], re.I) is not None


def problems(texts, called):
    """(path, line, name) of each. `texts`: by path; `called`: names that something else calls."""
    counts = {}
    for text in texts.values():
        for word in WORD.findall(SILENT.sub(" ", text)):
            counts[word] = counts.get(word, 0) + 1
    headers = "\n".join(text for path, text in texts.items() if path.endswith(".h"))
    for path, text in texts.items():
        if not path.endswith(".c"):
            continue
        lines = text.splitlines()
        for function in csource.functions(text):
            name = function.name
            if counts[name] <= 2 and name not in called and not is_static(lines, function) \
                    and not is_for_tests(headers, name):
                yield path, function.line, name
