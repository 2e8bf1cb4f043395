"""The terminal shows foreign text as it is: names cannot colour, clear or reorder what is printed."""

import io

import pytest
from rich.table import Table
from rich.text import Text

from pipeline.report.console import PlainConsole, harmless
from tests.conftest import moat

HOSTILE = """model,benchmark,score,released_on,access
[/x],[bold]quiz,50,2024-01-01,closed
[red]B,[bold]quiz,40,2024-03-01,open
\x1b[2Jwiped,[bold]quiz,60,2024-04-01,closed
"""


def printed(thing):
    console = PlainConsole()
    console.file = io.StringIO()
    console.print(thing)
    return console.file.getvalue()


@pytest.mark.parametrize("text", ["[/x]", "[bold]q", "[link=https://example.org]x[/link]"])
def test_square_brackets_are_no_markup(text):
    assert text in printed(text)
    table = Table(text)
    table.add_row(text)
    assert printed(table).count(text) == 2


@pytest.mark.parametrize("mark", ["\x1b", "\x07", "\x9b", "\r", "\u202e", "\u2066"])
def test_control_characters_are_shown_not_obeyed(mark):
    assert mark not in printed(f"a{mark}[2Jb")
    assert "a\ufffd[2Jb" in printed(f"a{mark}[2Jb")
    assert harmless(f"a{mark}b") == "a\ufffdb"


def test_lines_tabs_and_letters_of_any_script_stay():
    assert harmless("a\n\tb 模型 é") == "a\n\tb 模型 é"
    assert "bold" in printed(Text("bold", style="bold"))


def test_a_table_of_hostile_names_is_reported(tmp_path):
    file = tmp_path / "hostile.csv"
    file.write_text(HOSTILE)
    done = moat("gap", "--scores", str(file), data=tmp_path)
    assert done.returncode == 0
    assert "[bold]quiz" in done.stdout
    assert "[red]B" in done.stdout
    assert "\x1b" not in done.stdout
