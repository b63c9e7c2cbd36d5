"""What the agent reports of exceptions, in every Python that it can meet.

`errors_cases.py` raises all of them in one process per interpreter; the tests look at its results.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hotplate_agent import errors
from hotplate_agent.exceptions import unwrap
from hotplate_agent.frames import stack

HERE = Path(__file__).parent
SERVER = HERE.parents[1] / "server"
VERSIONS = ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13"]


def interpreter(version):
    """An interpreter of this version, of pyenv's or on the PATH; None where there is none."""
    ours = f"{sys.version_info[0]}.{sys.version_info[1]}"
    found = [sys.executable] if version == ours else []
    found += sorted(map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python")))
    found += filter(None, [shutil.which("python" + version)])
    for path in found:
        check = subprocess.run([path, "-c", "pass"], capture_output=True)
        if check.returncode == 0:
            return path
    return None


class Results:
    """What one interpreter has reported."""

    def __init__(self, version, results):
        self.version = version
        self.exact = version >= (3, 11)
        self.reports = results

    def __getitem__(self, name):
        return self.reports[name]

    def place(self, name):
        """(file's name, line, column, what is between the columns) of the innermost frame."""
        frame = self[name]["frames"][-1]
        return os.path.basename(frame["file"]), frame["line"], frame["column"], picked(frame)

    def functions(self, name):
        return [frame["function"] for frame in self[name]["frames"] if frame["function"]]

    def causes(self, name):
        return [
            (cause["relation"], cause["type"], cause["message"]) for cause in self[name]["causes"]
        ]


def picked(frame):
    """What is between the columns of a frame, up to the end of its first line."""
    if frame["column"] is None:
        return None
    one_line = frame["end_line"] == frame["line"]
    return frame["source"][frame["column"] : frame["end_column"] if one_line else None]


@pytest.fixture(scope="module", params=VERSIONS)
def results(request, tmp_path_factory):
    python = interpreter(request.param)
    if python is None:
        pytest.skip(f"no Python {request.param} here")
    folder = tmp_path_factory.mktemp("errors")
    run = subprocess.run(
        [python, "-I", "-B", "-W", "ignore", HERE / "errors_cases.py", SERVER, folder],
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    return Results(tuple(told["version"]), told["results"])


# ---------------------------------------------------------------- sources that do not compile


def bad_places(version):
    """For each bad source the line and column, and what is between the columns."""
    old, older = version < (3, 10), version < (3, 9)
    return {
        "latin": (4, 3, "\ufffd"),
        "latin_f": (3, 3, "\ufffd"),
        "latin_name": (2, 3, "\ufffd"),
        "latin_bytes": (1, 9, "\ufffd"),
        "wrong_cookie": (3, 8, "\ufffd"),
        "no_such_cookie": (2, 14, "nonesuch"),
        "bom_and_cookie": (1, 10, "latin-1"),
        "null": (2, 6, "\0"),
        "utf16": (1, 1, "\0"),
        "bom": (1, 11, "5"),
        "tabs": (3, 13, "") if older else (3, 0, " "),
        "unexpected_indent": (2, 1, " "),
        "no_indent": (2, 0, "x"),
        "triple": (3, 3, "") if old else (2, 4, "'"),
        "string": (2, 8, "") if old else (2, 4, "'"),
        "parenthesis": (3, 0, "y") if old else (2, 5, "("),
        "assignment": (1, 11, "f" if old else "f()"),
        "two_values": (1, 10, "5"),
        "symbols": (1, 7, "r" if old else "return 5"),
        "character": (1, 14, "5") if older else (1, 13, "€"),
        "cookie": (2, 9, "5") if old else (2, 13, "("),
        "f_string": (2, 22, "b") if old else (2, 20, "a b"),
        "f_string_lines": (3, 5, "b") if old else (3, 3, "a b"),
        "carriage": (2, 6, "5"),
        "no_newline": (2, 5, "") if old else (2, 4, "("),
        "several_lines": (1, 6, "a" if old else "a for a in ("),
    }


def test_a_bad_source_is_shown_in_its_own_file_at_the_exact_place(results):
    for name, place in bad_places(results.version).items():
        assert results.place("bad: " + name) == (f"bad_{name}.py", *place), name
        assert results["bad: " + name]["frames"][-1]["function"] == ""


def test_a_bad_source_is_shown_below_the_frames_that_import_it(results):
    assert results.functions("bad: null") == ["raised", "<lambda>"]
    functions = results.functions("imported relatively")
    assert functions == ["raised", "<lambda>", "<module>", "<module>"]
    assert results.place("imported relatively") == ("null.py", 2, 6, "\0")


@pytest.mark.parametrize("how", ["imported by a function", "run as a script", "run as a module"])
def test_a_bad_source_is_found_however_it_was_loaded(results, how):
    assert results.place(how) == ("bad_null.py", 2, 6, "\0")


def test_an_error_over_several_lines_has_its_end(results):
    frame = results["bad: several_lines"]["frames"][-1]
    if results.version < (3, 10):
        assert (frame["end_line"], frame["end_source"]) == (1, frame["source"])
    else:
        assert (frame["end_line"], frame["end_column"]) == (2, 7)
        assert frame["end_source"] == "  1, 2), 5)"


def test_the_kinds_of_syntax_error_keep_their_names_and_messages(results):
    assert results["bad: tabs"]["type"] == "TabError"
    assert results["bad: unexpected_indent"]["type"] == "IndentationError"
    assert results["bad: unexpected_indent"]["message"] == "unexpected indent"
    assert results["bad: two_values"]["message"] == "invalid syntax"
    assert results["without message"]["message"] == "<no detail available>"


def test_code_in_no_file_has_the_place_that_python_tells(results):
    assert results.place("error in eval") == ("<string>", 1, 3, "*")
    assert results["null in eval"]["frames"][-1]["function"] == "<lambda>"


def test_offsets_that_make_no_sense_are_put_right_or_left_out(results):
    assert results.place("far away") == ("bad_string.py", 2, 8, "")
    assert results.place("negative") == ("bad_string.py", 2, None, None)
    assert results.place("zero") == ("bad_string.py", 2, None, None)
    assert results["zero"]["frames"][-1]["source"] == "y = 'abc"
    assert results.place("line zero") == ("bad_parenthesis.py", 1, None, None)
    assert results.place("other text") == ("bad_string.py", 2, 2, "€")
    assert results["nonsense"]["message"] == "broken"
    for name in ("unplaced", "without message", "nonsense"):
        assert results[name]["frames"] == []


# ---------------------------------------------------------------- columns


@pytest.mark.parametrize(
    ("function", "line", "expression"),
    [
        ("divide", 5, "dividend / divisor"),
        ("subscript", 9, 'table["a"]["b"]["c"]'),
        ("attribute", 13, "thing.first.second"),
        ("several", 18, "a.foo"),
        ("whole", 25, "a()"),
        ("tabbed", 29, "a.b"),
    ],
)
def test_the_columns_are_those_that_python_underlines(results, function, line, expression):
    name = "columns: " + function
    frame = results[name]["frames"][-1]
    assert (os.path.basename(frame["file"]), frame["line"]) == ("columns.py", line)
    if not results.exact:
        assert frame["column"] is frame["end_line"] is frame["end_column"] is None
        return
    assert picked(frame) == expression
    assert results[name]["underlined"] in ([expression], [None])
    assert results[name]["underlined"] == [expression] or function == "whole"
    assert (frame["end_line"], frame["end_source"]) == (line, frame["source"])


def test_an_expression_over_several_lines_has_its_end(results):
    frame = results["imported relatively"]["frames"][-2]
    assert frame["source"] == "from ..other import ("
    if results.exact:
        assert (frame["column"], frame["end_line"], frame["end_column"]) == (0, 4, 1)
        assert frame["end_source"] == ")"


def test_the_columns_are_characters_of_the_decoded_source(results):
    frame = results["columns: latin"]["frames"][-1]
    assert frame["source"] == "    é = 'éé'; return a.b"
    assert picked(frame) == ("a.b" if results.exact else None)


# ---------------------------------------------------------------- files and frames


def test_files_are_absolute_wherever_the_app_has_gone(results):
    frame = results["relative file"]["frames"][-1]
    assert os.path.isabs(frame["file"])
    assert frame["file"].endswith("relative.py") and "elsewhere" not in frame["file"]
    assert frame["source"] == "    raise ValueError"


def test_code_without_a_file_keeps_its_name(results):
    frame = results["string"]["frames"][-1]
    assert (frame["file"], frame["line"], frame["source"]) == ("<string>", 2, "")
    assert frame["column"] is None


def test_a_loader_is_asked_for_the_source(results):
    frame = results["zip"]["frames"][-1]
    assert frame["source"] == "    é = 'é', 1 / 0"
    assert picked(frame) == ("1 / 0" if results.exact else None)


def test_what_imports_and_runs_modules_is_left_out(results):
    assert results.functions("import_module") == ["raised", "import_module", "<module>"]
    assert results.functions("run_path") == ["raised", "<module>"]


def test_the_agent_is_left_out(results):
    assert results.functions("agent") == ["raised"]
    assert "messages.py" not in results["agent"]["text"]
    assert "errors_cases.py" in results["agent"]["text"]


def test_the_loading_by_the_agent_is_left_out(results):
    assert results.place("loaded by the agent") == ("bad_null.py", 2, 6, "\0")
    text = results["loaded by the agent"]["text"]
    assert "pretended.py" not in text and "importlib" not in text


def test_files_can_be_hidden(results):
    assert results.functions("hide") == ["<module>"]
    assert "fails.py" in results["hide"]["text"]
    assert "errors_cases.py" not in results["hide"]["text"]
    assert results.functions("hide raises") == ["raised", "f"]


@pytest.mark.parametrize(
    ("rule", "shown"),
    [
        ("some", ["raised", "f0", "f2", "f3"]),
        ("falsy", ["raised", "f0", "f1", "f2", "f3"]),
        ("before", ["f1", "f2", "f3"]),
        ("before_and_this", ["f2", "f3"]),
        ("after", ["raised", "f0", "f1"]),
        ("after_and_this", ["raised", "f0"]),
        ("reset", ["raised", "f0", "f2", "f3", "f4"]),
        ("reset_and_this", ["raised", "f0", "f3", "f4"]),
        ("all", ["g"]),
        ("module", ["raised"]),
    ],
)
def test_frames_hide_by_werkzeugs_rules(results, rule, shown):
    assert results.functions("hidden: " + rule) == shown


def test_a_recursion_keeps_both_ends(results):
    functions = results.functions("recursion")
    assert functions == ["raised"] + ["sink"] * 99
    assert "more times]" in results["recursion"]["text"]
    assert len(results["recursion"]["text"]) < 5_000


def test_a_recursion_that_python_does_not_fold_is_cut(results):
    report = results["mutual recursion"]
    assert len(report["frames"]) == 100
    assert len(report["text"]) <= 100_000
    (left_out,) = re.findall(r"\n… \((\d+) characters left out\)\n", report["text"])
    assert int(left_out) < 200_000  # Of 5,000 frames most were not even looked at.
    assert report["text"].startswith("Traceback (most recent call last):\n")
    last = report["text"].splitlines()[-1]
    assert last.startswith("RecursionError: maximum recursion depth exceeded")


# ---------------------------------------------------------------- types and messages


@pytest.mark.parametrize(
    ("case", "type_", "message"),
    [
        ("builtin", "ValueError", "plain"),
        ("main", "Plain", "main"),
        ("nested", "Plain.Inner", "nested"),
        ("module", "package.module.Plain.Inner", "nested"),
        ("str raises", "StrRaises", "<exception str() failed>"),
        ("str is None", "StrIsNone", "<exception str() failed>"),
        ("str is sly", "StrIsSly", "sly"),
        ("odd", "Odd", "odd"),
        ("opaque", "Opaque", "opaque"),
        ("odd syntax", "OddSyntaxError", "odd"),
        ("exit", "SystemExit", "bye"),
        ("key", "KeyError", "'ab\\n'"),
        ("surrogate", "ValueError", "a\\ud800b"),
        ("notes", "ValueError", "noted\none\ntwo\nlines"),
        ("odd notes", "ValueError", "noted\none\n2\n<note str() failed>"),
        ("no list of notes", "ValueError", "noted\n7"),
        ("click", "click.exceptions.UsageError", "Error of usage\n\nmore"),
        ("not an exception", "NoneType", "None"),
    ],
)
def test_types_and_messages_whatever_the_exception_does(results, case, type_, message):
    assert (results[case]["type"], results[case]["message"]) == (type_, message)
    assert type_ in results[case]["text"]


def test_an_exception_that_breaks_everything_still_has_its_frames(results):
    assert results.functions("str raises") == ["raised", "call"]
    assert results.functions("opaque") == []  # It does not let its traceback be seen.
    assert results.place("odd syntax")[:2] == ("bad_string.py", 2)


@pytest.mark.parametrize(
    ("case", "start", "size"),
    [
        ("huge", "é" * 2_000, 10_000_000),
        ("huge lines", "a\n" * 1_000, 10_000_000),
        ("huge syntax", "é" * 2_000, 10_000_000),
        ("many notes", "noted\n" + "n" * 1_994, 200_000_025),
    ],
)
def test_a_huge_message_is_cut(results, case, start, size):
    assert results[case]["message"] == f"{start}… ({size} characters in all)"


def test_a_huge_key_is_cut(results):
    message = results["huge key"]["message"]
    assert message.startswith("\"é'\\né'\\n")
    assert 2_000 < len(message) < 2_100


def test_huge_things_take_no_time(results):
    timed = {
        name: report["seconds"] for name, report in results.reports.items() if "seconds" in report
    }
    assert len(timed) >= 6
    assert max(timed.values()) < 1, timed
    for name in timed:
        assert len(results[name]["text"]) <= 100_000
        assert all(len(frame["source"]) <= 10_000 for frame in results[name]["frames"])


# ---------------------------------------------------------------- chains and texts


def test_the_text_is_what_python_prints(results):
    compared = {name: report for name, report in results.reports.items() if report.get("printed")}
    assert len(compared) > 35
    for name, report in compared.items():
        assert report["text"] == report["printed"], name


def test_what_is_behind_an_exception_is_told_nearest_first(results):
    assert results.causes("cause") == [("cause", "KeyError", "'behind'")]
    assert results.causes("context") == [("context", "KeyError", "'behind'")]
    assert results.causes("suppressed") == []
    assert results.causes("loop") == [("cause", "KeyError", "'second'")]
    assert results.causes("long chain") == [
        ("context", "ValueError", str(number)) for number in range(4998, 4988, -1)
    ]


def test_a_cause_has_frames_of_its_own(results):
    (behind,) = results["syntax behind"]["causes"]
    assert behind["frames"][-1]["file"].endswith("bad_parenthesis.py")
    (behind,) = results["cause"]["causes"]
    assert [frame["function"] for frame in behind["frames"]] == ["raise_from"]


def test_the_members_of_a_group_are_told_without_their_nesting(results):
    if results.version < (3, 11):
        pytest.skip("groups came with 3.11")
    assert results.causes("group") == [
        ("group", "ValueError", "a"),
        ("group", "KeyError", "'b'"),
        ("group", "ValueError", "c"),
        ("group", "KeyError", "'d'"),
    ]
    assert results.causes("behind a group") == [
        ("cause", "ExceptionGroup", "inner (2 sub-exceptions)"),
        ("group", "KeyError", "'b'"),
        ("group", "ValueError", "c"),
    ]
    assert len(results["big group"]["causes"]) == 15
    assert "and 99985 more exceptions" in results["big group"]["text"]


# ---------------------------------------------------------------- imports, Flask, Jinja


def test_a_missing_module_is_named(results):
    assert results["missing"]["missing"] == "no_such_module"
    assert results["missing inside"]["missing"] == "no_such_module"
    assert results["cannot import name"]["missing"] is None
    assert results["key"]["missing"] is None


@pytest.mark.parametrize("case", ["inner", "old"])
def test_flasks_exception_is_unwrapped(results, case):
    report = results["unwrapped: " + case]
    assert (report["type"], report["missing"]) == ("ModuleNotFoundError", "no_such_module")
    assert results.place("unwrapped: " + case)[:2] == ("app_of_flask.py", 1)


@pytest.mark.parametrize("case", ["unwrapped: own", "not unwrapped: inner"])
def test_flasks_exception_has_a_message_without_a_traceback(results, case):
    assert results[case]["type"] == "flask.cli.NoAppException"
    assert results[case]["message"].startswith("Error of While importing")
    assert "Traceback" not in results[case]["message"]


def test_other_exceptions_are_not_unwrapped(results):
    assert results["unwrapped: other"]["type"] == "ValueError"
    assert results["unwrapped: odd"]["type"] == "Odd"


def test_a_template_has_its_line_and_no_columns_of_generated_code(results):
    assert results.place("template") == ("page.html", 2, None, None)
    assert results["template"]["frames"][-1]["source"] == "{{ é.b }}"


def test_flasks_own_loader_is_unwrapped(tmp_path, monkeypatch):
    cli = pytest.importorskip("flask.cli")
    (tmp_path / "app_for_errors.py").write_text("import no_such_module\n")
    (tmp_path / "null_for_errors.py").write_bytes(b"x = 1\ny = '\0'\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(cli.NoAppException) as inner:
        cli.locate_app("app_for_errors", None)
    assert errors.report(unwrap(inner.value)).missing == "no_such_module"
    with pytest.raises(cli.NoAppException) as outer:
        cli.locate_app("no_such_app", None)
    assert errors.report(unwrap(outer.value)).message == "Could not import 'no_such_app'."
    with pytest.raises((SyntaxError, ValueError)) as null:
        cli.locate_app("null_for_errors", None)
    place = errors.report(null.value).frames[-1]
    assert (place.file, place.line) == (str(tmp_path / "null_for_errors.py"), 2)


def test_jinjas_templates_have_their_own_lines(tmp_path):
    jinja2 = pytest.importorskip("jinja2")
    (tmp_path / "base.html").write_text("<html>\n\n{% block body %}{% endblock %}\n")
    (tmp_path / "page.html").write_text(
        "{% extends 'base.html' %}\n{% block body %}\n\n{{ look() + 1 }}\n{% endblock %}\n"
    )
    stacks = []

    def look():
        stacks.append(stack(sys._getframe()))
        return "text"

    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(str(tmp_path)))
    with pytest.raises(TypeError) as raised:
        environment.get_template("page.html").render(look=look)
    for frames in (errors.report(raised.value).frames, stacks[0]):
        templates = [frame for frame in frames if frame.file.endswith(".html")]
        assert [(os.path.basename(frame.file), frame.line) for frame in templates] == [
            ("page.html", 1),
            ("base.html", 3),
            ("page.html", 4),
        ]
        assert templates[-1].source == "{{ look() + 1 }}"
        assert templates[-1].column is None


# ---------------------------------------------------------------- threads


def test_a_stack_shows_where_a_thread_is(results):
    frames = results["stack"]["frames"][-4:-1]
    assert [frame["function"] for frame in frames] == ["outer", "inner", "deepest"]
    assert [frame["line"] for frame in frames] == [2, 4, 6]
    expressions = ["inner(wait)", "deepest(wait)", "wait(0)"] if results.exact else [None] * 3
    assert [picked(frame) for frame in frames] == expressions


def test_a_stack_leaves_out_what_imports(results):
    files = [os.path.basename(frame["file"]) for frame in results["stack of an import"]["frames"]]
    assert files[-3:] == ["__init__.py", "looks.py", "errors_cases.py"]
    assert results["no stack"]["frames"] == []


def test_a_deep_stack_keeps_both_ends(results):
    functions = [frame["function"] for frame in results["deep stack"]["frames"]]
    assert functions == ["<module>", "stacks"] + ["look"] * 98


def test_the_stack_of_another_thread():
    entered, leave = threading.Event(), threading.Event()

    def wait_for_it():
        entered.set()
        leave.wait()

    thread = threading.Thread(target=wait_for_it)
    thread.start()
    entered.wait()
    try:
        frames = stack(sys._current_frames()[thread.ident])
    finally:
        leave.set()
        thread.join()
    assert "wait_for_it" in [frame.function for frame in frames]
    assert frames[0].function == "_bootstrap"
