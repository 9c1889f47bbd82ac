#!/usr/bin/env python3
"""Makes src/signin/common_passwords.bin: hashes of passwords and words that are guessed first.

usage: common_passwords.py OUTPUT LIST...

The lists are files of a word a line, as Debian has them: /usr/share/john/password.lst (package
john-data) and /usr/share/dict/cracklib-small (cracklib-runtime). Runs along the keyboard, the
alphabet and the digits are added.

The file holds, for each word in lower case, the first four bytes of its SHA-256 as a number:
sorted, each as its distance from the one before, seven bits a byte, the lowest first, the highest
bit set on all but the last.
"""
import hashlib
import string
import sys

WORD_MAX = 64
RUNS = [
    string.ascii_lowercase, string.digits * 3, "0123456789" * 2 + "0", "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm", "azertyuiopqsdfghjklmwxcvbn", "qwertyuiop[]asdfghjkl;'zxcvbnm,./",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/", "qazwsxedcrfvtgbyhnujmikolp",
    "1q2w3e4r5t6y7u8i9o0p", "1a2b3c4d5e6f7g8h9i0j", "a1b2c3d4e5f6g7h8i9j0",
    "1234567890qwertyuiop", "qwertyuiop1234567890", "1234567890" * 3, "0987654321" * 3,
]
RUN_LEAST = 4


def words(path):
    with open(path, encoding="utf-8", errors="ignore") as f:
        for line in f:
            word = line.strip().lower()
            if word and len(word) <= WORD_MAX and not line.startswith("#!"):
                yield word


def runs():
    for run in RUNS:
        for text in (run, run[::-1]):
            for start in range(len(text)):
                for end in range(start + RUN_LEAST, len(text) + 1):
                    yield text[start:end]


def number(word):
    return int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")


def distance(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return out


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    numbers = {number(word) for path in sys.argv[2:] for word in words(path)}
    numbers |= {number(word) for word in runs()}
    out, before = bytearray(), 0
    for value in sorted(numbers):
        out += distance(value - before)
        before = value
    with open(sys.argv[1], "wb") as f:
        f.write(out)
    print(f"{len(numbers)} words, {len(out)} bytes")


main()
