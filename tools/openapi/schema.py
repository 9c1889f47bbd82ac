"""The part of JSON Schema that the contract uses. Anything else is refused, never ignored."""
import re


class ContractError(Exception):
    """Says the place and what is wrong with it."""


KEYWORDS = {
    '$ref', 'type', 'format', 'enum', 'minLength', 'maxLength', 'pattern', 'minimum', 'maximum',
    'items', 'minItems', 'maxItems', 'uniqueItems', 'properties', 'required',
    'additionalProperties', 'minProperties', 'maxProperties', 'oneOf', 'description', 'default',
}
TYPES = ('null', 'boolean', 'integer', 'number', 'string', 'array', 'object')
FORMATS = ('uuid', 'date-time', 'idn-email')
PREFIX = '#/components/schemas/'


def only(mapping, known, place, all_of_them=False):
    if not isinstance(mapping, dict):
        raise ContractError(f'{place}: has to be a mapping')
    unknown = [str(key) for key in mapping if key not in known]
    if unknown:
        raise ContractError(f'{place}: {", ".join(unknown)} is not known')
    if all_of_them and set(mapping) != set(known):
        raise ContractError(f'{place}: {", ".join(sorted(set(known) - set(mapping)))} is missing')


def types_of(schema):
    stated = schema.get('type')
    if stated is None:
        return list(TYPES)
    return stated if isinstance(stated, list) else [stated]


class Schemas:
    def __init__(self, named):
        self.named = named
        self.bounded_done = set()
        for name, schema in named.items():
            if not re.fullmatch(r'[A-Z][A-Za-z]*', name):
                raise ContractError(f'components.schemas.{name}: names are CamelCase')
            self.check(schema, f'components.schemas.{name}')

    def name_of(self, schema):
        name = schema['$ref'].removeprefix(PREFIX)
        if not schema['$ref'].startswith(PREFIX) or name not in self.named:
            raise ContractError(f'{schema["$ref"]}: there is no such schema')
        return name

    def resolve(self, schema):
        return self.named[self.name_of(schema)] if '$ref' in schema else schema

    def check(self, schema, place, bounded=False):
        """`bounded`: it is input, so that each string, list, number and object needs a limit."""
        only(schema, KEYWORDS, place)
        if '$ref' in schema:
            only(schema, {'$ref', 'description'}, place)
            name = self.name_of(schema)
            if bounded and name not in self.bounded_done:
                self.bounded_done.add(name)
                self.check(self.named[name], f'components.schemas.{name}', True)
            return
        types = types_of(schema)
        if any(t not in TYPES for t in types):
            raise ContractError(f'{place}: type {schema["type"]} is not known')
        if schema.get('format', 'uuid') not in FORMATS:
            raise ContractError(f'{place}: format {schema["format"]} is not known')
        if 'pattern' in schema:
            check_pattern(schema['pattern'], place)
        if bounded and 'type' in schema:
            check_bounded(schema, types, place)
        self.check_array(schema, place, bounded)
        self.check_object(schema, place, bounded)

    def check_array(self, schema, place, bounded):
        if 'array' in types_of(schema) and 'type' in schema:
            if 'items' not in schema:
                raise ContractError(f'{place}: items are missing')
            self.check(schema['items'], f'{place}[]', bounded)
        if schema.get('uniqueItems') and types_of(self.resolve(schema['items'])) != ['string']:
            raise ContractError(f'{place}: uniqueItems is for strings')

    def check_object(self, schema, place, bounded):
        properties = schema.get('properties', {})
        for name, member in properties.items():
            self.check(member, f'{place}.{name}', bounded)
        rest = schema.get('additionalProperties', False)
        if not isinstance(rest, bool):
            raise ContractError(f'{place}: additionalProperties has to be true or false')
        unknown = [name for name in schema.get('required', []) if name not in properties]
        if unknown:
            raise ContractError(f'{place}: {", ".join(unknown)} is required and not described')
        if len(schema.get('oneOf', [0, 0])) != 2:
            raise ContractError(f'{place}: oneOf takes two alternatives')
        for alternative in schema.get('oneOf', []):
            if list(alternative) != ['required'] or len(alternative['required']) != 1 or \
                    alternative['required'][0] not in properties:
                raise ContractError(f'{place}: oneOf takes alternatives {{required: [member]}}')


def check_pattern(pattern, place):
    """The part of regular expressions in which ECMA-262 and POSIX agree."""
    if not (pattern.startswith('^') and pattern.endswith('$')):
        raise ContractError(f'{place}: a pattern is anchored at both ends')
    if re.search(r'\\[^*.]|\(\?|[*+?}][*+?]|\[\[|\[:', pattern) or not pattern.isascii():
        raise ContractError(f'{place}: the pattern uses more than characters, classes, groups '
                            'and simple repetition')


def check_bounded(schema, types, place):
    if 'string' in types and 'enum' not in schema and 'maxLength' not in schema and \
            schema.get('format') not in ('uuid', 'date-time'):
        raise ContractError(f'{place}: a string of an input needs maxLength')
    if ('integer' in types or 'number' in types) and \
            not {'minimum', 'maximum'} <= set(schema):
        raise ContractError(f'{place}: a number of an input needs minimum and maximum')
    if 'array' in types and 'maxItems' not in schema:
        raise ContractError(f'{place}: a list of an input needs maxItems')
    if 'object' in types and 'additionalProperties' not in schema:
        raise ContractError(f'{place}: an object of an input says additionalProperties')
