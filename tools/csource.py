"""Reads C well enough to measure it: where functions begin and end, how deep they nest, what they
take. Works on text whose comments, strings and preprocessor lines are blanked."""

import re
from dataclasses import dataclass

TOKEN = re.compile(
    r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
    r"|^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", re.S | re.M)
IDENTIFIER_BEFORE = re.compile(r"([A-Za-z_]\w*)\s*$")


@dataclass
class Function:
    name: str
    line: int
    lines: int
    nesting: int
    parameters: int


def blank(found):
    return re.sub(r"[^\n]", " ", found[0])


def mask(text):
    """The same text, line by line, with everything blanked that is not code."""
    return TOKEN.sub(blank, text)


def matching(text, position, opening, closing):
    """Where the bracket that closes the one at `position` stands (or opens, going back)."""
    step = 1 if text[position] == opening else -1
    deeper, shallower = (opening, closing) if step == 1 else (closing, opening)
    depth = 0
    while 0 <= position < len(text):
        if text[position] == deeper:
            depth += 1
        elif text[position] == shallower:
            depth -= 1
            if depth == 0:
                return position
        position += step
    return -1


def head_of(text, brace):
    """(name, parameters' text) when the brace opens something with a parenthesis before it."""
    before = text[:brace].rstrip()
    if not before.endswith(")"):
        return None
    opening = matching(before, len(before) - 1, "(", ")")
    if opening < 0:
        return None
    name = IDENTIFIER_BEFORE.search(before[:opening])
    return (name[1], before[opening + 1:-1]) if name else None


def is_block(body, brace):
    before = body[:brace].rstrip()
    if re.search(r"\b(else|do)$", before) or before[-1:] in (";", "{", "}", ":"):
        return True
    return head_of(body, brace) is not None


def nesting_of(body):
    deepest, stack = 0, []
    for position, character in enumerate(body):
        if character == "{":
            stack.append(position > 0 and is_block(body, position))
            deepest = max(deepest, sum(stack))
        elif character == "}" and stack:
            stack.pop()
    return deepest


def parameters_of(text):
    if text.strip() in ("", "void"):
        return 0
    flat, depth = "", 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        flat += character if depth == 0 else " "
    return flat.count(",") + (0 if flat.rstrip().endswith("...") else 1)


def functions(text):
    """Every function defined at the outermost level of a file."""
    code, found, position = mask(text), [], 0
    while True:
        brace = code.find("{", position)
        if brace < 0:
            return found
        end = matching(code, brace, "{", "}")
        if end < 0:
            return found
        start = max(code.rfind(";", 0, brace), code.rfind("}", 0, brace)) + 1
        head = head_of(code[start:brace] + "{", brace - start)
        if head and "=" not in code[start:brace]:
            body = code[brace:end + 1]
            found.append(Function(head[0], code.count("\n", 0, brace) + 1, body.count("\n") + 1,
                                  nesting_of(body), parameters_of(head[1])))
        position = end + 1
