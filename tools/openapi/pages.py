"""The reference pages: docs/api.md and docs/permissions.md."""
from .schema import types_of

NOTE = '<!-- Generated from api/openapi.yaml by tools/contract.py. -->\n'
NODE = {'platform': 'the platform', 'org': 'the organisation', 'workspace': 'the workspace',
        'stated': 'the node that the request names', 'self': ''}


def cell(text):
    return ' '.join(str(text).split()).replace('|', '\\|')


def anchor(name):
    return f'[{name}](#{name.lower()})'


def shape(contract, schema):
    """A schema in a few words."""
    if '$ref' in schema:
        return anchor(contract.schemas.name_of(schema))
    if 'enum' in schema:
        return ', '.join(f'`{value}`' for value in schema['enum'])
    if 'type' not in schema:
        return 'any value'
    words = []
    for kind in types_of(schema):
        if kind == 'array':
            words.append(f'list of {shape(contract, schema["items"])}')
        elif kind == 'string':
            words.append({'uuid': 'UUID', 'date-time': 'time', 'idn-email': 'e-mail address'}.get(
                schema.get('format'), 'string'))
        else:
            words.append(kind)
    return ' or '.join(words)


def limits(schema):
    out = []
    for low, high, unit in (('minLength', 'maxLength', 'characters'),
                            ('minItems', 'maxItems', 'entries'),
                            ('minProperties', 'maxProperties', 'members'),
                            ('minimum', 'maximum', '')):
        if low in schema and high in schema:
            out.append(f'{schema[low]} to {schema[high]} {unit}'.strip())
        elif high in schema:
            out.append(f'at most {schema[high]} {unit}'.strip())
        elif low in schema:
            out.append(f'at least {schema[low]} {unit}'.strip())
    if 'pattern' in schema:
        out.append(f'`{schema["pattern"]}`')
    if 'default' in schema:
        out.append(f'default {str(schema["default"]).lower()}')
    return '; '.join(out)


def describe_schema(contract, name):
    schema = contract.schemas.named[name]
    out = [f'\n### {name}\n\n']
    if schema.get('description'):
        out.append(schema['description'] + '\n\n')
    properties = schema.get('properties')
    if not properties:
        facts = shape(contract, schema)
        bounds = limits(schema)
        return ''.join(out) + facts[0].upper() + facts[1:] + (f'; {bounds}' if bounds else '') + \
            '.\n'
    out.append('| member | value | limits | meaning |\n| --- | --- | --- | --- |\n')
    for member, spec in properties.items():
        optional = '' if member in schema.get('required', []) else ' (optional)'
        inner = spec.get('properties') or spec.get('items', {}).get('properties')
        meaning = spec.get('description', '')
        if inner:
            meaning += ' Members: ' + ', '.join(f'`{key}`' for key in inner) + '.'
        out.append(f'| `{member}`{optional} | {cell(shape(contract, spec))} | '
                   f'{cell(limits(spec))} | {cell(meaning)} |\n')
    return ''.join(out)


def describe_operation(contract, operation):
    out = [f'\n### {operation["summary"]}\n\n',
           f'`{operation["method"].upper()} {operation["path"]}` — `{operation["id"]}`\n\n']
    if operation['permission'] == 'authenticated':
        out.append('For anyone who is signed in.')
    elif operation['permission'] == 'public' or operation['permission'] is None:
        pass
    else:
        out.append(f'Requires `{operation["permission"]}` at {NODE[operation["node"]]}.')
    if operation['description']:
        out.append(' ' + operation['description'])
    if out[-1] is not out[1]:
        out.append('\n\n')
    for p in operation['parameters']:
        if p['in'] == 'path':
            continue
        bounds = limits(contract.schemas.resolve(p['schema']))
        facts = shape(contract, p['schema']) + (f'; {bounds}' if bounds else '')
        out.append(f'- `{p["name"]}` ({facts}): {p["description"]}\n')
    if operation['body']:
        optional = '' if operation['body']['required'] else ' (may be left out)'
        out.append(f'- Body: {shape(contract, operation["body"]["schema"])}{optional}\n')
    for code, answer in operation['answers'].items():
        if not code.startswith('2'):
            continue
        forms = [shape(contract, c['schema']) if media == 'application/json' else f'`{media}`'
                 for media, c in answer.get('content', {}).items()]
        out.append(f'- {code}: {" or ".join(forms) if forms else "no body"}. '
                   f'{answer["description"]}\n')
    return ''.join(out).replace('\n\n ', '\n\n').rstrip('\n') + '\n'


def api_page(contract):
    out = [NOTE, '# The HTTP interface\n\n', contract.info['description'].strip(), '\n']
    tags = {}
    for operation in contract.operations + contract.doors:
        tags.setdefault(operation['tag'], []).append(operation)
    for tag, operations in tags.items():
        out.append(f'\n## {tag.replace("-", " ").capitalize()}\n')
        out += [describe_operation(contract, operation) for operation in operations]
    out.append('\n## Schemas\n')
    out += [describe_schema(contract, name) for name in contract.schemas.named]
    return ''.join(out)


def permissions_page(contract):
    uses = {}
    for operation in contract.operations:
        uses.setdefault(operation['permission'], []).append(operation['id'])
    out = [NOTE, '# Permissions\n\n',
           'The built-in catalogue. Each permission keeps its number for ever. A preset is '
           'computed from the classes: read only has the reading ones, operator also the writing '
           'ones, full access all. Blueprints and workspaces add permissions of their own.\n\n',
           '| number | permission | class | meaning | operations |\n',
           '| --- | --- | --- | --- | --- |\n']
    for name, entry in contract.permissions.items():
        operations = ', '.join(f'`{o}`' for o in uses.get(name, []))
        out.append(f'| {entry["number"]} | `{name}` | {entry["class"]} | '
                   f'{cell(entry["description"])} | {operations} |\n')
    return ''.join(out)


def render(contract):
    return {'api.md': api_page(contract), 'permissions.md': permissions_page(contract)}
