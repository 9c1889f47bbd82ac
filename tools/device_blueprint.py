#!/usr/bin/env python3
"""The roles of blueprints/device-platform.json, from the published table.

tests/vectors/device-platform-roles.csv says for every operation its group and which role allows it.
This writes the groups, and what the twelve roles exercise and may give, into the blueprint;
everything else there is kept as it is. With --check it changes nothing and fails when the two
differ.
"""

import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLE = ROOT / "tests/vectors/device-platform-roles.csv"
BLUEPRINT = ROOT / "blueprints/device-platform.json"

# The columns of the table, in the order of its letters.
COLUMNS = (
    ("administrator", "operator", "developer", "reader"),
    ("app_standard", "app_operations", "app_backend_trusted", "app_data_processor",
     "app_visualization", "app_device"),
    ("gateway_standard", "gateway_privileged"),
)
HEADER = "group,operation,users_AODR,apps_SOBPVD,gateways_SP"


def read_table():
    """role name -> its operations, in the order of the table; and operation -> its group."""
    lines = [line for line in TABLE.read_text().splitlines() if line and line[0] != "#"]
    if not lines or lines[0] != HEADER:
        sys.exit(f"{TABLE}: the header is not {HEADER}")
    roles = {name: [] for names in COLUMNS for name in names}
    operations = {}
    for line in lines[1:]:
        group, operation, *cells = line.split(",")
        if operation in operations:
            sys.exit(f"{TABLE}: {operation} is there twice")
        operations[operation] = group
        if len(cells) != len(COLUMNS):
            sys.exit(f"{TABLE}: {operation}: expected {len(COLUMNS)} columns of roles")
        for names, marks in zip(COLUMNS, cells):
            if len(marks) != len(names) or set(marks) - {"X", "-"}:
                sys.exit(f"{TABLE}: {operation}: cannot read '{marks}'")
            for name, mark in zip(names, marks):
                if mark == "X":
                    roles[name].append(operation)
    return roles, operations


def may_give(role, exercised, operations, machine):
    """Operations reserved for machines are given by who manages the rights of such machines, and
    everything by the administrator. Otherwise one gives what one exercises."""
    given = set(exercised)
    if role == "administrator":
        given |= set(operations)
    if "device_rights:manage" in given:
        given |= machine - {"own_api_key_rights:read"}
    if "api_key_rights:manage" in given:
        given |= machine
    return [name for name in operations if name in given]


def expected(document):
    """The document as the table wants it."""
    roles, operations = read_table()
    names = [permission["name"] for permission in document["permissions"]]
    if names != list(operations):
        sys.exit(f"{BLUEPRINT}: its permissions are not the operations of the table, in that order")
    machine = {p["name"] for p in document["permissions"] if p.get("machine")}
    by_users = {name for role in COLUMNS[0] for name in roles[role]}
    if machine != set(operations) - by_users:
        sys.exit(f"{BLUEPRINT}: `machine` is not on exactly what no user role has")
    wanted = json.loads(json.dumps(document))
    wanted["permissions"] = [
        {"name": p["name"], "group": None} | p | {"group": operations[p["name"]]}
        for p in wanted["permissions"]]
    found = {role["name"]: role for role in wanted["roles"]}
    for name, allowed in roles.items():
        if name not in found:
            sys.exit(f"{BLUEPRINT}: the role {name} is missing")
        found[name]["exercises"] = allowed
        gives = may_give(name, allowed, operations, machine)
        found[name].pop("gives", None)
        if gives != allowed:
            found[name]["gives"] = gives
    return wanted


def main():
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit("usage: device_blueprint.py [--check]")
    document = json.loads(BLUEPRINT.read_text())
    wanted = expected(document)
    if sys.argv[1:]:
        if wanted != document:
            sys.exit(f"{BLUEPRINT} differs from {TABLE}: run tools/device_blueprint.py")
        return
    BLUEPRINT.write_text(json.dumps(wanted, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
