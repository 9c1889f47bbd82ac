#!/usr/bin/env python3
"""Turns api/openapi.yaml into C tables and reference pages; refuses a contract that is not whole.

    contract.py catalogue CONTRACT OUT_DIR   catalogue.c, catalogue_numbers.h
    contract.py routes CONTRACT OUT_DIR      operations.h, routes.c, route_paths.c, contract_text.c
    contract.py pages CONTRACT DOCS_DIR      writes docs/api.md and docs/permissions.md
    contract.py check CONTRACT DOCS_DIR      fails unless those pages are current
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from openapi import c_tables, pages  # noqa: E402
from openapi.contract import ContractError, load  # noqa: E402


def write_if_changed(path, text):
    if not path.exists() or path.read_text(encoding='utf-8') != text:
        path.write_text(text, encoding='utf-8')


def write_pages(contract, folder):
    for name, text in pages.render(contract).items():
        write_if_changed(folder / name, text)


def check_pages(contract, folder):
    stale = [name for name, text in pages.render(contract).items()
             if not (folder / name).exists() or (folder / name).read_text(encoding='utf-8') != text]
    if stale:
        raise ContractError(f'{", ".join(stale)} in {folder}: not current; run '
                            f'tools/contract.py pages api/openapi.yaml docs')


def write_c(files, folder):
    for name, text in files.items():
        (folder / name).write_text(text, encoding='utf-8')


COMMANDS = {
    'catalogue': lambda contract, folder: write_c(c_tables.catalogue(contract), folder),
    'routes': lambda contract, folder: write_c(c_tables.routes(contract), folder),
    'pages': write_pages,
    'check': check_pages,
}


def main(arguments):
    if len(arguments) != 3 or arguments[0] not in COMMANDS:
        print(__doc__, file=sys.stderr)
        return 2
    command, source, folder = arguments
    try:
        COMMANDS[command](load(pathlib.Path(source)), pathlib.Path(folder))
    except (ContractError, OSError) as error:
        print(f'{source}: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
