#!/usr/bin/env python3
"""Compiles templates (FILE.html, FILE.txt) into the C of html/html.h.

usage: templates.py OUTPUT HEADER PREFIX FILE...

A subset of Mustache (src/html/README.md): values, sections, partials, parents with blocks. What a
template takes from others of its folder is taken in here; those that others take from are not
compiled by themselves. FILE.html becomes PREFIX_FILE, FILE.txt PREFIX_FILE_text, and all stand in
PREFIX_templates. Where a value may stand in HTML, and as what, is checked and decided here:

- in text and in double-quoted attributes, escaped;
- as the whole of an attribute that is an address, checked when it is shown;
- nowhere else: not in a tag, a script, a style, a handler of events or a comment.
"""
import os
import re
import sys

sys.dont_write_bytecode = True
from cwrite import literal_lines  # noqa: E402

NESTING = 8
TAG = re.compile(r"\{\{([#^/<>$!]?)\s*(.*?)\s*\}\}", re.S)
ALONE = re.compile(r"^[ \t]*(\{\{[#^/<>$!][^{}]*\}\})[ \t]*\n", re.M)
NAME = re.compile(r"[a-z][a-z0-9_]*")
URLS = {"href", "src", "action", "formaction", "poster", "cite", "data", "ping", "background"}
# No value stands in these, not even an escaped one.
CLOSED = re.compile(r"on\w*|style|srcdoc|srcset|http-equiv|content")


class Wrong(Exception):
    """What is wrong with a template, as a sentence."""


def read(path):
    with open(path, encoding="utf-8") as f:
        return ALONE.sub(r"\1", f.read())


def parse(path):
    """A template as a list of ("text", bytes), ("value", name), ("include", name), and of
    ("if" | "unless" | "block" | "parent", name, list)."""
    text, at = read(path), 0
    stack = [("", "", [])]
    for tag in TAG.finditer(text):
        sign, name = tag[1], tag[2]
        stack[-1][2].append(("text", text[at:tag.start()]))
        at = tag.end()
        if sign == "!":
            continue
        if not NAME.fullmatch(name):
            raise Wrong(f"{tag[0]} is no name in lower case")
        if sign == "/":
            if len(stack) == 1 or stack[-1][1] != name:
                raise Wrong(f"{tag[0]} closes nothing")
            kind, name, children = stack.pop()
            stack[-1][2].append((kind, name, children))
        elif sign in ("#", "^", "$", "<"):
            kind = {"#": "if", "^": "unless", "$": "block", "<": "parent"}[sign]
            stack.append((kind, name, []))
        else:
            stack[-1][2].append(("include" if sign == ">" else "value", name))
    if len(stack) > 1:
        raise Wrong(f"{stack[-1][1]} is not closed")
    stack[0][2].append(("text", text[at:]))
    if any("{{" in part[1] or "}}" in part[1] for part in flat(stack[0][2]) if part[0] == "text"):
        raise Wrong("a brace stands alone")
    return stack[0][2]


def flat(nodes):
    for node in nodes:
        yield node
        if len(node) > 2:
            yield from flat(node[2])


def joined(nodes):
    """Texts that stand side by side as one, and none that are empty."""
    out = []
    for node in nodes:
        if node[0] == "text" and out and out[-1][0] == "text":
            out[-1] = ("text", out[-1][1] + node[1])
        elif node != ("text", ""):
            out.append(node)
    return out


class Folder:
    """The templates of a folder, and what each takes from others."""

    def __init__(self, paths):
        self.parsed, self.taken = {}, set()
        for path in paths:
            name, suffix = os.path.splitext(os.path.basename(path))
            if suffix not in (".html", ".txt") or not NAME.fullmatch(name):
                raise Wrong(f"{path}: a template is called name.html or name.txt")
            try:
                self.parsed[(name, suffix)] = parse(path)
            except Wrong as wrong:
                raise Wrong(f"{path}: {wrong}") from None

    def nodes_of(self, name, suffix, open_ones):
        if (name, suffix) in open_ones:
            raise Wrong(f"{name}{suffix} takes from itself")
        if (name, suffix) not in self.parsed:
            raise Wrong(f"there is no {name}{suffix}")
        return self.parsed[(name, suffix)]

    def expand(self, name, suffix, blocks=None, open_ones=()):
        """The template with everything that it takes from others: texts, values and sections."""
        nodes = self.nodes_of(name, suffix, open_ones)
        return self.expand_all(nodes, suffix, blocks or {}, (*open_ones, (name, suffix)))

    def expand_all(self, nodes, suffix, blocks, open_ones):
        out = []
        for kind, name, *rest in nodes:
            if kind in ("text", "value"):
                out.append((kind, name))
            elif kind == "include":
                self.taken.add((name, suffix))
                out += self.expand(name, suffix, {}, open_ones)
            elif kind == "block":
                out += blocks.get(name) or self.expand_all(rest[0], suffix, blocks, open_ones)
            elif kind == "parent":
                self.taken.add((name, suffix))
                given = self.blocks_of(name, rest[0], suffix, open_ones)
                out += self.expand(name, suffix, given, open_ones)
            else:
                out.append((kind, name, self.expand_all(rest[0], suffix, blocks, open_ones)))
        return joined(out)

    def blocks_of(self, parent, nodes, suffix, open_ones):
        given = {}
        places = {node[1] for node in flat(self.nodes_of(parent, suffix, open_ones))
                  if node[0] == "block"}
        for kind, name, *rest in nodes:
            if kind == "text" and not name.strip():
                continue
            if kind != "block":
                raise Wrong(f"only blocks stand in {{{{<{parent}}}}}")
            if name not in places:
                raise Wrong(f"{parent}{suffix} has no block {name}")
            given[name] = self.expand_all(rest[0], suffix, {}, open_ones)
        return given


class Context:
    """Where in an HTML document one stands."""

    def __init__(self):
        self.state, self.raw, self.tag, self.attribute, self.value = "text", "", "", "", ""

    def key(self):
        return self.state, self.raw, self.attribute

    def take(self, text):
        for c in text:
            getattr(self, "in_" + self.state)(c)

    def in_text(self, c):
        if c == "<":
            self.state, self.tag = "tag", c
        elif self.raw == "script" and not c.isspace():
            raise Wrong("a script stands in a file of its own")

    def in_tag(self, c):
        if self.tag == "<" and not re.match(r"[a-zA-Z/!]", c):
            raise Wrong(f"a < before {c} begins no tag")
        if c == '"':
            name = re.search(r"\s([a-zA-Z][a-zA-Z0-9-]*)=$", self.tag)
            if not name:
                raise Wrong(f"a quote without an attribute in {self.tag}")
            self.state, self.attribute, self.value = "value", name[1], ""
        elif c in "'<" or c != ">" and self.tag.endswith("="):
            raise Wrong(f"an attribute without double quotes in {self.tag}")
        self.tag += c
        if self.tag == "<!--":
            self.state = "comment"
        elif c == ">":
            self.close_tag()

    def close_tag(self):
        name = re.match(r"<(script|style)\b", self.tag.lower())
        self.raw = name[1] if name else ""
        self.state, self.tag = "text", ""

    def in_value(self, c):
        if c == '"':
            if self.attribute in URLS and "\0" in self.value and self.value != "\0":
                raise Wrong(f"{self.attribute} is one value or none")
            self.state, self.attribute = "tag", ""
            self.tag += c
        else:
            self.value += c

    def in_comment(self, c):
        self.tag = (self.tag + c)[-3:]
        if self.tag == "-->":
            self.state, self.tag = "text", ""

    def put(self, name):
        """The kind of the value that stands here."""
        if self.state == "text" and not self.raw:
            return "HTML_ESCAPED"
        if self.state != "value" or CLOSED.fullmatch(self.attribute):
            raise Wrong(f"{{{{{name}}}}} stands where no value can: in {self.tag or self.raw}")
        self.value += "\0"
        return "HTML_ADDRESS" if self.attribute in URLS else "HTML_ESCAPED"


def compile_nodes(nodes, context, ops, depth=0):
    """Appends [kind, text, end]: the end of a section is the index behind its last operation."""
    if depth > NESTING:
        raise Wrong(f"sections stand {NESTING} deep at most")
    for kind, name, *rest in nodes:
        if kind == "text":
            if context:
                context.take(name)
            ops.append(["HTML_LITERAL", name, 0])
        elif kind == "value":
            ops.append([context.put(name) if context else "HTML_PLAIN", name, 0])
        else:
            op = ["HTML_IF" if kind == "if" else "HTML_UNLESS", name, 0]
            ops.append(op)
            before = context and context.key()
            compile_nodes(rest[0], context, ops, depth + 1)
            if context and context.key() != before:
                raise Wrong(f"the section {name} begins and ends in different places")
            op[2] = len(ops)
    return ops


def compile_one(folder, name, suffix):
    try:
        nodes = folder.expand(name, suffix)
        context = Context() if suffix == ".html" else None
        ops = compile_nodes(nodes, context, [])
        if context and context.key() != ("text", "", ""):
            raise Wrong(f"ends inside {context.tag or context.raw or 'a comment'}")
        return ops
    except Wrong as wrong:
        raise Wrong(f"{name}{suffix}: {wrong}") from None


def c_of(symbol, name, ops):
    out = [f"static const struct html_op {symbol}_ops[] = {{"]
    for kind, text, end in ops:
        text = text.encode()
        out.append(f"\t{{{kind}, {end}, {{")
        out += literal_lines(text)
        out.append(f"\t\t, {len(text)}}}}},")
    out += ["};", f"const struct html_template {symbol} = {{",
            f'\t"{name}", {symbol}_ops, {len(ops)}}};', ""]
    return out


def run(output, header, prefix, paths):
    files, where = sorted(paths), os.path.dirname(paths[0])
    there = {os.path.join(where, f) for f in os.listdir(where) if f.endswith((".html", ".txt"))}
    if there != set(files):
        raise Wrong(f"not all templates that stand in {where} are named")
    folder = Folder(files)
    compiled = {key: compile_one(folder, *key) for key in folder.parsed}
    out = ["/* Generated by tools/templates.py. */", f'#include "{header}"', ""]
    symbols = []
    for (name, suffix), ops in compiled.items():
        if (name, suffix) not in folder.taken:
            symbols.append(f"{prefix}_{name}" + ("_text" if suffix == ".txt" else ""))
            out += c_of(symbols[-1], name + suffix, ops)
    out += [f"const struct html_template *const {prefix}_templates[] = {{"]
    out += [f"\t&{symbol}," for symbol in symbols] + ["};"]
    out.append(f"const size_t {prefix}_template_count = {len(symbols)};")
    with open(output, "w", encoding="ascii") as f:
        f.write("\n".join(out) + "\n")


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit("templates: no templates")
    try:
        run(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
    except Wrong as wrong:
        sys.exit(f"templates: {wrong}")
