#!/usr/bin/env python3
"""Checks blueprints/*.json: form, names, and what refers to what. See docs/blueprints.md.

Prints every fault with its place and exits with 1 when there is one. `--check` is the only mode.
"""

import json
import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONTRACT = ROOT / "api/openapi.yaml"
FOLDER = ROOT / "blueprints"

KINDS = {"member", "end_user", "service_account", "api_key", "application", "gateway", "device"}
CLASSES = {"read", "write", "destructive"}
BUILTIN_TYPES = {"gateway", "device"}  # in every organisation
SLUG = re.compile(r"[a-z][a-z0-9_-]{0,62}")
OWN_NAME = re.compile(r"(?!iam:)[a-z][a-z0-9_.-]*:[a-z][a-z0-9_.-]*")

# Object -> (members it must have, members it may have besides), each with its type.
DOCUMENT = ({"name": str, "version": int, "title": str, "description": str,
             "resource_types": list, "permissions": list, "roles": list, "defaults": dict,
             "guardrails": list}, {"creator_role": str})
TYPE = ({"type": str, "registered": bool, "description": str}, {})
PERMISSION = ({"name": str, "class": str, "description": str},
              {"group": str, "machine": bool, "alias_of": str})
ROLE = ({"name": str, "title": str, "description": str, "kinds": list, "exercises": list},
        {"gives": list, "exercises_all": bool, "gives_all": bool, "confines": bool,
         "ceiling": dict})
DEFAULT = ({"role": (str, type(None)), "ceiling_role": (str, type(None))}, {})
GUARDRAIL = ({"name": str, "description": str, "kinds": list, "permissions": list,
              "condition": (dict, type(None))}, {})


class Checker:
    """One document: its faults, and what its names stand for."""

    def __init__(self, path, builtin, faults):
        self.path, self.builtin, self.faults = path, builtin, faults
        self.document = json.loads(path.read_text(), object_pairs_hook=self.members)

    def fault(self, place, text):
        self.faults.append(f"{self.path.relative_to(ROOT)}: {place}: {text}")

    def members(self, pairs):
        names = [name for name, _ in pairs]
        for name in {name for name in names if names.count(name) > 1}:
            self.fault(name, "appears twice in one object")
        return dict(pairs)

    def form(self, place, value, form):
        """True when `value` is an object of this form."""
        required, optional = form
        if not isinstance(value, dict):
            self.fault(place, "is not an object")
            return False
        sound = True
        for name in required:
            if name not in value:
                self.fault(place, f"lacks '{name}'")
                sound = False
        for name, member in value.items():
            wanted = required.get(name) or optional.get(name)
            if wanted is None:
                self.fault(place, f"has an unknown member '{name}'")
                sound = False
            elif not isinstance(member, wanted) or (wanted is int and member is True):
                self.fault(f"{place}.{name}", "has the wrong type")
                sound = False
        for name in ("title", "description"):
            if isinstance(value.get(name), str) and not value[name].strip():
                self.fault(f"{place}.{name}", "is empty")
        return sound

    def entries(self, name, form, key):
        """The sound entries of a list, by key; faults for the rest."""
        found = {}
        for i, entry in enumerate(self.document[name]):
            place = f"{name}[{i}]"
            if not self.form(place, entry, form):
                continue
            if entry[key] in found:
                self.fault(place, f"'{entry[key]}' appears twice")
            found[entry[key]] = entry
        return found

    def names(self, place, names):
        """A list of permissions: known, exact and not repeated."""
        for name in names:
            if name not in self.builtin and name not in self.permissions:
                self.fault(place, f"no such permission: '{name}'")
        if len(set(map(str, names))) != len(names):
            self.fault(place, "names a permission twice")

    def kinds(self, place, kinds):
        if not kinds or not KINDS.issuperset(kinds) or len(set(kinds)) != len(kinds):
            self.fault(place, "is not a list of different kinds of principal")

    def real(self, name):
        return self.permissions.get(name, {}).get("alias_of", name)

    def check(self):
        if not self.form("document", self.document, DOCUMENT):
            return
        if self.document["name"] != self.path.stem or not SLUG.fullmatch(self.path.stem):
            self.fault("name", "is not the name of the file, or not a plain name")
        if self.document["version"] < 1:
            self.fault("version", "is below 1")
        self.types = self.entries("resource_types", TYPE, "type")
        self.permissions = self.entries("permissions", PERMISSION, "name")
        self.roles = self.entries("roles", ROLE, "name")
        self.check_permissions()
        for name in self.types:
            if not SLUG.fullmatch(name) or name in BUILTIN_TYPES:
                self.fault("resource_types", f"'{name}' is not a plain name, or built in")
        for name, role in self.roles.items():
            self.check_role(f"role {name}", role)
        for name, guardrail in self.entries("guardrails", GUARDRAIL, "name").items():
            self.kinds(f"guardrail {name}.kinds", guardrail["kinds"])
            self.names(f"guardrail {name}.permissions", guardrail["permissions"])
        self.check_defaults()
        self.check_creator()

    def check_permissions(self):
        aliased = set()
        for name, permission in self.permissions.items():
            place = f"permission {name}"
            if not OWN_NAME.fullmatch(name) or len(name) > 80:
                self.fault(place, "is not of the form namespace:action")
            if permission["class"] not in CLASSES:
                self.fault(place, f"'{permission['class']}' is not a class")
            if not SLUG.fullmatch(permission.get("group", "none")):
                self.fault(place, f"'{permission['group']}' is not a plain name of a group")
            alias = permission.get("alias_of")
            if alias is None:
                continue
            if alias not in self.builtin:
                self.fault(place, f"no such built-in permission: '{alias}'")
            elif self.builtin[alias] != permission["class"]:
                self.fault(place, f"has another class than {alias} ({self.builtin[alias]})")
            if alias in aliased or permission.get("machine"):
                self.fault(place, "is a second name of one permission, or one of machines")
            aliased.add(alias)

    def check_role(self, place, role):
        if not SLUG.fullmatch(role["name"]):
            self.fault(place, "is not a plain name")
        self.kinds(f"{place}.kinds", role["kinds"])
        self.names(f"{place}.exercises", role["exercises"])
        self.names(f"{place}.gives", role.get("gives", []))
        if role.get("exercises_all") and role["exercises"]:
            self.fault(place, "exercises everything and lists something")
        if role.get("gives_all") and "gives" in role:
            self.fault(place, "gives everything and lists something")
        if not role.get("exercises_all") and not role["exercises"]:
            self.fault(place, "exercises nothing")
        for name in role["exercises"]:
            if self.permissions.get(name, {}).get("machine") and \
                    {"member", "end_user"} & set(role["kinds"]):
                self.fault(place, f"'{name}' is reserved for machines")
        exercised = {self.real(name) for name in role["exercises"]}
        for name in role.get("gives", []):
            if self.real(name) in self.builtin and self.real(name) not in exercised and \
                    not role.get("exercises_all"):
                self.fault(f"{place}.gives", f"'{name}' is built in and not exercised")
        if "ceiling" in role:
            ceiling = role["ceiling"]
            if list(ceiling) not in (["only"], ["except"]) or \
                    not isinstance(next(iter(ceiling.values())), list):
                self.fault(f"{place}.ceiling", "is neither {\"only\": […]} nor {\"except\": […]}")
            else:
                self.names(f"{place}.ceiling", next(iter(ceiling.values())))
                self.check_use_of_ceiling(place, role)

    def under(self, role, name):
        """Whether a role's ceiling lets a permission through."""
        (form, names), = role["ceiling"].items()
        return (self.real(name) in map(self.real, names)) == (form == "only")

    def check_use_of_ceiling(self, place, role):
        for name in role["exercises"] + role.get("gives", []):
            if not self.under(role, name):
                self.fault(place, f"its own ceiling keeps it from '{name}'")

    def check_defaults(self):
        for kind, default in self.document["defaults"].items():
            place = f"defaults.{kind}"
            if kind not in KINDS or not self.form(place, default, DEFAULT):
                self.fault(place, "is not a default of a kind of principal")
                continue
            for member in ("role", "ceiling_role"):
                if default[member] is None:
                    continue
                role = self.roles.get(default[member])
                if role is None or kind not in role["kinds"]:
                    self.fault(place, f"'{default[member]}' is no role here for this kind")
                elif member == "ceiling_role" and "ceiling" not in role:
                    self.fault(place, f"'{default[member]}' bears no ceiling")

    def check_creator(self):
        """Who creates a workspace is bounded by the ceiling of members there."""
        name = self.document.get("creator_role")
        if name is None:
            return
        role = self.roles.get(name)
        if role is None or "member" not in role["kinds"]:
            self.fault("creator_role", f"'{name}' is no role for members here")
            return
        bound = self.document["defaults"].get("member", {}).get("ceiling_role")
        for permission in role["exercises"] + role.get("gives", []):
            if bound in self.roles and not self.under(self.roles[bound], permission):
                self.fault("creator_role", f"the ceiling of {bound} keeps it from '{permission}'")


def read_builtin():
    """Name -> class, from the contract."""
    permissions = yaml.safe_load(CONTRACT.read_text())["x-permissions"]
    builtin = {entry["name"]: entry["class"] for entry in permissions}
    if not builtin:
        sys.exit(f"{CONTRACT}: x-permissions is empty")
    return builtin


def check_together(checkers, faults):
    """An organisation may apply several of them."""
    roles, types, permissions = {}, {}, {}
    for checker in checkers:
        name = checker.document.get("name")
        for role in checker.document.get("roles", []):
            if roles.setdefault(role.get("name"), name) != name:
                faults.append(f"role {role.get('name')}: in {name} and {roles[role.get('name')]}")
        for entry in checker.document.get("resource_types", []):
            if types.setdefault(entry.get("type"), entry) != entry:
                faults.append(f"resource type {entry.get('type')}: differs between blueprints")
        for entry in checker.document.get("permissions", []):
            if permissions.setdefault(entry.get("name"), name) != name:
                faults.append(f"permission {entry.get('name')}: in two blueprints")


def main():
    if sys.argv[1:] != ["--check"]:
        sys.exit("usage: blueprints.py --check")
    faults = []
    builtin = read_builtin()
    checkers = [Checker(path, builtin, faults) for path in sorted(FOLDER.glob("*.json"))]
    if not checkers:
        sys.exit(f"{FOLDER}: no blueprints")
    for checker in checkers:
        checker.check()
    check_together(checkers, faults)
    for fault in faults:
        print(fault, file=sys.stderr)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
