"""What passes between a shell and the completion: the line being typed in, the words that it may go on with out.

The scripts take words, and what they mean, one a line, and have the shell put them in quotes itself; only bash
cannot, so for it they are spelled as they are to stand in the line. No name from a store is ever evaluated.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .render import safe

VARIABLE = "_TASKSTORE_COMPLETE"
_LINE = "_TASKSTORE_LINE"
_WORD = "_TASKSTORE_WORD"
_SIGNED = frozenset({"--sort", "--tag", "-t"})
"""Options whose value may begin with a minus, which click takes for the beginning of another option."""
_OPTION = re.compile(r"(--[\w-]+)=")
_BASH_TAKES = re.compile(r"[\w@%+=:,./-]")

BASH = r"""
_taskstore_completion() {
    local offer
    COMPREPLY=()
    while IFS= read -r offer; do
        COMPREPLY+=("$offer")
    done < <(env _TASKSTORE_COMPLETE=complete_bash _TASKSTORE_LINE="${COMP_LINE:0:$COMP_POINT}" \
        _TASKSTORE_WORD="$2" "$1" 2>/dev/null)
    if [ "${#COMPREPLY[@]}" -eq 1 ]; then
        case "${COMPREPLY[0]}" in *=) compopt -o nospace ;; esac
    fi
}
complete -o default -o nosort -F _taskstore_completion taskstore 2>/dev/null ||
    complete -o default -F _taskstore_completion taskstore
"""
ZSH = r"""
#compdef taskstore
_taskstore_completion() {
    local offer tab=$'\t'
    local -a words_there shown open_words open_shown
    for offer in "${(@f)$(env _TASKSTORE_COMPLETE=complete_zsh \
        taskstore "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}"; do
        [[ -n "$offer" ]] || continue
        if [[ "${offer%%$tab*}" == *= ]]; then
            open_words+=("${offer%%$tab*}")
            open_shown+=("${offer/$tab/  -- }")
        else
            words_there+=("${offer%%$tab*}")
            shown+=("${offer/$tab/  -- }")
        fi
    done
    if (( $#words_there + $#open_words )); then
        (( $#words_there )) && compadd -V taskstore -l -d shown -a words_there
        (( $#open_words )) && compadd -V taskstore -S '' -l -d open_shown -a open_words
    else
        _files
    fi
}
if [[ "$funcstack[1]" == _taskstore ]]; then
    _taskstore_completion "$@"
else
    compdef _taskstore_completion taskstore
fi
"""
FISH = r"""
function __taskstore_completion
    set -l line (commandline -cp | string collect)
    set -l offers (env _TASKSTORE_COMPLETE=complete_fish _TASKSTORE_LINE="$line" taskstore 2>/dev/null)
    if test (count $offers) -gt 0
        printf '%s\n' $offers
    else
        __fish_complete_path (commandline -ct)
    end
end
complete --command taskstore --no-files --keep-order --arguments '(__taskstore_completion)'
"""
SCRIPTS = {"bash": BASH.strip(), "zsh": ZSH.strip(), "fish": FISH.strip()}


@dataclass(frozen=True)
class Line:
    """A line up to the cursor: its whole words, and the last as it is typed (`raw`) and as it is meant.

    `quote` is the quote that is still open at its end.
    """

    words: list[str]
    raw: str
    last: str
    quote: str


def split(line: str) -> Line:
    """Split a line as a shell would, up to a quote that is not closed yet."""
    words: list[str] = []
    last, quote, start, at = "", "", 0, 0
    while at < len(line):
        char = line[at]
        following = line[at + 1 : at + 2]
        if char == "\\" and quote != "'" and following and (not quote or following in '"\\$`'):
            last += following
            at += 1
        elif quote:
            quote, last = ("", last) if char == quote else (quote, last + char)
        elif char in "'\"":
            quote = char
        elif char.isspace():
            if at > start:
                words.append(last)
            last, start = "", at + 1
        else:
            last += char
        at += 1
    return Line(words, line[start:], last, quote)


def answer(command: Any, argv: Sequence[str], environ: Mapping[str, str]) -> int:  # noqa: ANN401 - click's own
    """Print what the line being typed may go on with; return the exit code."""
    shell = environ[VARIABLE].removeprefix("complete_")
    line = _typed(shell, argv, environ)
    found = offers(command, line)
    if shell == "bash":
        shown = _for_bash([word for word, _ in found], line, environ.get(_WORD, ""))
    elif shell == "powershell":
        shown = [f"{_for_powershell(word)}:::{about or ' '}" for word, about in found]
    else:
        shown = [f"{word}\t{about}" if about else word for word, about in found]
    sys.stdout.write("".join(f"{text}\n" for text in shown))
    return 0


def _typed(shell: str, argv: Sequence[str], environ: Mapping[str, str]) -> Line:
    """Return the line without the program's name."""
    if shell == "zsh":
        *words, last = [*argv] or [""]
        return Line(words, last, last, "")
    if shell == "powershell":  # Typer's script
        last = environ.get("_TYPER_COMPLETE_WORD_TO_COMPLETE", "").strip("'\"")
        found = split(environ.get("_TYPER_COMPLETE_ARGS", ""))
        words = [*found.words, *([found.last] if not last and found.last else [])]
        return Line(words[1:], last, last, "")
    found = split(environ.get(_LINE, ""))
    return Line(found.words[1:], found.raw, found.last, found.quote)


def offers(command: Any, line: Line) -> list[tuple[str, str]]:  # noqa: ANN401 - click's own
    """Ask click for the words, and what they mean; a word that could not be shown as it is is left out."""
    from typer._completion_classes import BashComplete

    option = _OPTION.match(line.last)
    words, last, before = line.words, line.last, ""
    if option:
        words, last, before = [*words, option[1]], last[option.end() :], option[0]
    if last[:1] in ("-", "+") and words[-1:] and words[-1] in _SIGNED:
        last, before = last[1:], before + last[:1]
    found = BashComplete(command, {}, "taskstore", VARIABLE).get_completions(words, last)
    pairs = [(before + str(item.value), " ".join(safe(item.help or "").split())) for item in found]
    return [(word, about) for word, about in pairs if safe(word) == word]


def _for_bash(words: Sequence[str], line: Line, word: str) -> list[str]:
    """Spell words as bash is to have them: in the quotes that are open, and without what its own `word` leaves out.

    That is what is before the last of `:`, `=` and `@`, and a quote at the beginning.
    """
    before = line.raw.removesuffix(word) if line.raw.endswith(word) else ""
    texts = [spelled(text, line.quote) for text in words]
    return [text.removeprefix(before) for text in texts if text.startswith(before)]


def _for_powershell(word: str) -> str:
    return word if re.fullmatch(r"[\w+=:./-]+", word) else "'" + word.replace("'", "''") + "'"


def spelled(text: str, quote: str) -> str:
    """Spell a word for bash: after a quote that is open, or with backslashes."""
    if quote == "'":
        return "'" + text.replace("'", "'\\''")
    if quote:
        return '"' + re.sub(r'(["\\$`])', r"\\\1", text)
    return "".join(char if _BASH_TAKES.match(char) else f"\\{char}" for char in text)
