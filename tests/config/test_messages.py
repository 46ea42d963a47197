"""Whatever pydantic finds in our models has words in both languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from gateway.config.kinds import CatalogueKind
from gateway.config.limit_sections import LimitSection, LimitsSection, RateSection
from gateway.config.messages import MESSAGES
from gateway.config.page import ApiSection
from gateway.config.rule_sections import RULES
from gateway.config.sections import AlarmsSection, AreaSection, SiteSection, StoreSection
from gateway.config.signal_sections import KindSection, SignalSection, StatusSection
from gateway.model.text import Text
from tests.config.plugins import BENCH, REAL, said, site

MODELS: tuple[type[BaseModel], ...] = (
    SiteSection, AreaSection, KindSection, CatalogueKind, SignalSection, StatusSection, LimitsSection, LimitSection,
    RateSection, StoreSection, ApiSection, AlarmsSection, *RULES.values(),
    *REAL.sources.values(), *REAL.sinks.values(), *REAL.notifiers.values(), *BENCH.sources.values())

# What each part of a pydantic core schema can find wrong in values that come out of a TOML or CSV file.
BY_SCHEMA: dict[str, set[str]] = {
    "model": {"model_type"}, "model-fields": {"missing", "extra_forbidden", "invalid_key"},
    "str": {"string_type", "string_unicode"}, "int": {"int_type", "int_parsing", "int_parsing_size", "int_from_float"},
    "float": {"float_type", "float_parsing"}, "bool": {"bool_type", "bool_parsing"}, "dict": {"dict_type"},
    "tuple": {"tuple_type"}, "list": {"list_type"}, "literal": {"literal_error"}, "enum": {"enum"},
    "tagged-union": {"union_tag_invalid", "union_tag_not_found"}, "function-before": {"value_error", "assertion_error"},
    "function-after": {"value_error", "assertion_error"}, "function-plain": {"value_error", "assertion_error"},
    "function-wrap": {"value_error", "assertion_error"},
    "union": set(), "nullable": set(), "default": set(), "any": set(),
    "model-field": set(), "no-info": set(), "with-info": set()}
BY_CONSTRAINT: dict[str, set[str]] = {
    "ge": {"greater_than_equal"}, "gt": {"greater_than"}, "le": {"less_than_equal"}, "lt": {"less_than"},
    "multiple_of": {"multiple_of"}, "pattern": {"string_pattern_mismatch"}, "allow_inf_nan": {"finite_number"},
    "min_length": {"too_short", "string_too_short"}, "max_length": {"too_long", "string_too_long"}}


NOT_VALIDATION = ("cls", "metadata", "serialization", "config", "function", "expected", "default", "members",
                  "json_schema_input_schema")


def schemas(node: object, shared: dict[str, dict]) -> Iterator[dict]:
    """Every core schema that takes part in validation. `shared`: the definitions that may be referred to."""
    if isinstance(node, dict):
        if node.get("type") == "definitions":
            shared = {definition["ref"]: definition for definition in node["definitions"]}
            yield from schemas(node["schema"], shared)
            return
        if node.get("type") == "definition-ref":
            yield from schemas(shared[node["schema_ref"]], shared)
            return
        if isinstance(node.get("type"), str):
            yield node
        for key, child in node.items():
            if key not in NOT_VALIDATION:
                yield from schemas(child, shared)
    elif isinstance(node, (list, tuple)):
        for child in node:
            yield from schemas(child, shared)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_error_a_model_can_raise_has_words(model):
    possible: set[str] = set()
    for schema in schemas(model.__pydantic_core_schema__, {}):
        possible |= BY_SCHEMA[schema["type"]]  # a KeyError here: a schema type nobody has thought of yet
        for constraint, errors in BY_CONSTRAINT.items():
            if constraint in schema:
                possible |= errors
    assert {"model_type", "extra_forbidden"} <= possible
    assert possible <= set(MESSAGES)


@pytest.mark.parametrize(("kind", "message"), MESSAGES.items())
def test_the_words_are_there_in_both_languages(kind, message):
    for text in message:
        filled = text.format(got=Text("G", "G"), error="E", gt=1, ge=1, lt=1, le=1, multiple_of=2, min_length=3,
                             max_length=4,
                             pattern="^a", expected='"a"', expected_tags='"a"', discriminator="type")
        assert filled.en and any("\u4e00" <= letter <= "\u9fff" for letter in filled.zh), kind


def test_a_misspelt_key_is_told_once_and_not_as_a_missing_one(tmp_path):
    loaded = site(tmp_path, '[[signals]]\nid = "A"\nkid = "number"\n')
    assert said(loaded) == ['signals[0] "A" | kid | unknown key; did you mean `kind`?']


def test_a_secret_is_not_repeated(tmp_path):
    loaded = site(tmp_path, '[[sinks]]\ntype = "influx"\nid = "i"\nurl = "http://h"\ndatabase = "d"\n'
                            'password = "hunter2"\ntoken_file = 12345\n', plugins=REAL)
    told = " ".join(problem.what.en + problem.fix.en + problem.what.zh for problem in loaded.problems)
    assert len(loaded.problems) == 2
    assert "write password_file" in told
    assert "hunter2" not in told and "12345" not in told


def test_elements_that_are_refused_do_not_make_the_list_too_short(tmp_path):
    loaded = site(tmp_path, '[[sources]]\ntype = "modbus"\nid = "m"\nhost = "h"\ndevices = [{ id = 5 }]\n',
                  plugins=REAL)
    assert said(loaded) == ['sources[0] "m" devices[0] | id | expected a text, got 5']


def test_one_value_refused_by_every_member_of_a_union_is_one_finding(tmp_path):
    loaded = site(tmp_path, '[[sources]]\ntype = "mqtt"\nid = "m"\nhost = "h"\n'
                            '[[sources.topics]]\ntopic = "t"\nsignal = "s"\nat = 5\n', plugins=REAL)
    assert [problem.key for problem in loaded.problems if "at" in problem.key] == ["at"]
