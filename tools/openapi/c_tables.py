"""C tables from the contract: the catalogue, the routes, their schemas, and its text."""
import re

from .schema import types_of

HEAD = '/* Generated from api/openapi.yaml by tools/contract.py. */\n'
METHOD_ORDER = ('get', 'post', 'put', 'patch', 'delete')
UNBOUNDED = 'UINT32_MAX'


def quote(text):
    out = []
    for byte in text.encode('utf-8'):
        if byte in (0x22, 0x5c):
            out.append('\\' + chr(byte))
        elif byte == 0x0a:
            out.append('\\n')
        elif 0x20 <= byte < 0x7f and byte != 0x3f:
            out.append(chr(byte))
        else:
            out.append(f'\\{byte:03o}')
    return '"' + ''.join(out) + '"'


def constant(permission):
    return permission.upper().replace(':', '_')


def catalogue(contract):
    entries = list(contract.permissions.values())
    numbers = [HEAD, '#ifndef MODEL_CATALOGUE_NUMBERS_H\n#define MODEL_CATALOGUE_NUMBERS_H\n\n',
               'enum {\n']
    numbers += [f'\t{constant(e["name"])} = {e["number"]},\n' for e in entries]
    numbers += ['};\n', f'#define CATALOGUE_END {entries[-1]["number"] + 1}\n', '\n#endif\n']

    rows, by_name = [], sorted(range(len(entries)), key=lambda i: entries[i]['name'].encode())
    for entry in entries:
        _, resource, action = entry['name'].split(':')
        rows.append(f'\t{{{entry["number"]}, {quote(entry["name"])}, {quote(resource)}, '
                    f'{quote(action)}, CLASS_{entry["class"].upper()}, '
                    f'{quote(entry["description"])}}},\n')
    table = [HEAD, '#include "model/catalogue.h"\n\n#include "model/catalogue_order.h"\n\n',
             'const struct catalogue_entry catalogue[] = {\n', *rows, '};\n',
             f'const uint32_t catalogue_count = {len(entries)};\n\n',
             'const uint16_t catalogue_by_name[] = {', ', '.join(map(str, by_name)), '};\n']
    return {'catalogue.c': ''.join(table), 'catalogue_numbers.h': ''.join(numbers)}


def first_of(schema, keys, otherwise):
    return next((schema[key] for key in keys if key in schema), otherwise)


class Tables:
    """Collects schemas as C objects, each written once, whatever uses it."""

    def __init__(self, contract):
        self.schemas = contract.schemas
        self.lines, self.known, self.patterns, self.lists = [], {}, [], {}
        self.being_made = set()

    def string_list(self, strings):
        key = tuple(strings)
        if key not in self.lists:
            name = f'strings_{len(self.lists)}'
            self.lists[key] = name
            self.lines.append(f'static const char *const {name}[] = {{'
                              f'{", ".join(quote(s) for s in strings)}, NULL}};\n')
        return self.lists[key]

    def pattern(self, pattern):
        if pattern not in self.patterns:
            self.patterns.append(pattern)
        return self.patterns.index(pattern) + 1

    def schema(self, schema):
        """The C name of the object for a schema."""
        if '$ref' in schema:
            name = self.schemas.name_of(schema)
            if name in self.being_made:
                raise NotImplementedError(f'{name} contains itself')
            self.being_made.add(name)
            result = self.schema(self.schemas.named[name])
            self.being_made.discard(name)
            return result
        key = repr({k: v for k, v in schema.items() if k not in ('description', 'default')})
        if key not in self.known:
            fields = self.fields(schema)
            self.known[key] = name = f'schema_{len(self.known)}'
            self.lines.append(f'static const struct schema {name} = {{\n\t' +
                              ',\n\t'.join(fields) + ',\n};\n')
        return self.known[key]

    def fields(self, schema):
        types = ' | '.join(f'SCHEMA_{t.upper()}' for t in types_of(schema))
        fields = [f'.types = {types}']
        low = first_of(schema, ('minLength', 'minItems', 'minProperties'), 0)
        high = first_of(schema, ('maxLength', 'maxItems', 'maxProperties'), UNBOUNDED)
        fields += [f'.min = {low}', f'.max = {high}']
        if 'format' in schema:
            fields.append(f'.format = FORMAT_{schema["format"].upper().replace("-", "_")}')
        if 'pattern' in schema:
            fields.append(f'.pattern = {self.pattern(schema["pattern"])}')
        if 'enum' in schema:
            fields.append(f'.values = {self.string_list(schema["enum"])}')
        fields.append(f'.low = {schema.get("minimum", "INT64_MIN")}')
        fields.append(f'.high = {schema.get("maximum", "INT64_MAX")}')
        if schema.get('uniqueItems'):
            fields.append('.unique = true')
        if 'items' in schema:
            fields.append(f'.items = &{self.schema(schema["items"])}')
        if 'oneOf' in schema:
            names = [alternative['required'][0] for alternative in schema['oneOf']]
            fields.append(f'.one_of = {self.string_list(names)}')
        if 'object' in types_of(schema) and 'type' in schema:
            fields += self.members(schema)
        return fields

    def members(self, schema):
        closed = not schema.get('additionalProperties', False)
        fields = [f'.closed = {str(closed).lower()}']
        properties = schema.get('properties', {})
        if properties:
            required = schema.get('required', [])
            rows = [f'\t{{{quote(name)}, &{self.schema(member)}, '
                    f'{str(name in required).lower()}}},\n'
                    for name, member in properties.items()]
            name = f'members_{len(self.lines)}'
            self.lines.append(f'static const struct schema_member {name}[] = {{\n' +
                              ''.join(rows) + '};\n')
            fields += [f'.members = {name}', f'.member_count = {len(rows)}']
        return fields


def segments_of(path):
    return path.strip('/').split('/')


def path_order(path):
    """Literals before parameters, so that the first match is the closest one."""
    return [(s.startswith('{'), s) for s in segments_of(path)]


def parameters(tables, operation, where, name):
    found = [p for p in operation['parameters'] if p['in'] == where]
    if not found:
        return 'NULL', 0
    rows = [f'\t{{{quote(p["name"])}, &{tables.schema(p["schema"])}}},\n' for p in found]
    tables.lines.append(f'static const struct route_parameter {name}[] = {{\n' + ''.join(rows) +
                        '};\n')
    return name, len(rows)


def route(tables, operation):
    names = [p['name'] for p in operation['parameters'] if p['in'] == 'path']
    query_names = [p['name'] for p in operation['parameters'] if p['in'] == 'query']
    headers = [p['name'] for p in operation['parameters'] if p['in'] == 'header']
    path, path_count = parameters(tables, operation, 'path', f'path_of_{operation["id"]}')
    query, query_count = parameters(tables, operation, 'query', f'query_of_{operation["id"]}')
    access = {'public': 'ROUTE_PUBLIC', 'authenticated': 'ROUTE_AUTHENTICATED'}.get(
        operation['permission'], 'ROUTE_PERMITTED')
    permission = constant(operation['permission']) if access == 'ROUTE_PERMITTED' else \
        'PERMISSION_NONE'
    if operation['node'] == 'stated':
        access = 'ROUTE_STATED'
    within = 'NODE_WORKSPACE' if 'workspace' in names else 'NODE_ORG'
    node = {'platform': 'NODE_PLATFORM', 'org': 'NODE_ORG', 'workspace': 'NODE_WORKSPACE',
            'stated': within, 'self': 'NODE_NONE'}[operation['node']]
    success = min(code for code in operation['answers'] if code.startswith('2'))
    fields = [
        f'.name = {quote(operation["id"])}', f'.method = HTTP_{operation["method"].upper()}',
        f'.run = api_{operation["handler"]}', f'.access = {access}',
        f'.permission = {permission}', f'.node = {node}',
        f'.org_at = {names.index("org") if "org" in names else -1}',
        f'.workspace_at = {names.index("workspace") if "workspace" in names else -1}',
        f'.change = {str(operation["change"]).lower()}',
        f'.paged = {str(operation["paged"]).lower()}',
        f'.matches = {str("If-Match" in headers).lower()}',
        f'.repeats = {str("Idempotency-Key" in headers).lower()}',
        f'.previews = {str("preview" in query_names).lower()}',
        f'.kind = KIND_{(operation["kind"] or "none").upper()}', f'.success = {success}',
        f'.body_max = {operation["body_max"]}',
        f'.path = {path}', f'.path_count = {path_count}',
        f'.query = {query}', f'.query_count = {query_count}',
    ]
    if operation['body']:
        fields += [f'.body = &{tables.schema(operation["body"]["schema"])}',
                   f'.body_required = {str(operation["body"]["required"]).lower()}']
    return '\t{\n\t\t' + ',\n\t\t'.join(fields) + ',\n\t},\n'


def routes(contract):
    tables = Tables(contract)
    by_path = {}
    for operation in contract.operations:
        by_path.setdefault(operation['path'], []).append(operation)
    route_rows, segment_rows, path_rows, at = [], [], [], 0
    for path in sorted(by_path, key=path_order):
        operations = sorted(by_path[path], key=lambda o: METHOD_ORDER.index(o['method']))
        route_rows += [route(tables, operation) for operation in operations]
        segments = ['NULL' if s.startswith('{') else quote(s) for s in segments_of(path)]
        segment_rows.append(f'static const char *const segments_{at}[] = {{'
                            f'{", ".join(segments)}}};\n')
        methods = ', '.join(f'HTTP_{o["method"].upper()}' for o in operations)
        path_rows.append(f'\t{{{quote(path)}, segments_{at}, {len(segments)}, {{{methods}}}, '
                         f'{len(operations)}, {at}}},\n')
        at += len(operations)
    source = [HEAD, '#include "api/operations.h"\n#include "api/route.h"\n\n', *tables.lines,
              '\nconst struct route routes[] = {\n', *route_rows, '};\n',
              f'const unsigned route_count = {at};\n']
    paths = [HEAD, '#include "api/route.h"\n\n', *segment_rows,
             '\nconst struct route_path route_paths[] = {\n', *path_rows, '};\n',
             f'const unsigned route_path_count = {len(path_rows)};\n',
             '\nconst char *const schema_patterns[] = {',
             ', '.join(quote(p) for p in tables.patterns + ['']), '};\n',
             f'const unsigned schema_pattern_count = {len(tables.patterns)};\n']
    handlers = sorted({operation['handler'] for operation in contract.operations})
    header = [HEAD, '#ifndef API_OPERATIONS_H\n#define API_OPERATIONS_H\n\n',
              '#include "api/api.h"\n\n', *[f'operation api_{h};\n' for h in handlers],
              '\n#endif\n']
    lines = [f'\t{quote(line)}\n' for line in re.findall(r'[^\n]*\n', contract.text)]
    text = [HEAD, '#include "api/route.h"\n\n', 'static const char text[] =\n', *lines, '\t;\n\n',
            'const struct str contract_text = {text, sizeof(text) - 1};\n']
    return {'routes.c': ''.join(source), 'route_paths.c': ''.join(paths),
            'operations.h': ''.join(header),
            'contract_text.c': ''.join(text)}
