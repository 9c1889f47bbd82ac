"""Bytes as C source, for the tools that build files into the program."""

WIDTH = 80  # bytes of text to a line


def literal(chunk):
    """Octal escapes have three digits, so that what follows cannot be taken for one."""
    return '"' + "".join(chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\?'
                         else f"\\{byte:03o}" for byte in chunk) + '"'


def literal_lines(data, indent="\t\t"):
    """The literals, a line each, that make up the whole."""
    return [indent + literal(data[i:i + WIDTH]) for i in range(0, len(data), WIDTH)] or \
        [indent + '""']
