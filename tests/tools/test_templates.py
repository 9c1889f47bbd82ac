"""tools/templates.py compiles what is sound; it refuses a value where HTML has no place for one."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TOOL = [sys.executable, str(ROOT / "tools/templates.py")]


def compile_all(files):
    """What comes out, or what is said against it, for templates that are planted."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, text in files.items():
            paths.append(str(Path(folder) / name))
            Path(paths[-1]).write_text(text)
        output = Path(folder) / "out.c"
        done = subprocess.run([*TOOL, str(output), "a.h", "t", *paths], capture_output=True,
                              text=True)
        return output.read_text() if done.returncode == 0 else "refused: " + done.stderr


def one(text):
    return compile_all({"a.html": text})


class Places(unittest.TestCase):
    def test_text_and_attributes_are_escaped(self):
        self.assertEqual(one('<p title="{{a}} b">{{a}}</p>').count("HTML_ESCAPED"), 2)
        self.assertIn("HTML_ESCAPED", one("<!-- {x} --><p>{{a}}</p>"))

    def test_addresses_are_addresses(self):
        for text in ('<a href="{{a}}">x</a>', '<form action="{{a}}"></form>',
                     '<script src="{{a}}"></script>'):
            made = one(text)
            self.assertIn("HTML_ADDRESS", made)
            self.assertNotIn("HTML_ESCAPED", made)

    def test_plain_text_is_plain(self):
        self.assertIn("HTML_PLAIN", compile_all({"a.txt": "< {{a}}"}))

    def test_no_value_elsewhere(self):
        for text in ("<p {{a}}>x</p>", "<p title={{a}}>x</p>", "<p title='{{a}}'>x</p>",
                     "<{{a}}>", "<!-- {{a}} -->", "<style>{{a}}</style>",
                     '<script src="a">{{a}}</script>', '<p onclick="{{a}}">x</p>',
                     '<p style="{{a}}">x</p>', '<iframe srcdoc="{{a}}"></iframe>',
                     '<a href="/a?b={{a}}">x</a>', '<a href="{{a}}{{b}}">x</a>',
                     '<meta http-equiv="refresh" content="0; {{a}}">', "a < b"):
            self.assertIn("refused", one(text), text)

    def test_no_script_of_its_own(self):
        self.assertIn("refused", one("<script>x</script>"))
        self.assertNotIn("refused", one('<script src="/x.js"></script>'))

    def test_a_section_ends_where_it_began(self):
        self.assertIn("refused", one('<p title="{{#a}}x">{{/a}}</p>'))
        self.assertIn("refused", one("<p{{#a}}>{{/a}}"))
        self.assertNotIn("refused", one("<p{{#a}} hidden{{/a}}>x</p>"))


class Shape(unittest.TestCase):
    def test_what_is_not_well_formed(self):
        for text in ("{{#a}}", "{{/a}}", "{{#a}}{{/b}}", "{{#a}}{{#b}}{{/a}}{{/b}}", "{{A}}",
                     "{{a b}}", "{{}}", "{{a", "a}}", "{{{a}}}", "{{&a}}", "<p", "<!-- x",
                     "{{>missing}}", "{{<missing}}{{/missing}}", "{{>a}}",
                     "{{#a}}" * 9 + "{{/a}}" * 9):
            self.assertIn("refused", one(text), text)

    def test_lines_of_their_own_vanish(self):
        made = compile_all({"a.txt": "{{! z }}\nx\n{{>b}}\n", "b.txt": "y\n"})
        self.assertIn('"x\\012y\\012"', made)

    def test_a_frame_and_its_blocks(self):
        frame = "<b>{{$a}}1{{/a}}{{$b}}2{{/b}}</b>"
        made = compile_all({"f.html": frame, "p.html": "{{<f}}\n{{$a}}3{{/a}}\n{{/f}}"})
        self.assertIn('"<b>32</b>"', made)
        self.assertIn("t_template_count = 1", made)
        for inside in ("x", "{{x}}", "{{$c}}{{/c}}"):
            self.assertIn("refused", compile_all(
                {"f.html": frame, "p.html": "{{<f}}" + inside + "{{/f}}"}), inside)

    def test_none_is_forgotten(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("a.html", "b.html"):
                (Path(folder) / name).write_text("x")
            done = subprocess.run([*TOOL, f"{folder}/o.c", "a.h", "t", f"{folder}/a.html"],
                                  capture_output=True, text=True)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("not all", done.stderr)


if __name__ == "__main__":
    unittest.main()
