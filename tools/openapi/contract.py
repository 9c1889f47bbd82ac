"""Reads the contract strictly: what is not understood is an error that names its place."""
import re

import yaml

from .schema import ContractError, Schemas, only

METHODS = ('get', 'post', 'put', 'patch', 'delete')
CLASSES = ('read', 'write', 'destructive')
KINDS = ('member', 'end_user', 'service_account', 'api_key', 'application', 'gateway', 'device')
NODES = ('platform', 'org', 'workspace', 'stated', 'self')
DOORS = ('authzen', 'server')
HEADERS = ('If-Match', 'Idempotency-Key')
BODY_MAX_DEFAULT = 64 * 1024
BODY_MAX_MOST = 4 * 1024 * 1024
PATH_PARAMETERS_MAX = 6
NUMBERS_MAX = 1024

OPERATION_KEYS = {
    'operationId', 'summary', 'description', 'tags', 'parameters', 'requestBody', 'responses',
    'security', 'x-permission', 'x-node', 'x-kind', 'x-handler', 'x-change', 'x-body-max', 'x-door',
}


class StrictLoader(yaml.SafeLoader):
    """Refuses a member that is there twice."""


def construct_mapping(loader, node, deep=False):
    seen = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise ContractError(f'line {key_node.start_mark.line + 1}: {key} is there twice')
        seen.add(key)
    return yaml.SafeLoader.construct_mapping(loader, node, deep)


StrictLoader.add_constructor('tag:yaml.org,2002:map',
                             lambda loader, node: construct_mapping(loader, node, True))


class Contract:
    """What the generators use: `permissions`, `operations`, `doors`, `schemas`, `text`."""

    def __init__(self, document, text):
        only(document, {'openapi', 'info', 'servers', 'security', 'x-permissions', 'paths',
                        'components'}, 'the contract')
        self.text = text
        self.info = document['info']
        components = document['components']
        only(components, {'securitySchemes', 'parameters', 'responses', 'schemas'}, 'components')
        self.responses = components['responses']
        self.schemas = Schemas(components['schemas'])
        self.parameters = {name: self.parameter(spec, f'components.parameters.{name}')
                           for name, spec in components['parameters'].items()}
        self.permissions = self.read_permissions(document['x-permissions'])
        self.operations, self.doors = [], []
        for path, item in document['paths'].items():
            self.read_path(path, item)
        self.check_unique()

    @staticmethod
    def read_permissions(entries):
        names, numbers = {}, set()
        for entry in entries:
            place = f'x-permissions {entry.get("name", "?")}'
            only(entry, {'number', 'name', 'class', 'description'}, place, all_of_them=True)
            if not re.fullmatch(r'iam:[a-z][a-z_]*:[a-z][a-z_]*', entry['name']):
                raise ContractError(f'{place}: the name has to be iam:resource:action')
            if not isinstance(entry['number'], int) or not 0 <= entry['number'] < NUMBERS_MAX:
                raise ContractError(f'{place}: the number has to be 0 to {NUMBERS_MAX - 1}')
            if entry['number'] in numbers:
                raise ContractError(f'{place}: number {entry["number"]} is already given')
            if entry['name'] in names:
                raise ContractError(f'{place}: is there twice')
            if entry['class'] not in CLASSES:
                raise ContractError(f'{place}: the class has to be one of {", ".join(CLASSES)}')
            numbers.add(entry['number'])
            names[entry['name']] = entry
        return dict(sorted(names.items(), key=lambda item: item[1]['number']))

    def parameter(self, spec, place):
        only(spec, {'name', 'in', 'required', 'description', 'schema'}, place)
        if spec['in'] not in ('path', 'query', 'header'):
            raise ContractError(f'{place}: a parameter is in path, query or header')
        if spec['in'] == 'header' and spec['name'] not in HEADERS:
            raise ContractError(f'{place}: the headers that are known are {", ".join(HEADERS)}')
        if spec['in'] == 'path' and spec.get('required') is not True:
            raise ContractError(f'{place}: a parameter of the path is required')
        if spec['in'] == 'query' and spec.get('required'):
            raise ContractError(f'{place}: parameters of the query cannot be required')
        self.schemas.check(spec['schema'], f'{place}.schema', bounded=True)
        if self.schemas.resolve(spec['schema']).get('type') not in ('string', 'integer', 'boolean'):
            raise ContractError(f'{place}: has to be a string, an integer or a boolean')
        return spec

    def read_path(self, path, item):
        only(item, set(METHODS), path)
        for method, spec in item.items():
            place = f'{method.upper()} {path}'
            only(spec, OPERATION_KEYS, place)
            operation_id = spec.get('operationId')
            if not operation_id or not re.fullmatch(r'[a-z][a-z0-9_]*', operation_id):
                raise ContractError(f'{place}: needs an operationId of the form thing_verb')
            place = f'{operation_id} ({place})'
            if 'x-door' in spec:
                if spec['x-door'] not in DOORS:
                    raise ContractError(f'{place}: x-door has to be one of {", ".join(DOORS)}')
                self.doors.append(self.describe(path, method, spec, place))
            else:
                self.operations.append(self.read_operation(path, method, spec, place))

    def describe(self, path, method, spec, place):
        """What doors and operations have in common."""
        if not spec.get('summary'):
            raise ContractError(f'{place}: needs a summary')
        parameters = [self.find_parameter(p, place) for p in spec.get('parameters', [])]
        in_path = [p['name'] for p in parameters if p['in'] == 'path']
        if in_path != re.findall(r'\{(\w+)\}', path):
            raise ContractError(f'{place}: its path parameters have to be those of the path, '
                                'in the same order')
        return {
            'id': spec['operationId'], 'path': path, 'method': method, 'place': place,
            'summary': spec['summary'], 'description': spec.get('description', ''),
            'tag': spec['tags'][0], 'parameters': parameters,
            'body': self.read_body(spec.get('requestBody'), place),
            'answers': self.read_answers(spec.get('responses', {}), place),
            'permission': None, 'node': None,
        }

    def read_operation(self, path, method, spec, place):
        operation = self.describe(path, method, spec, place)
        permission, node = spec.get('x-permission'), spec.get('x-node')
        if not permission:
            raise ContractError(f'{place}: has no x-permission')
        if permission not in self.permissions and permission not in ('public', 'authenticated'):
            raise ContractError(f'{place}: {permission} is not in x-permissions')
        if node not in NODES:
            raise ContractError(f'{place}: x-node has to be one of {", ".join(NODES)}')
        names = [p['name'] for p in operation['parameters'] if p['in'] == 'path']
        if len(names) > PATH_PARAMETERS_MAX:
            raise ContractError(f'{place}: at most {PATH_PARAMETERS_MAX} path parameters')
        if node in ('org', 'workspace') and node not in names:
            raise ContractError(f'{place}: x-node {node} needs {{{node}}} in the path')
        if node == 'stated' and not {'org', 'workspace'} & set(names):
            raise ContractError(f'{place}: x-node stated needs {{org}} or {{workspace}} '
                                'in the path')
        if (node == 'self') != (permission in ('public', 'authenticated')):
            raise ContractError(f'{place}: x-node self goes with public and authenticated')
        kind = spec.get('x-kind')
        if kind is not None and kind not in KINDS:
            raise ContractError(f'{place}: x-kind has to be one of {", ".join(KINDS)}')
        body_max = spec.get('x-body-max', BODY_MAX_DEFAULT)
        if not isinstance(body_max, int) or not 0 < body_max <= BODY_MAX_MOST:
            raise ContractError(f'{place}: x-body-max has to be 1 to {BODY_MAX_MOST}')
        change = spec.get('x-change', method != 'get')
        if permission == 'public' and (change or spec.get('security') != []):
            raise ContractError(f'{place}: what is public changes nothing and says security: []')
        if permission != 'public' and 'security' in spec:
            raise ContractError(f'{place}: only what is public says security')
        headers = [p['name'] for p in operation['parameters'] if p['in'] == 'header']
        if ('Idempotency-Key' in headers) != (change and method == 'post'):
            raise ContractError(f'{place}: each POST that changes something, and nothing else, '
                                'takes IdempotencyKey')
        if method in ('get', 'delete') and operation['body']:
            raise ContractError(f'{place}: takes no body')
        operation.update(permission=permission, node=node, kind=kind, body_max=body_max,
                         change=change, handler=spec.get('x-handler', operation['id']),
                         paged=any(p['name'] == 'cursor' for p in operation['parameters']))
        return operation

    def find_parameter(self, spec, place):
        prefix = '#/components/parameters/'
        if set(spec) != {'$ref'} or not spec['$ref'].startswith(prefix):
            raise ContractError(f'{place}: parameters stand in components.parameters')
        name = spec['$ref'][len(prefix):]
        if name not in self.parameters:
            raise ContractError(f'{place}: there is no parameter {name}')
        return self.parameters[name]

    def read_body(self, spec, place):
        if spec is None:
            return None
        only(spec, {'required', 'content'}, f'{place} requestBody', all_of_them=True)
        if set(spec['content']) != {'application/json'}:
            raise ContractError(f'{place}: bodies are application/json')
        schema = spec['content']['application/json']['schema']
        self.schemas.check(schema, f'{place} requestBody', bounded=True)
        return {'required': spec['required'], 'schema': schema}

    def read_answers(self, answers, place):
        if not any(code.startswith('2') for code in answers):
            raise ContractError(f'{place}: needs an answer for success')
        out = {}
        for code, answer in answers.items():
            if '$ref' in answer:
                answer = self.responses[answer['$ref'].removeprefix('#/components/responses/')]
            only(answer, {'description', 'content'}, f'{place} response {code}')
            for media, content in answer.get('content', {}).items():
                self.schemas.check(content['schema'], f'{place} response {code} {media}')
            out[code] = answer
        return out

    def check_unique(self):
        seen = {}
        for operation in self.operations + self.doors:
            other = seen.setdefault(operation['id'], operation)
            if other is not operation:
                raise ContractError(f'{operation["place"]}: the operationId is that of '
                                    f'{other["place"]}')


def load(path):
    text = path.read_text(encoding='utf-8')
    try:
        document = yaml.load(text, StrictLoader)
    except yaml.YAMLError as error:
        raise ContractError(str(error)) from error
    if not isinstance(document, dict) or not str(document.get('openapi', '')).startswith('3.1'):
        raise ContractError('is not an OpenAPI 3.1 document')
    missing = {'info', 'x-permissions', 'paths', 'components'} - set(document)
    if missing:
        raise ContractError(f'{", ".join(sorted(missing))} is missing')
    return Contract(document, text)
