"""Every statement on a table of tenants says whose rows it means: each WHERE begins with org.

A statement that means every organisation says so: a comment with the words "every organisation"
stands in the three lines before its SQL(…).
"""

import re

CREATE = re.compile(r"CREATE TABLE (\w+) \((.*?)\n\)", re.S)
CALL = re.compile(r"\bSQL\(")
LITERAL = re.compile(r'"((?:\\.|[^"\\])*)"')
TABLE = re.compile(r"\b(?:FROM|JOIN|UPDATE|INTO)\s+(\w+)", re.I)
WHERE = re.compile(r"\bWHERE\s+\(*((?:\w+\.)?\w+)", re.I)


def tenant_tables(migrations):
    """Tables that have a column `org`."""
    return {name for text in migrations for name, columns in CREATE.findall(text)
            if re.search(r"^\s*org\s", columns, re.M)}


def statements(text):
    """(line, text of the statement) for each SQL(…) of a C file."""
    for call in CALL.finditer(text):
        depth, position = 1, call.end()
        while depth and position < len(text):
            literal = LITERAL.match(text, position)
            if literal:
                position = literal.end()
                continue
            depth += (text[position] == "(") - (text[position] == ")")
            position += 1
        inside = text[call.end():position - 1]
        yield text.count("\n", 0, call.start()) + 1, " ".join(LITERAL.findall(inside))


def problem_of(statement, tables):
    named = [(m.start(), m[1]) for m in TABLE.finditer(statement)]
    conditions = list(WHERE.finditer(statement))
    for where in conditions:
        table = next((name for at, name in reversed(named) if at < where.start()), None)
        if table in tables and where[1].split(".")[-1] != "org":
            return f"WHERE on {table} begins with {where[1]}, not with org"
    verb = statement.split(None, 1)[0].upper() if statement.split() else ""
    if verb in ("SELECT", "UPDATE", "DELETE") and not conditions and \
            any(name in tables for _, name in named):
        return "touches a table of tenants without a WHERE that begins with org"
    return None


def problems(text, tables):
    lines = text.splitlines()
    for line, statement in statements(text):
        problem = problem_of(statement, tables)
        if problem and "every organisation" not in " ".join(lines[max(0, line - 4):line]):
            yield line, problem
