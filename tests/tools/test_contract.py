"""tools/contract.py refuses a contract that is not whole, naming the place."""

import copy
import contextlib
import io
import re
import sys
import tempfile
import unittest
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tools"))
import contract as tool  # noqa: E402
from openapi import c_tables, pages  # noqa: E402
from openapi.contract import load  # noqa: E402
from openapi.schema import ContractError  # noqa: E402

REAL = ROOT / "api/openapi.yaml"

SMALL = yaml.safe_load("""
openapi: 3.1.0
info: {title: T, version: '1', description: D}
x-permissions:
  - {number: 8, name: 'iam:things:read', class: read, description: See things.}
  - {number: 9, name: 'iam:things:make', class: write, description: Make things.}
paths:
  /api/orgs/{org}/things:
    post:
      operationId: thing_create
      summary: Make a thing
      tags: [things]
      x-permission: iam:things:make
      x-node: org
      parameters:
        - {$ref: '#/components/parameters/Org'}
        - {$ref: '#/components/parameters/IdempotencyKey'}
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}
      responses: {'201': {description: Made.}}
components:
  parameters:
    Org: {name: org, in: path, required: true, description: O, schema: {type: string, format: uuid}}
    IdempotencyKey:
      {name: Idempotency-Key, in: header, description: I, schema: {type: string, maxLength: 255}}
  responses: {}
  schemas:
    Thing:
      type: object
      additionalProperties: false
      required: [name]
      properties:
        name: {type: string, maxLength: 63, pattern: '^[a-z]+$'}
        tags: {type: array, maxItems: 4, uniqueItems: true, items: {type: string, maxLength: 9}}
""")
PATH = "/api/orgs/{org}/things"


def load_text(text):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "openapi.yaml"
        path.write_text(text)
        return load(path)


def load_with(change):
    document = copy.deepcopy(SMALL)
    change(document)
    return load_text(yaml.safe_dump(document, sort_keys=False))


def post(document):
    return document["paths"][PATH]["post"]


def name_of(document):
    return document["components"]["schemas"]["Thing"]["properties"]["name"]


class Refusals(unittest.TestCase):
    def refused(self, change, *words):
        with self.assertRaises(ContractError) as caught:
            load_with(change)
        for word in words:
            self.assertIn(word, str(caught.exception))

    def test_the_small_one_is_whole(self):
        self.assertEqual([o["id"] for o in load_with(lambda d: None).operations], ["thing_create"])

    def test_an_operation_without_permission(self):
        self.refused(lambda d: post(d).pop("x-permission"), "thing_create", "no x-permission")

    def test_a_permission_that_is_not_in_the_catalogue(self):
        self.refused(lambda d: post(d).update({"x-permission": "iam:things:break"}),
                     "thing_create", "iam:things:break")

    def test_a_number_that_is_given_twice(self):
        self.refused(lambda d: d["x-permissions"][1].update(number=8), "number 8")

    def test_a_name_that_is_given_twice(self):
        self.refused(lambda d: d["x-permissions"][1].update(name="iam:things:read"), "twice")

    def test_a_class_that_does_not_exist(self):
        self.refused(lambda d: d["x-permissions"][1].update({"class": "x"}), "class")

    def test_unknown_keys(self):
        self.refused(lambda d: post(d).update({"x-permision": "iam:things:make"}),
                     "POST " + PATH, "x-permision")
        self.refused(lambda d: d.update(tags=[]), "tags")
        self.refused(lambda d: name_of(d).update(maxlength=3), "name", "maxlength")

    def test_a_member_that_is_there_twice(self):
        text = yaml.safe_dump(SMALL, sort_keys=False)
        with self.assertRaises(ContractError) as caught:
            load_text(text + "openapi: 3.1.0\n")
        self.assertIn("openapi is there twice", str(caught.exception))

    def test_a_node_that_the_path_does_not_name(self):
        self.refused(lambda d: post(d).update({"x-node": "workspace"}), "thing_create",
                     "{workspace}")
        self.refused(lambda d: post(d).update({"x-node": "galaxy"}), "thing_create", "x-node")

    def test_path_parameters_that_differ_from_the_path(self):
        self.refused(lambda d: post(d).update(parameters=[]), "thing_create", "path parameters")

    def test_a_post_that_cannot_be_repeated(self):
        self.refused(lambda d: post(d)["parameters"].pop(), "thing_create", "IdempotencyKey")
        self.refused(lambda d: post(d).update({"x-change": False}), "thing_create",
                     "IdempotencyKey")

    def test_an_unknown_header(self):
        self.refused(lambda d: d["components"]["parameters"]["IdempotencyKey"]
                     .update(name="X-Key"), "IdempotencyKey", "If-Match")

    def test_two_operations_of_one_name(self):
        def change(d):
            d["paths"]["/api/orgs/{org}/others"] = {"post": copy.deepcopy(post(d))}
        self.refused(change, "thing_create", "operationId")

    def test_input_without_bounds(self):
        self.refused(lambda d: name_of(d).pop("maxLength"), "Thing.name", "maxLength")
        self.refused(lambda d: d["components"]["schemas"]["Thing"].pop("additionalProperties"),
                     "additionalProperties")
        self.refused(lambda d: d["components"]["schemas"]["Thing"]["properties"]["tags"]
                     .pop("maxItems"), "Thing.tags", "maxItems")

    def test_a_pattern_that_engines_read_differently(self):
        for pattern in (r"^\d+$", "[a-z]+", "^(?:a)$", "^a+?$", "^[[:alpha:]]$"):
            self.refused(lambda d: name_of(d).update(pattern=pattern), "Thing.name", "pattern")

    def test_a_schema_that_does_not_exist(self):
        def change(d):
            post(d)["requestBody"]["content"]["application/json"]["schema"]["$ref"] += "s"
        self.refused(change, "Things")

    def test_public_changes(self):
        self.refused(lambda d: post(d).update({"x-permission": "public", "x-node": "self"}),
                     "thing_create", "public")

    def test_the_command_says_it_and_fails(self):
        document = copy.deepcopy(SMALL)
        post(document).pop("x-permission")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "openapi.yaml"
            path.write_text(yaml.safe_dump(document))
            said = io.StringIO()
            with contextlib.redirect_stderr(said):
                status = tool.main(["routes", str(path), folder])
            self.assertEqual(status, 1)
            self.assertIn("thing_create", said.getvalue())
            self.assertFalse((Path(folder) / "routes.c").exists())


class TheContract(unittest.TestCase):
    def setUp(self):
        self.contract = load(REAL)

    def test_every_operation_stands_in_the_route_table(self):
        source = c_tables.routes(self.contract)["routes.c"]
        names = re.findall(r'\.name = "(\w+)"', source)
        self.assertEqual(sorted(names), sorted(o["id"] for o in self.contract.operations))

    def test_the_catalogue_keeps_its_numbers(self):
        numbers = {name: e["number"] for name, e in self.contract.permissions.items()}
        given = {"iam:orgs:create": 0, "iam:workspaces:read": 9, "iam:principals:read": 17,
                 "iam:credentials:rotate": 84, "iam:groups:create": 104, "iam:scopes:give": 132,
                 "iam:grants:create": 136, "iam:decisions:evaluate": 212}
        self.assertEqual({name: numbers[name] for name in given}, given)

    def test_presets_contain_each_other(self):
        """By their classes; the server computes them the same way."""
        read, write, everything = (
            {n for n, e in self.contract.permissions.items() if e["class"] in classes}
            for classes in (("read",), ("read", "write"), ("read", "write", "destructive")))
        self.assertTrue(read < write < everything)
        self.assertEqual(everything, set(self.contract.permissions))

    def test_pages_that_are_not_current_are_noticed(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            tool.write_pages(self.contract, folder)
            tool.check_pages(self.contract, folder)
            (folder / "api.md").write_text("old")
            with self.assertRaises(ContractError) as caught:
                tool.check_pages(self.contract, folder)
            self.assertIn("api.md", str(caught.exception))

    def test_every_operation_has_a_place_in_the_reference(self):
        page = pages.render(self.contract)["api.md"]
        for operation in self.contract.operations + self.contract.doors:
            self.assertIn(f'`{operation["id"]}`', page)


if __name__ == "__main__":
    unittest.main()
