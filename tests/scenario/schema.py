#!/usr/bin/env python3
"""schema.py - is this file exactly one JSON object, and does it follow its schema? The part of draft-07 that docs/schema uses.

usage: schema.py FOLDER COMMAND FILE      COMMAND without a schema: only the head and "error" are looked at
"""
# SPDX-License-Identifier: GPL-2.0-or-later
import json
import os
import re
import sys

KNOWN = {'$schema', '$ref', 'title', 'description', 'type', 'enum', 'anyOf', 'required', 'properties', 'items', 'pattern',
         'minimum', 'minLength', 'definitions'}
TYPES = {'object': dict, 'array': list, 'string': str, 'boolean': bool, 'null': type(None), 'number': (int, float)}


def is_type(value, name):
    if name == 'number':
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if name == 'integer':
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def check(value, s, root, where='$'):
    """Yields one sentence for each violation."""
    if s is False:
        yield f'{where}: must not be there'
        return
    unknown = set(s) - KNOWN
    if unknown:
        raise SystemExit(f'the schema uses {unknown}, which schema.py does not know')
    if '$ref' in s:
        yield from check(value, root['definitions'][s['$ref'].rsplit('/', 1)[1]], root, where)
        return
    types = s.get('type', [])
    types = [types] if isinstance(types, str) else types
    if types and not any(is_type(value, t) for t in types):
        yield f'{where}: {value!r:.80} is no {types}'
        return
    if 'enum' in s and value not in s['enum']:
        yield f'{where}: {value!r} is none of {s["enum"]}'
    if isinstance(value, str):
        if 'pattern' in s and not re.search(s['pattern'], value):
            yield f'{where}: {value!r} does not match {s["pattern"]}'
        if len(value) < s.get('minLength', 0):
            yield f'{where}: is empty'
    if is_type(value, 'integer') and value < s.get('minimum', value):
        yield f'{where}: {value} is too small'
    if isinstance(value, dict):
        for key in s.get('required', []):
            if key not in value:
                yield f'{where}: has no "{key}"'
        for key, sub in s.get('properties', {}).items():
            if key in value:
                yield from check(value[key], sub, root, f'{where}.{key}')
    if isinstance(value, list) and 'items' in s:
        for i, v in enumerate(value):
            yield from check(v, s['items'], root, f'{where}[{i}]')
    if 'anyOf' in s:
        tries = [list(check(value, sub, root, where)) for sub in s['anyOf']]
        if all(tries):
            yield from min(tries, key=len)


def main():
    folder, command, file = sys.argv[1:]
    with open(file, encoding='utf-8') as f:
        value = json.load(f)  # refuses a second object and anything else behind the first
    if not isinstance(value, dict):
        raise SystemExit('not an object')
    path = os.path.join(folder, command + '.schema.json')
    known = os.path.exists(path)
    with open(path if known else os.path.join(folder, 'info.schema.json'), encoding='utf-8') as f:
        schema = json.load(f)
    if not known:
        schema = {'definitions': schema['definitions'], 'type': 'object', 'required': ['coldfix', 'command', 'exit_status'],
                  'properties': {'error': {'$ref': '#/definitions/error'}, 'exit_status': {'enum': [0, 4, 8, 16]},
                                 'command': {'enum': [command]}}}
    wrong = list(check(value, schema, schema))
    for sentence in wrong:
        print(sentence)
    sys.exit(1 if wrong else 0)


if __name__ == '__main__':
    main()
