from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskstore.core.secrets import MASK, Masker

MASKER = Masker()


def words(text):
    return text.split()


CREDENTIALS = words("""
token TOKEN api_token apiToken API-TOKEN hf_token HF_TOKEN hfToken HUGGING_FACE_HUB_TOKEN hub_token push_to_hub_token
use_auth_token access_token refresh_token id_token session_token csrf_token bot_token user_token app_token token_value
token2 github_token auth_tokens api_tokens accessToken OAuthToken sas_token sasToken
password passwd pwd db_password dbPassword db.password Args/password PGPASSWORD MYSQL_PWD password1 passwords
old-password --password passphrase user_pass smtp-pass db.pass pass pw db_pw password_hash
secret client_secret clientSecret AWS_SECRET_ACCESS_KEY secrets my.secret secretKey appsecret
api_key apiKey APIKey API_KEY api-key apikey OPENAI_API_KEY wandb_key x-api-key model.api_key api_keys
access_key accessKey AWS_ACCESS_KEY_ID access_key_id private_key privateKey ssh_key signing_key account_key
auth http_auth basic-auth auth_header auth_key auth_code oauth oauth2 authorization Authorization
credential credentials aws.credentials GOOGLE_APPLICATION_CREDENTIALS creds
bearer jwt sas connection_string connectionString connection-string AZURE_STORAGE_CONNECTION_STRING conn_str dsn
SENTRY_DSN cookie session_key github_pat General/db/password secrets/wandb credentials.user
pat --pat my_pat MYPAT GIT_PAT
""")

HARMLESS = words("""
tokenizer tokenizer_name model.tokenizer tokenizer.path tokens max_tokens num_tokens max_new_tokens n_tokens
tokens_per_second total_tokens prompt_tokens token_count token_limit token_embedding token_embeddings token_dim
token_dropout token_type_ids token_ids token_level token_mixing token_merging token_pruning tokenwise token_length
pad_token eos_token bos_token unk_token sep_token cls_token mask_token eos_token_id pad_token_id bos_token_id
eosToken padTokenId image_token image_token_id start_token end_token special_tokens additional_special_tokens
dist_token distillation_token class_token register_tokens num_register_tokens prompt_token loss_per_token
decoder_start_token_id forced_bos_token_id suppress_tokens placeholder_token next_token new_token max_token
per_token_loss vision_start_token_id by_token drop_token token_type
author authors authority authored authentic keyboard key keys sort_key key_dim num_key_value_heads query_key_value
key_padding_mask rng_key prng_key image_key label_key primary_key public_key monitor_key dict_key keypoint keypoints
secretary passes num_passes forward_pass two_pass single_pass bypass compass pass_through encompass passenger
password_file password_length secret_name api_key_env api_key_path credentials_file auth_url auth_type auth_mode
auth_user token_file token_path private_key_path token_url
lr batch_size access private connection string session basic connection_timeout str seed salt_ratio privacy
private_leaderboard accessibility PWD OLDPWD pwm hidden_size bearing sask sassy dsnet jwtless patience
pattern path paths spat compat file_pat patch patches key keys
""")


@pytest.mark.parametrize("name", CREDENTIALS)
def test_a_credentials_name_is_masked(name):
    assert MASKER.masks(name)


@pytest.mark.parametrize("name", HARMLESS)
def test_a_name_of_machine_learning_is_not_masked(name):
    assert not MASKER.masks(name)


def test_more_names_are_masked_on_request():
    masker = Masker(extra=("*_license", "General/who"))
    assert masker.masks("solver-license")
    assert masker.masks("Args/SOLVER_LICENSE")
    assert masker.masks("General/who")
    assert not masker.masks("Args/who")
    assert masker.masks("password")


def test_a_name_that_is_allowed_is_not_masked():
    masker = Masker(extra=("*token",), allowed=("hub_token",))
    assert not masker.masks("Args/hub-token")
    assert masker.masks("pad_token")
    assert masker.value("hub_token", "ghp_" + "a1" * 18) == MASK


@pytest.mark.parametrize("text", ["", " ", "None", "True", "false", MASK])
def test_a_switch_is_no_secret(text):
    assert MASKER.value("use_auth_token", text) == text


@pytest.mark.parametrize("text", ["hunter2", "12345", "0", "[1, 2]", "a\nb", "\udc80"])
def test_a_credentials_value_is_masked_whole(text):
    assert MASKER.value("db.password", text) == MASK


BODY = "s3cr3tS3cr3tS3cr3t9"
UNMISTAKABLE = {
    "https://user:{}@host/path": "https://user:********@host/path",
    "git clone https://oauth2:{}@gitlab.com/a.git now": "git clone https://oauth2:********@gitlab.com/a.git now",
    "postgres://u:{}@db:5432/name": "postgres://u:********@db:5432/name",
    "postgres://u:{}/w?@db/name": "postgres://u:********@db/name",
    "redis://:{}@h": "redis://:********@h",
    "mongodb+srv://u:{}@h/?retryWrites=true": "mongodb+srv://u:********@h/?retryWrites=true",
    "https://u:p@{}@h/": "https://u:********@h/",
    "https://{}xx@github.com/a": "https://********@github.com/a",
    "https://{}:@api.host/a": "https://********:@api.host/a",
    "https://{}:x-oauth-basic@github.com/a": "https://********:x-oauth-basic@github.com/a",
    "https://h/p?a=1&token={}&b=2": "https://h/p?a=1&token=********&b=2",
    "https://h/p?sv=2022&sig={}%3D": "https://h/p?sv=2022&sig=********",
    "https://h/?X-Amz-Signature={}&x=1": "https://h/?X-Amz-Signature=********&x=1",
    "Server=db;User Id=me;Password={};Timeout=3": "Server=db;User Id=me;Password=********;Timeout=3",
    "AccountName=a;AccountKey={}==;EndpointSuffix=x": "AccountName=a;AccountKey=********;EndpointSuffix=x",
    "login(user='me', password='{}')": "login(user='me', password='********')",
    '{{"lr": 1, "api_key": "{}"}}': '{{"lr": 1, "api_key": "********"}}',
    "failed with password={}, lr=3": "failed with password=********, lr=3",
    "Bearer {}": "Bearer ********",
    "Authorization: Bearer {}": "Authorization: Bearer ********",
    "-H 'Authorization: Basic {}='": "-H 'Authorization: Basic ********'",
    "authorization: {}": "authorization: ********",
    "ghp_{}": MASK,
    "the token (github_pat_{}) is bad": "the token (********) is bad",
    "hf_{}": MASK,
    "xoxb-{}": MASK,
    "glpat-{}": MASK,
    "sk-{}": MASK,
    "sk-proj-{}": MASK,
    "sk-ant-{}": MASK,
    "https://hooks.slack.com/services/T0/B0/{}": "https://hooks.slack.com/services/********",
    "X-Api-Key: {}": "X-Api-Key: ********",
    "-H X-Auth-Token:{} https://h": "-H X-Auth-Token:******** https://h",
    "token:{}": "token:********",
    "password: {}": "password: ********",
    "--password {} --lr 1": "--password ******** --lr 1",
    "-v --api-key '{}'": "-v --api-key '********'",
    "eyJhbGciOiJI.eyJzdWIiOi.{}": MASK,
}


@pytest.mark.parametrize("template", UNMISTAKABLE)
def test_only_the_secret_part_of_a_text_is_replaced(template):
    expected = UNMISTAKABLE[template].replace("{{", "{").replace("}}", "}")
    text = template.format(BODY)
    assert MASKER.text(text) == expected
    assert MASKER.value("note", text) == expected
    assert MASKER.text(expected) == expected


def test_an_amazon_key_is_masked():
    assert MASKER.text("id AKIAIOSFODNN7EXAMPLE.") == f"id {MASK}."


@pytest.mark.parametrize("kind", ["PRIVATE KEY", "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK"])
def test_a_private_key_is_masked_whole(kind):
    body = "MIIEvQIBADAN\nBgkqhkiG9w0B\n"
    key = f"before -----BEGIN {kind}-----\n{body}-----END {kind}----- after"
    assert MASKER.text(key) == f"before -----BEGIN {kind}-----{MASK}-----END {kind}----- after"
    assert MASKER.text(f"-----BEGIN {kind}-----\n{body}") == f"-----BEGIN {kind}-----{MASK}"


@pytest.mark.parametrize(
    "text",
    [
        "https://host:8080/path@x",
        "https://host/a?b=1",
        "http://user@host/",
        "git@github.com:a/b.git",
        "s3://bucket/key",
        "https://host/@scope/name",
        "sk-learn-random-forest-classifier",
        "hf_hub_download",
        "hf_model",
        "task-very-long-name-of-a-task-1234567",
        "max_tokens=5, lr=0.1",
        "token=None",
        "x = eyJ",
        "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
        "the bearer of news",
        "bad password: it must be longer",
        "give --password or --token",
        "-v --no-token train.py --tokenizer bert --max-tokens 5",
        "max_tokens:5 tokenizer:bert author:ada path:/x patience:3",
        "nvcr.io/token:latest",
        "at 12:30: tokens: 128",
        "meta-llama/Llama-3-8B",
        "",
    ],
)
def test_what_only_looks_like_a_secret_stays(text):
    assert MASKER.text(text) == text


@given(st.text() | st.text("a:/@?=&;\"'\\{} \nsk-Bearer token", max_size=60))
def test_masking_twice_changes_nothing_more(text):
    once = MASKER.text(text)
    assert MASKER.text(once) == once


@pytest.mark.parametrize(
    ("args", "masked", "names"),
    [
        (["--token", "abc", "x"], ["--token", MASK, "x"], ["token"]),
        (["--token=abc", "x"], ["--token=********", "x"], ["token"]),
        (["-token", "abc"], ["-token", MASK], ["token"]),
        (["--api-key", "a=b"], ["--api-key", MASK], ["api-key"]),
        (["TOKEN=abc"], ["TOKEN=********"], ["TOKEN"]),
        (["Args/lr=1", "Args/password=x"], ["Args/lr=1", "Args/password=********"], ["Args/password"]),
        (["db.password=x", "+key=value"], ["db.password=********", "+key=value"], ["db.password"]),
        (
            ["+db.password=x", "++a.token=y"],
            ["+db.password=********", "++a.token=********"],
            ["db.password", "a.token"],
        ),
        (["-p", "abc"], ["-p", "abc"], []),
        (["-p", "https://u:pw@h"], ["-p", "https://u:********@h"], ["argv[1]"]),
        (["--url", "https://u:pw@h"], ["--url", "https://u:********@h"], ["url"]),
        (["--url=https://u:pw@h"], ["--url=https://u:********@h"], ["url"]),
        (["https://h/?token=abc"], ["https://h/?token=********"], ["argv[0]"]),
        (["-H", "Authorization: Bearer abc"], ["-H", "Authorization: Bearer ********"], ["argv[1]"]),
        (["--use-token", "--lr", "1"], ["--use-token", "--lr", "1"], []),
        (["--token", "-secret-like-this"], ["--token", MASK], ["token"]),
        (["--token", "-v"], ["--token", "-v"], []),
        (["--token", "--", "a"], ["--token", "--", "a"], []),
        (["--token"], ["--token"], []),
        (["--pat", "abc"], ["--pat", MASK], ["pat"]),
        (["--key", "Zx81kQpL02mVn7Ty"], ["--key", MASK], ["key"]),
        (["--key=0123456789abcdef0123456789abcdef"], ["--key=********"], ["key"]),
        (["--key", "image", "--sort-key", "Zx81kQpL02mVn7Ty", "--path", "p", "--key", "model-best-2024-01"], None, []),
        (["-H", "X-Api-Key: abc"], ["-H", "X-Api-Key: ********"], ["argv[1]"]),
        (["token:abc"], ["token:********"], ["argv[0]"]),
        (["--no-token", "train.py"], ["--no-token", "train.py"], []),
        (["--ask-password", "train.py"], ["--ask-password", "train.py"], []),
        (["--use-auth-token", "True"], ["--use-auth-token", "True"], []),
        (["--passwords", "a", "b", "--lr", "1"], ["--passwords", MASK, MASK, "--lr", "1"], ["passwords", "passwords"]),
        (["--max-tokens", "5", "--tokenizer=bert", "eos_token=</s>"], None, []),
        (["train.py", "--token-dropout", "0.1", "-x=1", "", "=", "a b=c"], None, []),
        ([], None, []),
    ],
)
def test_a_command_line_is_masked_by_option_and_by_assignment(args, masked, names):
    assert MASKER.argv(args) == (args if masked is None else masked, names)


def test_a_command_line_keeps_its_length_and_is_not_changed_in_place():
    args = ["--password", "x"]
    assert len(MASKER.argv(args)[0]) == 2
    assert args == ["--password", "x"]


def test_a_mapping_is_masked_through_its_levels():
    given_ = {"lr": 0.1, "db": {"user": "me", "password": "x"}, "urls": ["https://u:p@h", "b"], "auth": {"on": True}}
    masked, names = MASKER.mapping(given_)
    assert masked == {
        "lr": 0.1,
        "db": {"user": "me", "password": MASK},
        "urls": ["https://u:********@h", "b"],
        "auth": {"on": True},
    }
    assert names == ["db/password", "urls"]
    assert given_["db"] == {"user": "me", "password": "x"}


def test_what_is_held_by_secrets_is_masked_whatever_its_name():
    masked, names = MASKER.mapping({"secrets": {"wandb": "x", "pin": 1234}, "tokens": (1, 2), "password": None})
    assert masked == {"secrets": {"wandb": MASK, "pin": MASK}, "tokens": (1, 2), "password": None}
    assert names == ["secrets/wandb", "secrets/pin"]


def test_a_diff_is_left_alone_and_its_secrets_are_found_by_line():
    diff = "\n".join(
        [
            "+++ b/train.py",
            '+password = "hunter2"',
            "+token = get_token()",
            "+url = 'https://u:pw@h'",
            "+key = 'AKIAIOSFODNN7EXAMPLE'",
            "+{'api_key': 'abc', \"lr\": \"3\"}",
            "+pad_token = '<pad>'",
        ]
    )
    assert MASKER.findings(diff) == [
        (2, "value of password"),
        (4, "URL with a password"),
        (5, "AWS access key"),
        (6, "value of api_key"),
    ]
    assert MASKER.findings("") == []


UNITS = ["a", " ", "a://", "a://b:c/", "@", "-eyJ", "eyJaaaaa.", "-----BEGIN PRIVATE KEY-----", "a=", "token=)", '"']
UNITS += ["password: '", "Bearer ", "authorization:", "sk-", "?a", "xoxb-", "a.b ", "token=x&", "\n", 'a="\\']


@pytest.mark.slow
@pytest.mark.parametrize("unit", UNITS)
def test_time_grows_with_the_text_and_not_with_its_square(unit):
    def seconds(size):
        text = unit * (size // len(unit))
        start = time.process_time()
        MASKER.text(text)
        MASKER.findings(text[: size // 10])
        MASKER.argv([f"--{text[: size // 10]}", f"{text[: size // 10]}=x"])
        MASKER.masks(text)
        return time.process_time() - start

    # Measured: at most 1 s for the million on a slow machine; a quadratic pattern takes hours.
    assert seconds(1_000_000) < 30
