"""Secrets: which names and which values are credentials, and their masking before anything reaches the disk.

Two tests. A *name* is a credential's where its words say so ('HF_TOKEN', '--api-key', 'db.password', 'clientSecret'),
as whole words: 'tokenizer' and 'author' are none, and neither is what machine learning calls a token ('max_tokens',
'pad_token', 'token_dropout'); what a bare 'key' is, its value tells. A *value* is one where it is unmistakable (a URL
with a password, 'Bearer …', a token with a vendor's prefix, a private key); of such a text only the secret part is
replaced.

Every pattern here runs in linear time: each repetition is either bounded or cannot start within its own run. They are
compiled at first use, by `re` and its cache: that costs 5 ms, and most imports of this module mask nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

MASK = "********"
MIN_KNOWN = 6
"""From this length on a known secret is masked wherever it stands within a text."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# One of these words makes a name a credential's, wherever it stands.
_ALWAYS = _words(
    "password passwords passwd pwd passphrase passphrases passcode passkey secret secrets credential credentials cred"
    " creds apikey apikeys apitoken authkey authtoken accesskey accesstoken refreshtoken secretkey privatekey privkey"
    " sshkey hftoken ghtoken githubtoken bottoken userpass dbpass sshpass connectionstring connstr bearer jwt sas"
    " sastoken dsn authorization cookie cookies totp mysqlpwd mypat ghpat gitpat adopat githubpat gitlabpat azurepat"
)
_ENDINGS = ("password", "passwd", "passphrase", "secret", "apikey", "secretkey", "accesskey", "privatekey", "authtoken")
# Two words that do so together.
_BEFORE_KEY = _words(
    "api access secret private priv encryption decryption signing ssh rsa pgp gpg auth account storage master license"
    " licence subscription app client consumer service admin deploy webhook hmac aes fernet session tls ssl bot wandb"
    " openai anthropic hf huggingface comet neptune clearml kaggle azure aws gcp google github gitlab cohere mistral"
    " gemini groq replicate pinecone langsmith langchain deepseek stripe twilio sendgrid slack datadog sentry"
)
_BEFORE_PASS = _words("db user smtp mail email ssh ftp proxy mysql pg postgres redis admin root login http svn")
_BEFORE_TOKENS = _words("api access auth refresh bearer")
_CONNECTION = _words("connection conn")
_PAIRS = {
    "key": _BEFORE_KEY,
    "keys": _BEFORE_KEY,
    "pass": _BEFORE_PASS,
    "pw": _BEFORE_PASS,
    "tokens": _BEFORE_TOKENS,
    "string": _CONNECTION,
    "str": _CONNECTION,
    "pat": _words("github gitlab azure gh git ado devops bitbucket jira my user access personal repo"),
}
# A name that ends so says something about a credential and holds none.
_ABOUT = _words(
    "file files path paths dir folder filename length len min max limit count num size type kind url uri endpoint host"
    " port user username name names env var method mode provider enabled required ttl expiry expires expiration"
    " timeout policy scheme scope scopes version field column prefix suffix strength arn"
)
# 'token' is a credential's at the end of a name, or before one of these, unless the word before it is one of those.
_AFTER_TOKEN = _words(
    "value secret string str key plain raw hf github gitlab huggingface wandb openai slack telegram prod production"
    " staging dev test backup old auth api hub"
)
_BEFORE_ML_TOKEN = _words(
    "pad padding eos bos sep cls unk unknown mask masked special start end stop begin beginning image img video audio"
    " vision visual text word words subword char byte prompt task class dist distill distillation reg register query"
    " patch latent motion time temporal spatial frame speech speaker language lang domain style object region point box"
    " action state reward boi eoi boa eoa eot sot eod eom eop bop newline nl space blank null empty separator"
    " placeholder additional extra first last next prev previous new added add per by max min num n avg mean total"
    " single multi target source src tgt input output"
    " forced decoder encoder suppress trigger concept initializer learned learnable"
    " skip drop random sink memory mem summary context ctx instance verb fill fim prefix middle suffix infix think"
    " thinking reasoning tool sentinel oov punctuation modality cond conditioning noise timestamp vocab sos go"
    " fake dummy current cur each every common rare frequent valid ignore ignored cross inter intra token"
)
_AUTH = _words("auth oauth oauth2")
_AFTER_AUTH = _words("header headers key value string str data info secret code cookie token")
# These make what they hold a secret, as in the path 'secrets/wandb'.
_HOLDERS = _words("secrets credentials passwords creds")
# An option that begins so asks for no value: --no-token, --ask-password.
_FLAGS = _words("no ask prompt skip disable require")
_WORKING_DIRECTORY = ("PWD", "OLDPWD")
_HARMLESS = _words("true false none null yes no on off")

# A name that holds none of the words above, in any place, needs no closer look; most names do not.
_TELLING = sorted({*_ALWAYS, *_ENDINGS, *_PAIRS, *_AUTH, *_HOLDERS, "token", "pass", "pw", "pat"}, key=len)
_ANY_TELLING = "|".join(
    word for at, word in enumerate(_TELLING) if not any(shorter in word for shorter in _TELLING[:at])
)
_CAMEL = r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])"
_NOT_WORD = r"[^A-Za-z0-9]+"
_LEVELS = r"[/.:]+"
MAX_NAME = 256


@lru_cache(maxsize=4096)
def _is_credential(name: str) -> bool:
    if name in _WORKING_DIRECTORY or not re.search(_ANY_TELLING, name.lower()):
        return False
    levels = [level for level in re.split(_LEVELS, name[-MAX_NAME:]) if level]
    parents, last = levels[:-1], levels[-1:] or [""]
    return _says_so(_split(last[0])) or any(_HOLDERS.intersection(_split(level)) for level in parents)


def _split(name: str) -> list[str]:
    parts = (part.lower() for part in re.split(_NOT_WORD, re.sub(_CAMEL, " ", name)))
    return [part.rstrip("0123456789") or part for part in parts if part]


def _says_so(words: Sequence[str]) -> bool:
    if len(words) > 1 and words[-1] in _ABOUT:
        return False
    return list(words) in (["pass"], ["pw"], ["pat"]) or any(
        _is_telling(words, position) for position in range(len(words))
    )


def _is_key(name: str) -> bool:
    """Tell a name that may be a credential's or a dictionary's: what it holds must tell."""
    return re.split(_LEVELS, name[-MAX_NAME:])[-1].lower() == "key"


def _is_telling(words: Sequence[str], position: int) -> bool:
    word = words[position]
    before = words[position - 1] if position else ""
    after = words[position + 1] if position + 1 < len(words) else ""
    if word in _ALWAYS or word.endswith(_ENDINGS):
        return True
    if word == "token":
        return before not in _BEFORE_ML_TOKEN and (not after or after in _AFTER_TOKEN)
    if word in _AUTH:
        return not after or after in _AFTER_AUTH
    return before in _PAIRS.get(word, ())


# -- what is unmistakable in a text ------------------------------------------------------------------------------------

_TOKENS = tuple(
    (what, rf"(?<![A-Za-z0-9_])(?:{pattern})")
    for what, pattern in (
        ("AWS access key", r"A(?:KI|SI|GP|ID|RO|NP)A[A-Z0-9]{16}(?![A-Z0-9])"),
        ("GitHub token", r"gh[pousr]_[A-Za-z0-9]{10,}|github_pat_[A-Za-z0-9_]{10,}"),
        ("GitLab token", r"gl(?:pat|dt|rt|cbt|ptt)-[A-Za-z0-9_\-]{10,}"),
        ("Hugging Face token", r"(?:hf|api_org)_[A-Za-z0-9]{16,}"),
        ("Slack token", r"xox[abeoprs]-[A-Za-z0-9\-]{8,}"),
        ("Google key", r"AIza[A-Za-z0-9_\-]{30,}|ya29\.[A-Za-z0-9_\-]{20,}"),
        ("package index token", r"npm_[A-Za-z0-9]{30,}|pypi-Ag[A-Za-z0-9_\-]{16,}"),
        (
            "service token",
            r"(?:nvapi-|gsk_|dop_v1_|lsv2_pt_|SG\.)[A-Za-z0-9_\-]{20,}|[sr]k_(?:live|test)_[A-Za-z0-9]{10,}",
        ),
    )
)
_SK = r"(?<![A-Za-z0-9_\-])sk-[A-Za-z0-9_\-]{16,}"  # and of 'sk-learn-…' a token is told by its digits
_JWT = r"(?<![A-Za-z0-9_\-.])eyJ[A-Za-z0-9_\-]{5,}\.eyJ[A-Za-z0-9_\-]{5,}(?:\.[A-Za-z0-9_\-]*)?"
_HOOK = r"(hooks\.slack\.com/(?:services|workflows)/)[A-Za-z0-9/_\-]+"
_AUTHORIZATION = (
    r"(?i)(?<![a-z0-9])(authorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?:(?:bearer|basic|token|digest|apikey)\s{1,3})?)"
    r"([^\s\"',;]+)"
)
_BEARER = r"(?<![A-Za-z0-9])(B(?:earer|EARER)\s{1,3})([A-Za-z0-9\-._~+/]+=*)"
_PEM = r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
_SCHEME = r"(?<![A-Za-z0-9+.\-])[A-Za-z][A-Za-z0-9+.\-]{0,40}://"
_AUTHORITY_END = r"[/?#\s\"'<>`|]"
_TEXT_END = r"[\s\"'<>`|]"
_MAX_USERINFO = 512
# name=value within a text: a URL's query, a connection string, an assignment; and "name": "value" of JSON.
_ASSIGNED = r"(?<![\w.\-%])([\w.\-%]{1,80})(\s?=\s?)([^\s&;\"'<>]*[^\s&;\"'<>,)\]}])"
_QUOTED = (
    r"(?<![\w.\-])([\w.\-]{1,80})([\"']?\s{0,8}[:=]\s{0,8})"
    r"(\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')"
)
# name:value, as in a header. After a space it is prose, unless the name is a header's or there is nothing else.
_COLON = r"(?<![\w.\-%/])([\w\-]{1,80})(:\s{0,3})([^\s\"',;:/][^\s\"',;]*)"
# --name VALUE within a text of options: only where the text begins with one, for prose names options too.
_OPTION_VALUE = r"(?<!\S)--?([A-Za-z][\w\-.]{1,80})(\s{1,8}[\"']?)([^\s\"'\-][^\s\"']*)"
_RANDOM = r"(?=[A-Za-z0-9]*[0-9])(?=[A-Za-z0-9]*[A-Za-z])[A-Za-z0-9]{16,}"
# What every one of the patterns above needs somewhere: one quick look spares most texts all of them.
_HINT = r"[=:]|-\w|[Bb]earer|BEARER|[A-Za-z0-9_\-.]{12}"
_SIGNED = _words("sig signature x-amz-signature x-amz-security-token x-amz-credential x-goog-signature")


_PREFIXES = (
    "akia|asia|agpa|aida|aroa|anpa|gh[pousr]_|github_pat|gl(?:pat|dt|rt|cbt|ptt)-|hf_|api_org_|xox|aiza|ya29|npm_|pypi-"
    r"|nvapi-|gsk_|dop_v1_|lsv2_|sg\.|[sr]k_|sk-|eyj|hooks\.slack|sig|x-amz|x-goog|begin |://"
)


def may_hold_one(line: str) -> bool:
    """Tell quickly whether a line is worth a closer look, of names and forms that this module knows; most are not."""
    return re.search(f"{_ANY_TELLING}|{_PREFIXES}", line.lower()) is not None


@dataclass(frozen=True)
class _Span:
    start: int
    end: int
    what: str


def _spans(text: str, masker: Masker, *, is_code: bool = False) -> Iterator[_Span]:
    """Find what to mask; spans may overlap, and come in no order. In code, `token = x` is no secret."""
    if not re.search(_HINT, text):
        return
    yield from _private_keys(text)
    yield from _url_passwords(text)
    for what, pattern in _TOKENS:
        yield from (_Span(*found.span(), what) for found in re.finditer(pattern, text))
    yield from (_Span(*found.span(), "API key") for found in re.finditer(_SK, text) if re.search(r"\d", found[0]))
    yield from (_Span(*found.span(), "JSON web token") for found in re.finditer(_JWT, text))
    yield from (_Span(found.end(1), found.end(), "webhook URL") for found in re.finditer(_HOOK, text))
    yield from (_Span(*found.span(2), "authorization header") for found in re.finditer(_AUTHORIZATION, text))
    yield from (_Span(*found.span(2), "bearer token") for found in re.finditer(_BEARER, text))
    for found in () if is_code else re.finditer(_ASSIGNED, text):
        if masker.masks(found[1]) or found[1].lower() in _SIGNED:
            yield from _worth(found.start(3), found[3], found[1])
    for found in () if is_code else re.finditer(_COLON, text):
        is_header = "-" in found[1] or found[2] == ":" or found[0] == text.strip()
        if is_header and masker.masks(found[1]):
            yield from _worth(found.start(3), found[3], found[1])
    for found in re.finditer(_OPTION_VALUE, text) if text.lstrip().startswith("-") and not is_code else ():
        if masker.masks(found[1]) and not _FLAGS.intersection(_split(found[1])[:1]):
            yield from _worth(found.start(3), found[3], found[1])
    for found in re.finditer(_QUOTED, text):
        if masker.masks(found[1]):
            yield from _worth(found.start(3) + 1, found[3][1:-1], found[1])


def _worth(start: int, value: str, name: str) -> Iterator[_Span]:
    if not is_harmless(value):
        yield _Span(start, start + len(value), f"value of {name}")


def is_harmless(text: str) -> bool:
    """Tell what no secret can be: nothing, a switch, or what is masked already."""
    bare = text.strip()
    return not bare or bare.lower() in _HARMLESS or bare == MASK


def _private_keys(text: str) -> Iterator[_Span]:
    at = 0
    while begin := re.compile(_PEM).search(text, at):
        end = text.find("-----END", begin.end())
        at = len(text) if end < 0 else end
        if text[begin.end() : at].strip() not in ("", MASK):
            yield _Span(begin.end(), at, "private key")


def _url_passwords(text: str) -> Iterator[_Span]:
    for scheme in re.finditer(_SCHEME, text):
        start = scheme.end()
        window = text[start : start + _MAX_USERINFO]
        stop = re.search(_AUTHORITY_END, window)
        authority = window[: stop.start()] if stop else window
        if "@" not in authority:
            authority = _with_raw_password(window, authority)
        userinfo, at, _ = authority.rpartition("@")
        user, colon, password = userinfo.partition(":")
        if not at:
            continue
        if password and password != MASK and password != "x-oauth-basic":  # noqa: S105 - GitHub's word for "none"
            yield _Span(start + len(user) + 1, start + len(userinfo), "URL with a password")
        elif user and user != MASK and (colon and password != MASK or len(user) >= 20):
            yield _Span(start, start + len(user), "URL with a token")


def _with_raw_password(window: str, authority: str) -> str:
    """Extend over a password that holds '/', '?' or '#' as it is: 'host:port' has digits there, 'user:p/w@' has not."""
    user, colon, rest = authority.partition(":")
    if not colon or rest.isdigit() or not user:
        return authority
    stop = re.search(_TEXT_END, window)
    candidate = window[: stop.start()] if stop else window
    return candidate if "@" in candidate else authority


def _replaced(text: str, spans: Iterator[_Span]) -> str:
    pieces: list[str] = []
    at = 0
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if span.start >= at:
            pieces += [text[at : span.start], MASK]
        at = max(at, span.end)
    return "".join([*pieces, text[at:]])


_ASSIGNMENT = r"(?a)([+~]{0,2}@?[A-Za-z_][\w./:@\-]{0,200})="
_OPTION = r"--[A-Za-z][\w\-.]*(?:=|\Z)|-[A-Za-z]\Z|--\Z"


@dataclass(frozen=True)
class Masker:
    """What is masked: the rules of this module, and more or fewer names.

    Both lists hold shell-style patterns ('*_license', 'hub_token') for a whole name or its last level, whatever the
    case and whether '-' or '_' is written. `extra` names are masked too; `allowed` names never are, unless the value is
    unmistakable in itself. `known` are secrets themselves: a value that is one, and those of some length in any text.
    """

    extra: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    known: tuple[str, ...] = ()

    def masks(self, name: str) -> bool:
        """Tell whether a name says that its value is a credential; levels may be split by '/', '.' or ':'."""
        if not self.extra and not self.allowed:
            return _is_credential(name)
        spelled = _spelled(name)
        tails = {spelled, re.split(_LEVELS, spelled)[-1]}
        if any(fnmatchcase(tail, _spelled(pattern)) for tail in tails for pattern in self.allowed):
            return False
        return _is_credential(name) or any(
            fnmatchcase(tail, _spelled(pattern)) for tail in tails for pattern in self.extra
        )

    def value(self, name: str, text: str) -> str:
        """Return the text as it may be stored: MASK for a credential's name, else with the secrets within masked.

        No text, None and a boolean stay: 'use_auth_token=True' holds no secret.
        """
        if text in self.known and text:
            return MASK
        if self.masks(name) or _is_key(name) and re.search(_RANDOM, text):
            return text if is_harmless(text) else MASK
        return self.text(text)

    def text(self, text: str, *, is_code: bool = False) -> str:
        """Mask what is unmistakable in a text; in code, as in `findings`, a value only where it stands in quotes."""
        hidden = self.hidden(text)
        return _replaced(hidden, _spans(hidden, self, is_code=is_code))

    def hidden(self, text: str) -> str:
        """Mask the known secrets in any text; what else it holds stays."""
        for secret in self.known:
            if len(secret) >= MIN_KNOWN:
                text = text.replace(secret, MASK)
        return text

    def argv(self, args: Sequence[str]) -> tuple[list[str], list[str]]:
        """Mask a command line; with it the names of what was masked ('argv[3]' for what has no name).

        Understood are `--name VALUE`, `--name=VALUE` and `name=VALUE` (also `a/b=`, `a.b=`, `+a=`). A short option's
        meaning is not guessed; an unmistakable value after it is masked like any other. What the program's parser
        makes of it is for `command_line.without`.
        """
        masked: list[str] = []
        names: list[str] = []
        waiting = ""  # the option that the next value belongs to
        for position, arg in enumerate(args):
            name, shown = self._argument(arg, waiting)
            masked.append(shown)
            if shown != arg:
                names.append(name or f"argv[{position}]")
            waiting = self._asks_for(arg, waiting)
        return masked, names

    def _argument(self, arg: str, waiting: str) -> tuple[str, str]:
        if waiting and not re.match(_OPTION, arg):
            return waiting, self.value(waiting, arg)
        assigned = re.match(r"-{1,2}([^=\s]{1,200})=", arg) or re.match(_ASSIGNMENT, arg)
        if assigned:
            name = assigned[1].lstrip("+~@")
            return name, arg[: assigned.end()] + self.value(name, arg[assigned.end() :])
        return "", MASK if arg and arg in self.known else self.text(arg)

    def _asks_for(self, arg: str, waiting: str) -> str:
        """Name the option whose value comes next: this one, or still the last one where it takes several."""
        if not arg.startswith("-"):
            return waiting if waiting.lower().endswith("s") and self.masks(waiting) else ""
        name = arg.lstrip("-")
        if len(name) < 2 or "=" in name or not arg.startswith("--") and not self.masks(name):
            return ""
        return "" if _FLAGS.intersection(_split(name)[:1]) else name

    def mapping(self, mapping: Mapping[str, object]) -> tuple[dict[str, object], list[str]]:
        """Return a masked copy of a nested mapping, and the paths ('a/b') of what was masked in it."""
        names: list[str] = []
        return {key: self._nested(str(key), item, names) for key, item in mapping.items()}, names

    def _nested(self, path: str, value: object, names: list[str]) -> object:
        if isinstance(value, Mapping):
            return {key: self._nested(f"{path}/{key}", item, names) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            items = [self._nested(path, item, names) for item in value]
            return items if isinstance(value, list) else tuple(items)
        if isinstance(value, str):
            shown: object = self.value(path, value)
        else:
            shown = MASK if value is not None and not isinstance(value, bool) and self.masks(path) else value
        if shown is not value and shown != value and path not in names:
            names.append(path)
        return shown

    def findings(self, text: str, *, is_code: bool = True) -> list[tuple[int, str]]:
        """List what looks like a secret in a text that must stay as it is, such as a diff: (line from 1, what).

        In code assignments count only with a literal in quotes: `token = get_token()` holds no secret.
        """
        found: list[tuple[int, str]] = []
        line, at = 1, 0
        for span in sorted(_spans(text, self, is_code=is_code), key=lambda span: span.start):
            line += text.count("\n", at, span.start)
            at = span.start
            if (line, span.what) not in found[-8:] and not is_harmless(text[span.start : span.end]):
                found.append((line, span.what))
        return found


def _spelled(name: str) -> str:
    return name.lower().replace("-", "_")
