from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hotplate.supervision.output import LONGEST, Lines

pieces = st.lists(
    st.one_of(
        st.binary(max_size=8),
        st.sampled_from(["é", "日本", "🔥\n", "\n", "\r\n", "plain"]).map(str.encode),
        st.sampled_from([b"\xf0\x9f", b"\x94\xa5", b"\xff"]),
    )
)


def fed(chunks: list[bytes]) -> list[str]:
    """What is passed on for each chunk, and at the end."""
    lines = Lines()
    return [*(lines.feed(chunk) for chunk in chunks), lines.end()]


@given(pieces)
def test_the_text_is_the_same_however_it_is_cut(chunks: list[bytes]) -> None:
    data = b"".join(chunks)
    text = "".join(fed(chunks))
    assert text == "".join(fed([data]))
    assert text == "".join(fed([bytes([byte]) for byte in data]))
    plain = data.decode("utf-8", "replace")
    assert text == plain + ("\n" if plain and not plain.endswith("\n") else "")


@given(pieces)
def test_only_whole_lines_are_passed_on(chunks: list[bytes]) -> None:
    assert all(not text or text.endswith("\n") for text in fed(chunks))


@given(pieces)
def test_a_line_is_passed_on_as_soon_as_it_is_whole(chunks: list[bytes]) -> None:
    lines, so_far, text = Lines(), b"", ""
    for chunk in chunks:
        so_far += chunk
        text += lines.feed(chunk)
        assert text.count("\n") == so_far.count(b"\n")


def test_a_character_cut_in_two_is_one_character() -> None:
    lines = Lines()
    assert lines.feed("é".encode()[:1]) == ""
    assert lines.feed("é\n".encode()[1:]) == "é\n"


def test_half_a_character_at_the_end_is_replaced() -> None:
    lines = Lines()
    assert lines.feed(b"caf\xc3") == ""
    assert lines.end() == "caf\ufffd\n"
    assert lines.end() == ""


def test_a_line_that_never_ends_is_passed_on_all_the_same() -> None:
    lines = Lines()
    assert lines.feed(b"x" * LONGEST) == ""
    # No secret begins with a point; that of another test may begin with any letter.
    assert lines.feed(b".") == "x" * LONGEST + "."
    assert lines.end() == ""
