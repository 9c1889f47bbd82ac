"""The colours of the pages can be read: WCAG 2.2, 1.4.3 and 1.4.11 at level AA, light and dark."""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TEXT, SHAPE = 4.5, 3.0
PAIRS = [
    ("text", "card", TEXT), ("text", "ground", TEXT), ("text", "tint", TEXT),
    ("quiet", "card", TEXT), ("quiet", "ground", TEXT), ("quiet", "glow", TEXT),
    ("quiet", "tint", TEXT), ("quiet", "field", TEXT), ("accent", "card", TEXT),
    ("accent", "tint", TEXT), ("accent-over", "card", TEXT), ("on-accent", "accent", TEXT),
    ("on-accent", "accent-over", TEXT), ("bad", "card", TEXT), ("bad", "bad-tint", TEXT),
    ("bad-over", "bad-tint", TEXT), ("good", "good-tint", TEXT), ("warn", "warn-tint", TEXT),
    ("field-edge", "card", SHAPE), ("field-edge", "field", SHAPE), ("focus", "card", SHAPE),
]


def luminance(colour):
    """WCAG 2.2: relative luminance of #rrggbb."""
    parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


class Contrast(unittest.TestCase):
    def test_every_pair_in_both_schemes(self):
        css = (ROOT / "src/pages/assets/pages.css").read_text()
        schemes = re.findall(r":root \{(.*?)\}", css, re.S)
        self.assertEqual(len(schemes), 2)
        for name, scheme in zip(("light", "dark"), schemes):
            colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", scheme))
            for front, back, least in PAIRS:
                with self.subTest(scheme=name, front=front, back=back):
                    self.assertGreaterEqual(contrast(colours[front], colours[back]), least)


if __name__ == "__main__":
    unittest.main()
